// SPDX-License-Identifier: GPL-2.0-only
/* From an event to the ready list or the mapped ring: what runs inside foreign wake-ups. */
#include <linux/poll.h>

#include "queue.h"
#include "trace.h"

/* Tells the program, in the shared word, whether records are to be had by a call. */
void kevent_mring_tell(struct kevent_queue *q)
{
	u32 flags = 0;

	if (q->nr_ready > q->nr_unsure)
		flags |= KEVENT_MRING_OVERFLOW;
	if (q->nr_unsure || !list_empty(&q->level))
		flags |= KEVENT_MRING_RECHECK;
	if (flags != q->mring_flags) {
		q->mring_flags = flags;
		kevent_mring_flags(&q->mring, flags);
	}
}

void kevent_enlist(struct kevent_queue *q, struct kevent *kev, bool at_head)
{
	kevent_st_queue(&kev->state);
	if (kev->state & KEVENT_ST_UNSURE)
		q->nr_unsure++;
	if (at_head)
		list_add(&kev->link, &q->ready);
	else
		list_add_tail(&kev->link, &q->ready);
	q->nr_ready++;
	if (q->nr_ready > q->stats.max_ready)
		q->stats.max_ready = q->nr_ready;
}

bool kevent_delist(struct kevent_queue *q, struct kevent *kev)
{
	if (list_empty(&kev->link))
		return false;
	list_del_init(&kev->link);
	if (kev->state & KEVENT_ST_QUEUED) {
		q->nr_ready--;
		if (kev->state & KEVENT_ST_UNSURE)
			q->nr_unsure--;
	}
	kev->state &= ~(KEVENT_ST_QUEUED | KEVENT_ST_LEVEL);
	return true;
}

/* Makes sure that kev is in no list and has the reference for being in one. */
static void unlink_or_get(struct kevent *kev)
{
	if (list_empty(&kev->link)) {
		kevent_get(kev);
	} else {
		list_del(&kev->link);
		kev->state &= ~KEVENT_ST_LEVEL;
	}
}

/* To one of the lists beside the ready list. */
static void set_aside(struct kevent *kev, struct list_head *list)
{
	unlink_or_get(kev);
	list_add_tail(&kev->link, list);
}

/*
 * Writes the record into the mapped ring, where there is room, and moves kev to its next state. In
 * line, as what follows runs inside wake-ups of busy sockets.
 */
static __always_inline void post(struct kevent_queue *q, struct kevent *kev)
{
	u32 bits = kev->fired;
	bool more;

	more = kevent_record(kev, bits, kevent_mring_slot(&q->mring));
	kev->pos = q->mring.tail;
	kev->posted = bits;
	kev->fired = 0;
	kev->state |= KEVENT_ST_POSTED;
	kevent_mring_publish(&q->mring);

	if (unlikely(kev->u.req_flags & KEVENT_REQ_ONESHOT || kev->state & KEVENT_ST_BROKEN)) {
		kev->state |= KEVENT_ST_DEAD;
		set_aside(kev, &q->spent);
	} else if (unlikely(more)) {
		kev->fired = bits;
		unlink_or_get(kev);
		kevent_enlist(q, kev, false);
		kevent_mring_tell(q);
	} else if (kevent_is_level(kev)) {
		set_aside(kev, &q->level);
		kev->state |= KEVENT_ST_LEVEL;
		kevent_mring_tell(q);
	}
}

void kevent_post(struct kevent_queue *q, struct kevent *kev)
{
	post(q, kev);
}

/* Would the record only repeat one that the program has not taken yet? */
static __always_inline bool already_said(const struct kevent_queue *q, const struct kevent *kev)
{
	return (kev->state & (KEVENT_ST_POSTED | KEVENT_ST_BROKEN)) == KEVENT_ST_POSTED &&
	       kev->ops->flags & KEVENT_SOURCE_CONDITION && !(kev->fired & ~kev->posted) &&
	       kevent_mring_unread(&q->mring, kev->pos);
}

static void queue_up(struct kevent_queue *q, struct kevent *kev)
{
	unlink_or_get(kev);
	kevent_enlist(q, kev, false);
	if (!q->mring.ring)
		return;
	if (!(kev->state & KEVENT_ST_UNSURE)) {
		q->stats.overflows++;
		WRITE_ONCE(q->mring.ring->overflows, (u32)q->stats.overflows);
	}
	kevent_mring_tell(q);
}

static __always_inline bool announce(struct kevent_queue *q, struct kevent *kev)
{
	if (q->mring.ring && likely(!(kev->state & KEVENT_ST_UNSURE))) {
		if (already_said(q, kev)) {
			kev->fired = 0;
			return false;
		}
		/* Those that overflowed go first: the ring keeps the order of events. */
		if (likely(q->nr_ready == q->nr_unsure &&
			   kevent_mring_used(&q->mring) < q->mring.entries)) {
			q->stats.posted++;
			post(q, kev);
			return true;
		}
	}
	queue_up(q, kev);
	return true;
}

bool kevent_announce(struct kevent_queue *q, struct kevent *kev)
{
	return announce(q, kev);
}

static __always_inline unsigned int whom_to_wake(struct kevent_queue *q, const struct kevent *kev)
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
	/* Likewise: poll() enters its wait queue first. */
	if (waitqueue_active(&q->poll_wait))
		whom |= KEVENT_WAKE_POLLERS;
	return whom;
}

unsigned int kevent_whom(struct kevent_queue *q, const struct kevent *kev)
{
	return whom_to_wake(q, kev);
}

void kevent_wake(struct kevent_queue *q, unsigned int whom)
{
	if (whom & KEVENT_WAKE_ALL)
		wake_up_interruptible_all(&q->wait);
	else if (whom & KEVENT_WAKE_SLEEPERS)
		wake_up_interruptible(&q->wait);
	if (whom & KEVENT_WAKE_POLLERS)
		irq_work_queue(&q->poll_work);
}

void kevent_poll_work(struct irq_work *work)
{
	struct kevent_queue *q = container_of(work, struct kevent_queue, poll_work);

	wake_up_interruptible_poll(&q->poll_wait, EPOLLIN | EPOLLRDNORM);
}

static __always_inline bool fire(struct kevent *kev, u32 bits, u32 how, bool with_note,
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
	ready = announce(q, kev);
	if (ready) {
		q->stats.fired++;
		whom = whom_to_wake(q, kev);
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

bool kevent_fire(struct kevent *kev, u32 bits, u32 how)
{
	return fire(kev, bits, how, false, NULL);
}

bool kevent_fire_note(struct kevent *kev, u32 bits, u32 how, const void *note)
{
	return fire(kev, bits, how, true, note);
}
