// SPDX-License-Identifier: GPL-2.0-only
/* From an event to the ready list or the mapped ring: what runs inside foreign wake-ups. */
#include <linux/poll.h>

#include "fire.h"

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
void kevent_set_aside(struct kevent *kev, struct list_head *list)
{
	unlink_or_get(kev);
	list_add_tail(&kev->link, list);
}

/* The record is in the ring: what becomes of a kevent that does not just go idle. */
void kevent_posted(struct kevent_queue *q, struct kevent *kev, u32 bits, bool more)
{
	if (kev->u.req_flags & KEVENT_REQ_ONESHOT || kev->state & KEVENT_ST_BROKEN) {
		kev->state |= KEVENT_ST_DEAD;
		kevent_set_aside(kev, &q->spent);
	} else if (more) {
		kev->fired = bits;
		unlink_or_get(kev);
		kevent_enlist(q, kev, false);
		kevent_mring_tell(q);
	} else if (kevent_is_level(kev)) {
		kevent_set_aside(kev, &q->level);
		kev->state |= KEVENT_ST_LEVEL;
		kevent_mring_tell(q);
	}
}

void kevent_post(struct kevent_queue *q, struct kevent *kev)
{
	kevent_post_inline(q, kev);
}

void kevent_queue_up(struct kevent_queue *q, struct kevent *kev)
{
	unlink_or_get(kev);
	kevent_enlist(q, kev, false);
	if (!(kev->state & KEVENT_ST_UNSURE)) {
		q->stats.overflows++;
		WRITE_ONCE(q->mring.ring->overflows, (u32)q->stats.overflows);
	}
	kevent_mring_tell(q);
}

bool kevent_announce(struct kevent_queue *q, struct kevent *kev)
{
	return kevent_announce_inline(q, kev);
}

unsigned int kevent_whom(struct kevent_queue *q, const struct kevent *kev)
{
	return kevent_whom_inline(q, kev);
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

bool kevent_fire(struct kevent *kev, u32 bits, u32 how)
{
	return kevent_fire_inline(kev, bits, how, false, NULL);
}

bool kevent_fire_note(struct kevent *kev, u32 bits, u32 how, const void *note)
{
	return kevent_fire_inline(kev, bits, how, true, note);
}
