// SPDX-License-Identifier: GPL-2.0-only
/* Looking again outside of get_events: for the mapped ring, for poll, and after one-shot events. */
#include "compat.h"
#include "queue.h"
#include "taken.h"
#include "trace.h"

/* Read level-triggered kevents become ready again, to be looked at. Under lock. */
static void collect_read(struct kevent_queue *q)
{
	struct kevent *kev;

	while ((kev = list_first_entry_or_null(&q->level, struct kevent, link))) {
		/* They stand in the order of their records. */
		if (kevent_mring_unread(&q->mring, kev->pos))
			break;
		list_del_init(&kev->link);
		kev->state = (kev->state & ~KEVENT_ST_LEVEL) | KEVENT_ST_UNSURE;
		kevent_enlist(q, kev, false);
	}
}

void kevent_collect_read(struct kevent_queue *q)
{
	spin_lock_irq(&q->lock);
	collect_read(q);
	kevent_mring_tell(q);
	spin_unlock_irq(&q->lock);
}

/* Into the mapped ring what there is room for. Under lock. */
static void post_batch(struct kevent_queue *q, struct taken *batch, u32 nr)
{
	struct taken *t;

	for (t = batch; t < batch + nr; t++) {
		struct kevent *kev = t->kev;

		if (!t->report || kev->state & KEVENT_ST_DEAD) {
			t->report = false;
			kevent_settle(q, t);
			continue;
		}
		if (kevent_mring_used(&q->mring) == q->mring.entries)
			break;
		kev->state &= ~KEVENT_ST_BUSY;
		kev->fired |= t->bits;
		if (t->broken)
			kevent_mark_broken(kev);
		trace_kevent_deliver(q, kev);
		kevent_post(q, kev);
		q->stats.ringed++;
		t->fate = FATE_LEFT;
	}
	if (t < batch + nr)
		kevent_return_open(q, batch, nr);
}

void kevent_refill(struct kevent_queue *q)
{
	struct taken batch[KEVENT_BATCH] KEVENT_NO_CLEAR;
	u32 budget = U32_MAX;
	bool must_look;
	u32 nr;

	if (list_empty(&q->level) && !READ_ONCE(q->nr_ready))
		return;
	spin_lock_irq(&q->lock);
	collect_read(q);
	/* Each kevent once: what becomes ready again meanwhile is left for the next call. */
	budget = q->nr_ready;
	while ((nr = kevent_take(q, batch, budget, min_t(u32, budget, KEVENT_BATCH), &must_look))) {
		budget -= nr;
		if (must_look) {
			spin_unlock_irq(&q->lock);
			kevent_look(batch, nr);
			spin_lock_irq(&q->lock);
		}
		post_batch(q, batch, nr);
		if (kevent_mring_used(&q->mring) == q->mring.entries)
			budget = 0;
		kevent_mring_tell(q);
		spin_unlock_irq(&q->lock);
		kevent_let_go(q, batch, nr);
		spin_lock_irq(&q->lock);
	}
	kevent_mring_tell(q);
	spin_unlock_irq(&q->lock);
}

/* The first of the ready, unless poll need not or must not look at it. Under lock. */
static bool take_to_verify(struct kevent_queue *q, struct taken *t, bool for_poll)
{
	bool must_look;

	if (for_poll && (q->nr_ready > q->nr_unsure ||
			 (q->nr_ready &&
			  list_first_entry(&q->ready, struct kevent, link)->nested)))
		return false;
	return kevent_take(q, t, 1, 1, &must_look);
}

bool kevent_verify(struct kevent_queue *q, bool for_poll)
{
	u32 budget = READ_ONCE(q->nr_ready);
	struct taken t;

	while (budget--) {
		bool taken;

		spin_lock_irq(&q->lock);
		taken = take_to_verify(q, &t, for_poll);
		spin_unlock_irq(&q->lock);
		if (!taken)
			break;
		kevent_look(&t, 1);
		spin_lock_irq(&q->lock);
		if (t.report)
			kevent_back_to_list(q, &t, false);
		else
			kevent_settle(q, &t);
		spin_unlock_irq(&q->lock);
		kevent_let_go(q, &t, 1);
	}
	return READ_ONCE(q->nr_ready);
}

void kevent_reap_locked(struct kevent_queue *q)
{
	LIST_HEAD(spent);

	if (list_empty(&q->spent))
		return;
	spin_lock_irq(&q->lock);
	list_splice_init(&q->spent, &spent);
	spin_unlock_irq(&q->lock);
	while (!list_empty(&spent)) {
		struct kevent *kev = list_first_entry(&spent, struct kevent, link);

		list_del_init(&kev->link);
		kevent_unregister(kev);
		kevent_put(kev);
	}
}

void kevent_reap(struct kevent_queue *q)
{
	if (list_empty(&q->spent))
		return;
	mutex_lock(&q->ctl_mutex);
	kevent_reap_locked(q);
	mutex_unlock(&q->ctl_mutex);
}
