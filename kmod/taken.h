/* SPDX-License-Identifier: GPL-2.0-only */
/* Kevents with a consumer: between deliver.c, which does what all need, and refill.c. */
#ifndef KEVENT_TAKEN_H
#define KEVENT_TAKEN_H

#include "queue.h"

enum fate {
	FATE_OPEN,		/* still with the consumer */
	FATE_LISTED,		/* in a list again, and our reference with it */
	FATE_LEFT,		/* drop our reference */
	FATE_END,		/* unregister it, too */
};

/* A kevent on its way through a consumer, who has the reference it had in the list. */
struct taken {
	struct kevent *kev;
	u32 bits;		/* what is reported */
	bool look;		/* ask the source first */
	bool broken;
	bool last;		/* the report ends the registration */
	bool report;		/* false: not ready after all */
	enum fate fate;
};

/*
 * Takes up to budget kevents off the ready list: as many as are wanted of those ready beyond doubt,
 * and on the way those that have to be looked at, as they may turn out not to be; *look says that
 * there are any. Under lock.
 */
u32 kevent_take(struct kevent_queue *q, struct taken *batch, u32 wanted, u32 budget, bool *look);

/* Asks the sources of those that need it; what is not ready after all is not to be reported. */
void kevent_look(struct taken *batch, u32 nr);

/* Not delivered now: back into the list. Under lock. */
void kevent_back_to_list(struct kevent_queue *q, struct taken *t, bool at_head);

/* Those still with the consumer go back to the head in their old order. Under lock. */
void kevent_return_open(struct kevent_queue *q, struct taken *batch, u32 nr);

/* Delivered or found unready: what becomes of it. Under lock. */
void kevent_settle(struct kevent_queue *q, struct taken *t);

/* Drops references and unregisters. No lock held. */
void kevent_let_go(struct kevent_queue *q, struct taken *batch, u32 nr);

/*
 * deliver_plain.c: delivers to buf, from the head of the ready list, kevents with nothing special
 * about them; at most max, and at most one batch. Takes those it handled off *budget, and stops at
 * the first that deliver.c has to see to. No lock held. Returns how many were delivered, which it
 * adds to *count, a statistic of the queue.
 */
u32 kevent_deliver_plain(struct kevent_queue *q, struct ukevent __user *buf, u32 max, u32 *budget,
			 u64 *count);

#endif /* KEVENT_TAKEN_H */
