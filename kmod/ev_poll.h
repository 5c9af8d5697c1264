/* SPDX-License-Identifier: GPL-2.0-only */
/* A kevent on a file with a poll method: shared by the types that are one. */
#ifndef KEVENT_EV_POLL_H
#define KEVENT_EV_POLL_H

#include <linux/wait.h>

#include "close.h"

/* One entry in one wait queue. */
struct poll_entry {
	wait_queue_entry_t wait;
	/* NULL: not in a queue. Set to NULL by POLLFREE, when the queue is about to go. */
	wait_queue_head_t *head;
	struct poll_entry *next;
};

struct kevent_poll {
	struct kevent_on_file on;
	/* Written under ctl_mutex, read by wake-ups. */
	u32 mask;			/* poll bits that matter */
	u32 readable;			/* event bits that READABLE and WRITABLE stand for */
	u32 writable;
	bool exclusive;			/* the entries are; ctl_mutex */
	struct poll_entry first;	/* more: a FIFO open for both, some drivers */
};

/* kevent_source_ops. */
int kevent_poll_attach(struct kevent *kev);
int kevent_poll_modify(struct kevent *kev, const struct ukevent *uk);
void kevent_poll_detach(struct kevent *kev);
void kevent_poll_closed(struct kevent *kev);
int kevent_poll_check(struct kevent *kev);
void kevent_poll_free(struct kevent *kev);

#endif /* KEVENT_EV_POLL_H */
