/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A transfer in flight, for the types AIO and NAIO.
 *
 * A transfer advances in steps. The first one runs inside ADD and must not block; what it cannot do
 * there a worker does, with the memory and the credentials of the caller. A step that has to wait
 * for a socket arms the transfer: the wake-up queues the worker. A step that was handed to the
 * block layer ends in kevent_io_finish(), possibly in an interrupt.
 *
 * The transfer is apart from its kevent, since it may outlive it: a read from a disk cannot be
 * called back. References: one of the kevent, one of the operation from ADD to finish. The one who
 * finishes has the second one: whoever moves the wait state away from ARMED, takes the work off the
 * queue, runs the work, or is called by the block layer. Work in a worker holds one more.
 *
 * A socket is not kept open between steps: the kevent is bound to its file (close.h), which when it
 * is closed finishes an armed transfer. During a step the socket's file is held.
 *
 * Wait state: IDLE -> ARMING (hooked to the wait queue by the worker or ADD, who tries once more) ->
 * ARMED -> WOKEN (the work is queued) -> IDLE. A wake-up while ARMING leads to WOKEN too, but then
 * the one who hooked goes on.
 *
 * Locking: close bucket lock > io->lock > queue->lock. Wait queue locks are never taken under
 * io->lock.
 */
#ifndef KEVENT_IO_H
#define KEVENT_IO_H

#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/poll.h>

#include "close.h"
#include "kevent_core.h"

/* What a step returns if not -errno. */
enum kevent_io_state {
	KEVENT_IO_DONE,		/* all that will be moved has been */
	KEVENT_IO_BLOCKS,	/* go on in a worker */
	KEVENT_IO_ARMED,	/* a wake-up goes on; the step must not touch it any more */
	KEVENT_IO_SUBMITTED,	/* kevent_io_finish() will be called; likewise */
};

struct kevent_io;

struct kevent_io_ops {
	/* May block only if @worker. @sock: held for the step, or NULL if none was bound. */
	int (*step)(struct kevent_io *io, struct file *sock, bool worker);
	/* Gives back what the step function keeps between steps. May sleep. Optional. */
	void (*free)(struct kevent_io *io);
};

/* A kevent of type AIO or NAIO. */
struct ev_io {
	struct kevent_on_file on;	/* bound to the socket, if there is one */
	struct kevent_io *io;		/* NULL: over in ADD, which hands the outcome back */
	u64 moved;			/* set before it is fired */
	int error;			/* likewise */
};

enum kevent_io_wait_state {
	KEVENT_IO_WAIT_IDLE,
	KEVENT_IO_WAIT_ARMING,
	KEVENT_IO_WAIT_ARMED,
	KEVENT_IO_WAIT_WOKEN,
};

struct kevent_io {
	const struct kevent_io_ops *ops;
	refcount_t refs;
	spinlock_t lock;
	struct ev_io *owner;		/* lock: NULL when nobody is to be told */
	bool cancelled;			/* lock */
	bool over;			/* lock: owner has the outcome */
	bool on_socket;			/* steps need the socket that owner is bound to */
	u32 bits;			/* what the event reports */
	struct completion finished;
	struct kevent_aio req;
	struct file *file;		/* AIO: what is read or written */
	struct mm_struct *mm;
	const struct cred *cred;
	struct work_struct work;
	struct work_struct free_work;
	u64 moved;			/* bytes; the step's own */
	struct kiocb iocb;
	loff_t pos;			/* of byte 0 of the transfer */
	struct wait_queue_entry wait;
	struct wait_queue_head *head;
	__poll_t events;		/* what wakes it */
	atomic_t wait_state;
	struct page **pages;		/* SENDFILE: what has been read ... */
	unsigned int pages_sent;	/* ... and how many bytes of it are sent */
	unsigned int pages_len;
};

/* Reads the parameters at the address in ret_data; 0 or -errno. */
int kevent_io_request(const struct kevent *kev, struct kevent_aio *req);

/* The caller fills in the rest; or ERR_PTR(). */
struct kevent_io *kevent_io_create(const struct kevent_aio *req, const struct kevent_io_ops *ops);

/*
 * Runs the first step; returns what attach() is to return. Takes the transfer over in any case.
 * @sock: the socket to bind to, which the caller holds, or NULL.
 */
int kevent_io_start(struct kevent_io *io, struct kevent *kev, struct file *sock);

/* Ends an operation that was SUBMITTED, with 0 or -errno. Any context. */
void kevent_io_finish(struct kevent_io *io, int error);

/* Goes on with it in a worker. Any context; the reference of the operation goes along. */
void kevent_io_punt(struct kevent_io *io);

/* Moves what can be moved without waiting: KEVENT_IO_DONE, KEVENT_IO_BLOCKS or -errno. */
typedef int kevent_io_attempt(struct kevent_io *io, struct file *sock, bool worker);

/*
 * Makes attempts for a step until one says something else than -EAGAIN, waiting for the events in
 * between; without @events -EAGAIN is the result. Before it sleeps, it hooks itself to the socket
 * and tries once more: sockets exist whose poll says ready for what cannot be done, so only the
 * attempt counts. Returns what the last attempt did, or KEVENT_IO_ARMED.
 */
int kevent_io_try(struct kevent_io *io, struct file *sock, __poll_t events, bool worker,
		  kevent_io_attempt *attempt);

/* For a step that takes long: has the kevent gone meanwhile? */
bool kevent_io_cancelled(struct kevent_io *io);

/* Gives back a transfer that was never started. */
void kevent_io_discard(struct kevent_io *io);

/* modify(), detach(), closed(), fill() and exit of both types. */
int kevent_io_modify(struct kevent *kev, const struct ukevent *uk);
void kevent_io_detach(struct kevent *kev);
void kevent_io_closed(struct kevent *kev);
bool kevent_io_fill(struct kevent *kev, struct ukevent *out);
int kevent_io_init(void);
void kevent_io_exit(void);

/* out_fd, held; or ERR_PTR(). */
struct file *kevent_io_sendfile_open(struct kevent_io *io);
extern const struct kevent_io_ops kevent_io_sendfile_ops;

#endif
