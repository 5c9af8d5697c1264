// SPDX-License-Identifier: GPL-2.0-only
/* From the ready list to the program: looking again, copying, and what becomes of the kevent. */
#include <linux/uaccess.h>

#include "compat.h"
#include "queue.h"
#include "trace.h"

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
	bool report;		/* false: not ready after all */
	enum fate fate;
};

static bool is_last(const struct taken *t)
{
	return t->broken || t->kev->u.req_flags & KEVENT_REQ_ONESHOT;
}

/*
 * Takes kevents off the ready list: as many as are wanted of those ready beyond doubt, and on the way
 * those that have to be looked at, as they may turn out not to be. Under lock.
 */
static u32 take(struct kevent_queue *q, struct taken *batch, u32 wanted, u32 budget, bool *look)
{
	u32 nr = 0;

	*look = false;
	while (wanted && nr < budget && !list_empty(&q->ready)) {
		struct kevent *kev = list_first_entry(&q->ready, struct kevent, link);
		struct taken *t = &batch[nr++];
		u32 old;

		list_del_init(&kev->link);
		q->nr_ready--;
		old = kevent_st_take(&kev->state);
		if (old & KEVENT_ST_UNSURE)
			q->nr_unsure--;
		t->kev = kev;
		t->bits = kev->fired;
		t->broken = old & KEVENT_ST_BROKEN;
		t->look = !(old & (KEVENT_ST_BROKEN | KEVENT_ST_KEPT)) && kev->ops->check &&
			  (old & KEVENT_ST_UNSURE || kevent_is_level(kev));
		t->report = true;
		t->fate = FATE_OPEN;
		kev->fired = 0;
		if (t->look)
			*look = true;
		else
			wanted--;
	}
	return nr;
}

/* Asks the sources of those that need it; drops what is not ready after all. */
static void look(struct taken *batch, u32 nr)
{
	struct taken *t;

	for (t = batch; t < batch + nr; t++) {
		int found;

		if (!t->look)
			continue;
		found = t->kev->ops->check(t->kev);
		t->broken = found & KEVENT_ATTACH_BROKEN;
		t->bits = found & ~KEVENT_ATTACH_BROKEN;
		t->report = found;
	}
}

/* Not delivered now: back into the list. Under lock. */
static void back_to_list(struct kevent_queue *q, struct taken *t, bool at_head)
{
	struct kevent *kev = t->kev;

	kev->state &= ~KEVENT_ST_BUSY;
	if (kev->state & KEVENT_ST_DEAD) {
		t->fate = FATE_LEFT;
		return;
	}
	kev->fired |= t->bits;
	if (t->broken)
		kevent_mark_broken(kev);
	kevent_enlist(q, kev, at_head);
	t->fate = FATE_LISTED;
}

/* Those still with the consumer, from the last to the first: at the head in their old order. */
static void return_open(struct kevent_queue *q, struct taken *batch, u32 nr)
{
	while (nr--) {
		if (batch[nr].fate == FATE_OPEN)
			back_to_list(q, &batch[nr], true);
	}
}

/* Delivered or found unready. Under lock. */
static void settle(struct kevent_queue *q, struct taken *t)
{
	struct kevent *kev = t->kev;
	if (!t->report && !(kev->state & KEVENT_ST_DEAD))
		q->stats.spurious++;
	t->fate = FATE_LEFT;
	switch (kevent_st_done(&kev->state, t->report, is_last(t), kevent_is_level(kev),
			       kev->fired)) {
	case KEVENT_NEXT_QUEUE:
		kevent_enlist(q, kev, false);
		t->fate = FATE_LISTED;
		break;
	case KEVENT_NEXT_END:
		t->fate = FATE_END;
		break;
	case KEVENT_NEXT_IDLE:
	case KEVENT_NEXT_GONE:
		break;
	}
}

/* Drops references and unregisters; without locks. */
static void let_go(struct kevent_queue *q, struct taken *batch, u32 nr)
{
	struct taken *t;
	bool locked = false;

	for (t = batch; t < batch + nr; t++) {
		if (t->fate == FATE_LISTED)
			continue;
		if (t->fate == FATE_END) {
			if (!locked)
				mutex_lock(&q->ctl_mutex);
			locked = true;
			kevent_unregister(t->kev);
		}
		kevent_put(t->kev);
	}
	if (locked)
		mutex_unlock(&q->ctl_mutex);
}

/* Writes up to max records of those to report, in order; returns how many. Under lock. */
static u32 write_records(struct taken *batch, u32 nr, struct ukevent *records, u32 max)
{
	struct taken *t;
	u32 n = 0;

	for (t = batch; t < batch + nr && n < max; t++) {
		struct kevent *kev = t->kev;

		if (!t->report)
			continue;
		if (kev->state & KEVENT_ST_DEAD) {
			t->report = false;
			continue;
		}
		if (unlikely(t->broken))
			kevent_mark_broken(kev);
		/* From here on REMOVE comes too late: it is told of a registration only once. */
		if (is_last(t))
			kev->state |= KEVENT_ST_ENDING;
		/* The record says all that has happened up to now. */
		if (!(kev->state & (KEVENT_ST_UNSURE | KEVENT_ST_KEPT))) {
			t->bits |= kev->fired;
			kev->fired = 0;
		}
		if (kevent_record(kev, t->bits, &records[n++]))
			kev->fired |= t->bits;
	}
	return n;
}

/* Copies records to the program. Returns how many got there; the rest met a fault or a full ring. */
static u32 hand_over(struct kevent_queue *q, const struct kevent_sink *sink,
		     struct ukevent *records, u32 nr, u32 done)
{
	struct ukevent __user *to = sink->buf ? sink->buf + done : NULL;
	u32 left;
	u32 i;

	if (sink->kind == KEVENT_SINK_URING) {
		int filled = kevent_uring_fill(q, records, nr);

		if (!to)
			return filled < 0 ? 0 : filled;
		for (i = filled < 0 ? 0 : filled; i < nr; i++) {
			records[i].ret_flags |= KEVENT_RET_COPY_FAILED;
			q->stats.copy_failed++;
		}
	}
	left = copy_to_user(to, records, nr * sizeof(*records));
	return nr - DIV_ROUND_UP(left, sizeof(*records));
}

/* The report could not be copied: its payload is kept, and it stays the next in turn. */
static void keep(struct taken *t, const struct ukevent *record)
{
	struct kevent *kev = t->kev;

	kev->state &= ~KEVENT_ST_ENDING;
	t->bits = 0;
	if (kev->state & KEVENT_ST_DEAD)
		return;
	kev->u.ret_data[0] = record->ret_data[0];
	kev->u.ret_data[1] = record->ret_data[1];
	kev->state |= KEVENT_ST_KEPT;
}

/* Of nr taken, the first written of those to report had a record, and copied of these arrived. */
static void after_copy(struct kevent_queue *q, struct taken *batch, u32 nr,
		       const struct ukevent *records, u32 written, u32 copied)
{
	struct taken *t;
	u32 i = 0;

	for (t = batch; t < batch + nr; t++) {
		if (!t->report) {
			settle(q, t);
			continue;
		}
		if (i < copied) {
			trace_kevent_deliver(q, t->kev);
			settle(q, t);
		} else if (i < written) {
			keep(t, &records[i]);
		}
		i++;
	}
	if (i > copied)
		return_open(q, batch, nr);
}

/* One batch to user memory or the 2006 ring. Returns how many were delivered, or -EFAULT. */
static int deliver_copied(struct kevent_queue *q, const struct kevent_sink *sink, u32 done,
			  u32 *budget)
{
	struct ukevent records[KEVENT_BATCH] KEVENT_NO_CLEAR;
	struct taken batch[KEVENT_BATCH] KEVENT_NO_CLEAR;
	u32 max = min_t(u32, sink->max - done, KEVENT_BATCH);
	u32 written;
	u32 copied = 0;
	bool must_look;
	u32 nr;

	spin_lock_irq(&q->lock);
	nr = take(q, batch, max, min_t(u32, *budget, KEVENT_BATCH), &must_look);
	*budget = nr ? *budget - nr : 0;
	if (must_look) {
		spin_unlock_irq(&q->lock);
		look(batch, nr);
		spin_lock_irq(&q->lock);
	}
	written = write_records(batch, nr, records, max);
	spin_unlock_irq(&q->lock);
	if (written)
		copied = hand_over(q, sink, records, written, done);

	spin_lock_irq(&q->lock);
	after_copy(q, batch, nr, records, written, copied);
	if (sink->buf)
		q->stats.delivered += copied;
	else
		q->stats.ringed += copied;
	spin_unlock_irq(&q->lock);
	let_go(q, batch, nr);

	return copied < written && !copied ? -EFAULT : copied;
}

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
			settle(q, t);
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
		return_open(q, batch, nr);
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
	while ((nr = take(q, batch, budget, min_t(u32, budget, KEVENT_BATCH), &must_look))) {
		budget -= nr;
		if (must_look) {
			spin_unlock_irq(&q->lock);
			look(batch, nr);
			spin_lock_irq(&q->lock);
		}
		post_batch(q, batch, nr);
		if (kevent_mring_used(&q->mring) == q->mring.entries)
			budget = 0;
		kevent_mring_tell(q);
		spin_unlock_irq(&q->lock);
		let_go(q, batch, nr);
		spin_lock_irq(&q->lock);
	}
	kevent_mring_tell(q);
	spin_unlock_irq(&q->lock);
}

int kevent_deliver(struct kevent_queue *q, const struct kevent_sink *sink)
{
	u32 budget = READ_ONCE(q->nr_ready);
	u32 done = 0;

	while (done < sink->max && budget) {
		int delivered = deliver_copied(q, sink, done, &budget);

		if (delivered < 0)
			return done ? done : delivered;
		done += delivered;
	}
	return done;
}

/* The first of the ready, unless poll need not or must not look at it. Under lock. */
static bool take_to_verify(struct kevent_queue *q, struct taken *t, bool for_poll)
{
	bool must_look;

	if (for_poll && (q->nr_ready > q->nr_unsure ||
			 (q->nr_ready &&
			  list_first_entry(&q->ready, struct kevent, link)->nested)))
		return false;
	return take(q, t, 1, 1, &must_look);
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
		look(&t, 1);
		spin_lock_irq(&q->lock);
		if (t.report)
			back_to_list(q, &t, false);
		else
			settle(q, &t);
		spin_unlock_irq(&q->lock);
		let_go(q, &t, 1);
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
