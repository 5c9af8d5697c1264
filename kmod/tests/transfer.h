/* SPDX-License-Identifier: MIT */
/* Operations of the types AIO and NAIO, which take parameters and end with one event. */
#ifndef TRANSFER_H
#define TRANSFER_H

#include "queue.h"

/* A request with its parameters; both must live until the ADD, at the same place. */
struct transfer {
	struct ukevent entry;
	struct kevent_aio what;
};

/* An operation on a file with an id of its own. */
void prepare_aio(struct transfer *self, unsigned int op, int file, void *buf, size_t len,
		 long long offset);

/* KEVENT_NAIO_RECV or SEND on a socket, with an id of its own. */
void prepare_naio(struct transfer *self, int sock, unsigned int event, void *buf, size_t len,
		  int flags);

/* Registers it so that it reports through the queue even when it is done at once. */
struct ukevent start(int queue, struct transfer *transfer);

/* It reports so many bytes, and is no longer registered. */
void done(int queue, struct ukevent entry, unsigned int bytes);

/* It reports that it broke, with this errno, and is no longer registered. */
void broken(int queue, struct ukevent entry, int error);

/* A long text in which every byte says where it is. */
void fill_pattern(unsigned char *data, size_t len, size_t from);
void check_pattern(const unsigned char *data, size_t len, size_t from);

/* Reads `len` bytes of the pattern, which begin at its byte `from`. */
void read_pattern(int fd, size_t len, size_t from);

#define BLOCK 4096
#define BLOCKS 64

/* An unnamed file; on the disk of the guest if `disk` (skips without one), else in memory. */
int make_file(bool disk, int flags);

/* A file with BLOCKS blocks of the pattern, none of it in the page cache if it is on the disk. */
int make_full_file(bool disk, int flags);

#endif
