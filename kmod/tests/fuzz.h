/* SPDX-License-Identifier: MIT */
/* Shared by the files of the random-call program. */
#ifndef FUZZ_H
#define FUZZ_H

#include <kevent.h>
#include <stdbool.h>
#include <stdint.h>

#define FUZZ_COMMANDS 4
#define FUZZ_POOL 48
#define FUZZ_THREADS 4

/* The first slots of the pool hold queues, of these kinds in turn; the others what is watched. */
#define FUZZ_QUEUES 9
#define FUZZ_KINDS 13

struct fuzz_counts {
	unsigned long calls;
	unsigned long succeeded;
	/* How often a command was given for a type, and how often it was carried out. */
	unsigned long tried[FUZZ_COMMANDS][KEVENT_MAX];
	unsigned long done[FUZZ_COMMANDS][KEVENT_MAX];
};

/* One thread of calls. The pool of descriptors belongs to all. */
struct fuzz {
	uint64_t random;
	struct fuzz_counts counts;
	/* Names that were registered some time ago: REMOVE and MODIFY should find something. */
	struct ukevent known[32];
	unsigned int known_next;
	/* Targets of reads, rings and mappings. */
	char *memory;
	int posix_timer;
};

extern int fuzz_pool[FUZZ_POOL];
extern char fuzz_directory[64];

uint64_t fuzz_draw(struct fuzz *self);

/* Less than `below`, which is not 0. */
unsigned int fuzz_below(struct fuzz *self, unsigned int below);

/* True once in `chance` times. */
bool fuzz_rarely(struct fuzz *self, unsigned int chance);

/* A fresh descriptor of the kind that belongs at that place; -1 when there is none. */
int fuzz_make(struct fuzz *self, unsigned int place);

/* A random request, for the most part one that makes sense. */
struct ukevent fuzz_request(struct fuzz *self, unsigned int type);

/* Activity on what is watched: reads, writes, signals, files, timers. */
void fuzz_provoke(struct fuzz *self);

/* One random call on a queue; counts it. */
void fuzz_call(struct fuzz *self);

#endif
