// SPDX-License-Identifier: GPL-2.0-only
/* From the ready list to the program: looking again, copying, and what becomes of the kevent. */
#include <linux/uaccess.h>

#include "compat.h"
#include "queue.h"
#include "taken.h"
#include "trace.h"

/*
 * Takes kevents off the ready list: as many as are wanted of those ready beyond doubt, and on the way
 * those that have to be looked at, as they may turn out not to be. Under lock.
 */
u32 kevent_take(struct kevent_queue *q, struct taken *batch, u32 wanted, u32 budget, bool *look)
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
		t->last = false;
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
void kevent_look(struct taken *batch, u32 nr)
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
void kevent_back_to_list(struct kevent_queue *q, struct taken *t, bool at_head)
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
void kevent_return_open(struct kevent_queue *q, struct taken *batch, u32 nr)
{
	while (nr--) {
		if (batch[nr].fate == FATE_OPEN)
			kevent_back_to_list(q, &batch[nr], true);
	}
}

/* Delivered or found unready. Under lock. */
void kevent_settle(struct kevent_queue *q, struct taken *t)
{
	struct kevent *kev = t->kev;

	if (!t->report && !(kev->state & KEVENT_ST_DEAD))
		q->stats.spurious++;
	t->fate = FATE_LEFT;
	switch (kevent_st_done(&kev->state, t->report, t->last, kevent_is_level(kev),
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
void kevent_let_go(struct kevent_queue *q, struct taken *batch, u32 nr)
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
		/*
		 * What the record says is what holds, whatever happens until it has been copied:
		 * from here on REMOVE and MODIFY come too late for a last report.
		 */
		t->last = kev->state & KEVENT_ST_BROKEN || kev->u.req_flags & KEVENT_REQ_ONESHOT;
		if (t->last)
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

/* Word by word: the general copy costs more than a record for checks that cannot fail here. */
static u32 put_records(struct ukevent __user *to, const struct ukevent *records, u32 nr)
{
	u32 i;

	if (!user_access_begin(to, nr * sizeof(*to)))
		return 0;
	for (i = 0; i < nr; i++) {
		const u64 *from = (const u64 *)&records[i];
		u64 __user *word = (u64 __user *)&to[i];

		BUILD_BUG_ON(sizeof(*to) != 5 * sizeof(u64));
		unsafe_put_user(from[0], &word[0], fault);
		unsafe_put_user(from[1], &word[1], fault);
		unsafe_put_user(from[2], &word[2], fault);
		unsafe_put_user(from[3], &word[3], fault);
		unsafe_put_user(from[4], &word[4], fault);
	}
fault:
	user_access_end();
	return i;
}

/* Copies records to the program. Returns how many got there; the rest met a fault or a full ring. */
static u32 hand_over(struct kevent_queue *q, const struct kevent_sink *sink,
		     struct ukevent *records, u32 nr, u32 done)
{
	struct ukevent __user *to = sink->buf ? sink->buf + done : NULL;
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
	return put_records(to, records, nr);
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
			kevent_settle(q, t);
			continue;
		}
		if (i < copied) {
			trace_kevent_deliver(q, t->kev);
			kevent_settle(q, t);
		} else if (i < written) {
			keep(t, &records[i]);
		}
		i++;
	}
	if (i > copied)
		kevent_return_open(q, batch, nr);
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
	nr = kevent_take(q, batch, max, min_t(u32, *budget, KEVENT_BATCH), &must_look);
	*budget = nr ? *budget - nr : 0;
	if (must_look) {
		spin_unlock_irq(&q->lock);
		kevent_look(batch, nr);
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
	kevent_let_go(q, batch, nr);

	return copied < written && !copied ? -EFAULT : copied;
}

/* What is plain goes straight to where it is wanted. Returns how many, or -EFAULT. */
static int deliver_plain(struct kevent_queue *q, const struct kevent_sink *sink, u32 done,
			 u32 *budget)
{
	if (sink->kind == KEVENT_SINK_USER)
		return kevent_deliver_plain(q, sink->buf + done, sink->max - done, budget,
					    &q->stats.delivered);
	return sink->buf ? 0 : kevent_uring_plain(q, sink->max - done, budget);
}

int kevent_deliver(struct kevent_queue *q, const struct kevent_sink *sink)
{
	u32 budget = READ_ONCE(q->nr_ready);
	u32 done = 0;

	while (done < sink->max && budget) {
		int delivered = deliver_plain(q, sink, done, &budget);

		if (!delivered && budget)
			delivered = deliver_copied(q, sink, done, &budget);
		if (delivered < 0)
			return done ? done : delivered;
		done += delivered;
	}
	return done;
}
