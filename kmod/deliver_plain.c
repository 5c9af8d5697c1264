// SPDX-License-Identifier: GPL-2.0-only
/*
 * The short way of an event to user memory, for the many kevents that go back to idle or to the
 * ready list after a report and whose report can be written twice with the same outcome: neither
 * one-shot nor broken, and with nothing of the source's to fill in.
 *
 * Such a report may be copied while queue->lock is held, with page faults disabled: either the copy
 * succeeds at once and the kevent moves on, or nothing has happened and the kevent is left to
 * deliver.c, which can wait for the page. So one holding of the lock does what otherwise takes two,
 * and nobody can come between a record and its copy.
 */
#include <linux/uaccess.h>

#include "compat.h"
#include "taken.h"
#include "trace.h"

/* A record under construction is a copy of the request but for two words. */
static bool put_record(struct ukevent __user *to, const struct kevent *kev, u32 bits)
{
	const u64 *from = (const u64 *)&kev->u;
	u64 __user *word = (u64 __user *)to;

	BUILD_BUG_ON(offsetof(struct ukevent, ret_data) != 3 * sizeof(u64));
	BUILD_BUG_ON(offsetof(struct ukevent, user_u64) != 4 * sizeof(u64));
	if (!user_access_begin(to, sizeof(*to)))
		return false;
	unsafe_put_user(from[0], &word[0], fault);
	unsafe_put_user(from[1], &word[1], fault);
	unsafe_put_user(from[2], &word[2], fault);
	unsafe_put_user(bits, &to->ret_data[0], fault);
	unsafe_put_user(0, &to->ret_data[1], fault);
	unsafe_put_user(kev->u.user_u64, &word[4], fault);
	user_access_end();
	return true;

fault:
	user_access_end();
	return false;
}

static bool is_plain(const struct kevent *kev)
{
	return !(kev->state & (KEVENT_ST_BROKEN | KEVENT_ST_KEPT)) &&
	       !(kev->u.req_flags & KEVENT_REQ_ONESHOT) && !kev->fills;
}

/* Whether the source has to be asked first. */
static bool wants_look(const struct kevent *kev)
{
	return kev->ops->check && (kev->state & KEVENT_ST_UNSURE || kevent_is_level(kev));
}

/*
 * Reports from the head of the ready list those that are ready beyond doubt. Each drops the list's
 * reference, which cannot be the last: who unregisters a kevent marks it DEAD under this lock, and
 * out of the list, before he drops his. Under lock.
 */
static u32 report_sure(struct kevent_queue *q, struct ukevent __user *buf, u32 max)
{
	u32 done = 0;

	while (done < max && !list_empty(&q->ready)) {
		struct kevent *kev = list_first_entry(&q->ready, struct kevent, link);

		if (!is_plain(kev) || wants_look(kev) || !put_record(buf + done, kev, kev->fired))
			break;
		trace_kevent_deliver(q, kev);
		list_del_init(&kev->link);
		q->nr_ready--;
		if (unlikely(kev->state & KEVENT_ST_UNSURE))
			q->nr_unsure--;
		kev->state &= ~(KEVENT_ST_QUEUED | KEVENT_ST_UNSURE);
		kev->fired = 0;
		refcount_dec(&kev->refs);
		done++;
	}
	return done;
}

struct looked {
	struct kevent *kev;
	int found;
};

/*
 * Takes from the head those that have to be looked at: as many as are wanted of those something has
 * happened to, and as many again that may only have been ready before. Under lock.
 */
static u32 take_to_look(struct kevent_queue *q, struct looked *batch, u32 wanted, u32 max)
{
	u32 nr = 0;

	max = min(max, 2 * wanted);
	while (nr < max && wanted && !list_empty(&q->ready)) {
		struct kevent *kev = list_first_entry(&q->ready, struct kevent, link);

		if (!is_plain(kev) || !wants_look(kev))
			break;
		list_del_init(&kev->link);
		q->nr_ready--;
		if (kevent_st_take(&kev->state) & KEVENT_ST_UNSURE)
			q->nr_unsure--;
		if (kev->fired)
			wanted--;
		kev->fired = 0;
		batch[nr++].kev = kev;
	}
	return nr;
}

static void look(struct looked *batch, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		batch[i].found = batch[i].kev->ops->check(batch[i].kev);
}

/* Reports one that was found ready. Returns false, with nothing done, if deliver.c has to. */
static bool report_found(struct kevent *kev, int found, struct ukevent __user *to)
{
	bool unsure = kev->state & KEVENT_ST_UNSURE;

	if (found & KEVENT_ATTACH_BROKEN || !is_plain(kev))
		return false;
	/* The record says all that has happened up to now, unless nobody knows what that is. */
	if (!put_record(to, kev, unsure ? found : found | kev->fired))
		return false;
	if (!unsure)
		kev->fired = 0;
	return true;
}

/* Back to the head as it was found, for the next call or for deliver.c. Under lock. */
static void put_back(struct kevent_queue *q, struct looked *looked)
{
	struct kevent *kev = looked->kev;

	kev->state &= ~KEVENT_ST_BUSY;
	kev->fired |= looked->found & ~KEVENT_ATTACH_BROKEN;
	if (looked->found & KEVENT_ATTACH_BROKEN)
		kevent_mark_broken(kev);
	kevent_enlist(q, kev, true);
}

/*
 * Reports what was found. *drop gets a bit for each whose reference is left over, *budget back what
 * is left for deliver.c. Under lock.
 */
static u32 report_looked(struct kevent_queue *q, struct looked *batch, u32 nr,
			 struct ukevent __user *buf, u32 max, u32 *drop, u32 *budget)
{
	bool stopped = false;
	u32 later = 0;
	u32 done = 0;
	u32 i;

	for (i = 0; i < nr; i++) {
		struct kevent *kev = batch[i].kev;
		bool report = batch[i].found && !(kev->state & KEVENT_ST_DEAD);

		if (report) {
			if (!stopped)
				stopped = done == max ||
					  !report_found(kev, batch[i].found, buf + done);
			if (stopped) {
				later |= 1U << i;
				continue;
			}
			trace_kevent_deliver(q, kev);
			done++;
		} else {
			q->stats.spurious++;
		}
		if (kevent_st_done(&kev->state, report, false, kevent_is_level(kev), kev->fired) ==
		    KEVENT_NEXT_QUEUE)
			kevent_enlist(q, kev, false);
		else
			*drop |= 1U << i;
	}
	/* From the last to the first: at the head in their old order. */
	for (; unlikely(later); later &= ~(1U << __fls(later))) {
		put_back(q, &batch[__fls(later)]);
		++*budget;
	}
	return done;
}

u32 kevent_deliver_plain(struct kevent_queue *q, struct ukevent __user *buf, u32 max, u32 *budget,
			 u64 *count)
{
	struct looked batch[KEVENT_BATCH] KEVENT_NO_CLEAR;
	u32 drop = 0;
	u32 nr = 0;
	u32 done;

	max = min_t(u32, max, KEVENT_BATCH);
	spin_lock_irq(&q->lock);
	pagefault_disable();
	done = report_sure(q, buf, min(max, *budget));
	*budget -= done;
	if (done < max)
		nr = take_to_look(q, batch, max - done, min_t(u32, *budget, KEVENT_BATCH));
	if (nr) {
		*budget -= nr;
		pagefault_enable();
		spin_unlock_irq(&q->lock);
		look(batch, nr);
		spin_lock_irq(&q->lock);
		pagefault_disable();
		done += report_looked(q, batch, nr, buf + done, max - done, &drop, budget);
	}
	*count += done;
	pagefault_enable();
	spin_unlock_irq(&q->lock);
	for (; drop; drop &= drop - 1)
		kevent_put(batch[__ffs(drop)].kev);
	return done;
}
