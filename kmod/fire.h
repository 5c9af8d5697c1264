/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way of an event in line, for fire.c and for wake-ups of busy files, where a call more is one
 * of a few dozen instructions in ten.
 */
#ifndef KEVENT_FIRE_H
#define KEVENT_FIRE_H

#include "queue.h"
#include "trace.h"

/* Out of line: what is rare. */
void kevent_set_aside(struct kevent *kev, struct list_head *list);
void kevent_posted(struct kevent_queue *q, struct kevent *kev, u32 bits, bool more);
void kevent_queue_up(struct kevent_queue *q, struct kevent *kev);

/*
 * Writes the record into the mapped ring, where there is room, and moves kev to its next state. In
 * line, as what follows runs inside wake-ups of busy sockets.
 */
static __always_inline void kevent_post_inline(struct kevent_queue *q, struct kevent *kev)
{
	u32 bits = kev->fired;
	bool more;

	more = kevent_record(kev, bits, kevent_mring_slot(&q->mring));
	kev->pos = q->mring.tail;
	kev->posted = bits;
	kev->fired = 0;
	kev->state |= KEVENT_ST_POSTED;
	kevent_mring_publish(&q->mring);

	/* Edge-triggered and all said: it is idle again. */
	if (likely((kev->u.req_flags & (KEVENT_REQ_ET | KEVENT_REQ_ONESHOT)) == KEVENT_REQ_ET &&
		   !(kev->state & KEVENT_ST_BROKEN) && !more))
		return;
	kevent_posted(q, kev, bits, more);
}

/* Would the record only repeat the last one, if the program has not taken that yet? */
static __always_inline bool kevent_repeats(const struct kevent *kev)
{
	return (kev->state & (KEVENT_ST_POSTED | KEVENT_ST_BROKEN)) == KEVENT_ST_POSTED &&
	       kev->ops->flags & KEVENT_SOURCE_CONDITION && !(kev->fired & ~kev->posted);
}

/* Into the ready list of a queue without a mapped ring. */
static __always_inline void kevent_queue_up_inline(struct kevent_queue *q, struct kevent *kev)
{
	/* Idle, it is in no list but that of level-triggered ones, which is a mapped ring's. */
	kevent_get(kev);
	kevent_st_queue(&kev->state);
	if (unlikely(kev->state & KEVENT_ST_UNSURE))
		q->nr_unsure++;
	list_add_tail(&kev->link, &q->ready);
	q->nr_ready++;
	if (unlikely(q->nr_ready > q->stats.max_ready))
		q->stats.max_ready = q->nr_ready;
}

static __always_inline bool kevent_announce_inline(struct kevent_queue *q, struct kevent *kev)
{
	if (!q->mring.ring) {
		kevent_queue_up_inline(q, kev);
		return true;
	}
	if (likely(!(kev->state & KEVENT_ST_UNSURE))) {
		bool repeats = kevent_repeats(kev);
		u32 used;

		if (repeats)
			kevent_mring_barrier();
		used = kevent_mring_used(&q->mring);
		if (repeats && kevent_mring_among(&q->mring, kev->pos, used)) {
			kev->fired = 0;
			return false;
		}
		/* Those that overflowed go first: the ring keeps the order of events. */
		if (likely(used < q->mring.entries && q->nr_ready == q->nr_unsure)) {
			q->stats.posted++;
			kevent_post_inline(q, kev);
			return true;
		}
	}
	kevent_queue_up(q, kev);
	return true;
}

static __always_inline unsigned int kevent_whom_inline(struct kevent_queue *q,
							const struct kevent *kev)
{
	unsigned int whom = 0;

	/*
	 * Sleepers enter the wait queue before they take queue->lock to see what is ready, so under
	 * that lock either we see them, or they see the event.
	 */
	if (waitqueue_active(&q->wait)) {
		whom = KEVENT_WAKE_SLEEPERS;
		if (kev && kev->u.req_flags & KEVENT_REQ_WAKEUP_ALL)
			whom |= KEVENT_WAKE_ALL;
	}
	/* So do pollers. */
	if (waitqueue_active(&q->poll_wait))
		whom |= KEVENT_WAKE_POLLERS;
	return whom;
}

static __always_inline bool kevent_fire_inline(struct kevent *kev, u32 bits, u32 how, bool with_note,
				 const void *note)
{
	struct kevent_queue *q = kev->queue;
	unsigned int whom = 0;
	unsigned long flags;
	bool ready = false;
	u32 old;

	spin_lock_irqsave(&q->lock, flags);
	old = kev->state;
	if (unlikely(old & KEVENT_ST_DEAD))
		goto out;
	if (with_note && !kev->ops->note(kev, note))
		goto out;
	if (kev->u.req_flags & KEVENT_REQ_LAST_CHECK && kev->ops->check)
		how |= KEVENT_FIRE_UNSURE;
	if (unlikely(how & KEVENT_FIRE_BROKEN)) {
		how &= ~KEVENT_FIRE_UNSURE;
		kevent_mark_broken(kev);
	}
	kev->fired |= bits;
	if (!kevent_st_fire(&kev->state, how)) {
		if (old & KEVENT_ST_QUEUED && (old ^ kev->state) & KEVENT_ST_UNSURE)
			q->nr_unsure++;
		q->stats.merged++;
		goto out;
	}
	ready = kevent_announce_inline(q, kev);
	if (ready) {
		q->stats.fired++;
		whom = kevent_whom_inline(q, kev);
		trace_kevent_ready(q, kev);
	} else {
		q->stats.merged++;
	}
out:
	spin_unlock_irqrestore(&q->lock, flags);
	if (unlikely(whom))
		kevent_wake(q, whom);
	return ready;
}

#endif /* KEVENT_FIRE_H */
