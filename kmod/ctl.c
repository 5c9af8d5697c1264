// SPDX-License-Identifier: GPL-2.0-only
/* ctl: ADD, REMOVE, MODIFY, READY, and batches of these. */
#include <linux/uaccess.h>

#include "compat.h"
#include "queue.h"
#include "trace.h"

/* One entry: what it became, and whether and how the program is told. */
enum entry_result {
	ENTRY_QUIET,	/* done, nothing to report */
	ENTRY_BACK,	/* goes back to the program */
};

static void fail(struct ukevent *entry, int error)
{
	entry->ret_flags = KEVENT_RET_BROKEN | KEVENT_RET_DONE;
	entry->ret_data[0] = 0;
	entry->ret_data[1] = error;
}

static const struct kevent_source_ops *source_of(const struct ukevent *entry)
{
	return entry->type < KEVENT_MAX ? kevent_sources[entry->type] : NULL;
}

/* Is the program's word enough for a report? Not where it would pass for the end of a transfer. */
static bool forced(const struct kevent *kev)
{
	return kev->u.req_flags & KEVENT_REQ_READY && !(kev->ops->flags & KEVENT_SOURCE_ONESHOT);
}

/* Whatever came while attach ran, and what it found, decides what becomes of the new kevent. */
static enum entry_result settle(struct kevent *kev, int found, struct ukevent *entry)
{
	struct kevent_queue *q = kev->queue;
	unsigned int whom = 0;
	unsigned long flags;
	bool handed_back = false;

	spin_lock_irqsave(&q->lock, flags);
	kev->state &= ~KEVENT_ST_ARMING;
	kev->fired |= found & ~KEVENT_ATTACH_BROKEN;
	if (found & KEVENT_ATTACH_BROKEN)
		kevent_mark_broken(kev);
	if (forced(kev) && !kev->fired)
		kev->fired = kev->u.event;
	if (kev->fired || forced(kev) || kev->state & (KEVENT_ST_UNSURE | KEVENT_ST_BROKEN)) {
		/* What attach found is handed back; what happened since is an event like any. */
		bool queue = kev->u.req_flags & (KEVENT_REQ_ALWAYS_QUEUE | KEVENT_REQ_READY) ||
			     !found;

		if (queue) {
			if (kev->u.req_flags & KEVENT_REQ_LAST_CHECK && kev->ops->check)
				kev->state |= KEVENT_ST_UNSURE;
			kevent_announce(q, kev);
			q->stats.fired++;
			whom = kevent_whom(q, kev);
		} else {
			kevent_record(kev, kev->fired, entry);
			kev->state |= KEVENT_ST_DEAD;
			q->stats.immediate++;
			handed_back = true;
		}
	}
	spin_unlock_irqrestore(&q->lock, flags);
	if (whom)
		kevent_wake(q, whom);
	return handed_back ? ENTRY_BACK : ENTRY_QUIET;
}

static int add(struct kevent_queue *q, struct ukevent *entry, enum entry_result *result)
{
	const struct kevent_source_ops *ops = source_of(entry);
	struct kevent *kev;
	int found;

	if (!ops)
		return -ENOSYS;
	q->stats.added++;
	if (entry->req_flags & ~KEVENT_REQ_ALL)
		return -EINVAL;
	entry->ret_flags = 0;

	found = kevent_charge_watch(q->account);
	if (found)
		return found;
	kev = kevent_alloc(q, ops, entry);
	if (!kev) {
		kevent_uncharge_watch(q->account);
		return -ENOMEM;
	}
	found = kevent_register(kev);
	if (found)
		goto out_free;
	found = ops->attach(kev);
	if (found < 0)
		goto out_erase;

	trace_kevent_add(q, entry, found);
	*result = settle(kev, found, entry);
	if (*result == ENTRY_BACK)
		kevent_unregister(kev);
	return 0;

out_erase:
	kevent_forget(kev);
out_free:
	kevent_uncharge_watch(q->account);
	kevent_put(kev);
	return found;
}

static enum entry_result add_entry(struct kevent_queue *q, struct ukevent *entry)
{
	enum entry_result result = ENTRY_BACK;
	int error = add(q, entry, &result);

	if (error) {
		q->stats.failed++;
		fail(entry, error);
		trace_kevent_add(q, entry, error);
	}
	return result;
}

/*
 * Ends what may be ready, delivered or idle; a report that has not been taken is dropped. Returns
 * false if the last report has been given already, or is on its way.
 */
static bool kill(struct kevent *kev)
{
	struct kevent_queue *q = kev->queue;
	unsigned long flags;
	bool listed;
	bool in_time;

	spin_lock_irqsave(&q->lock, flags);
	in_time = !(kev->state & (KEVENT_ST_DEAD | KEVENT_ST_ENDING));
	kev->state |= KEVENT_ST_DEAD;
	listed = kevent_delist(q, kev);
	if (q->mring.ring)
		kevent_mring_tell(q);
	spin_unlock_irqrestore(&q->lock, flags);
	if (listed) {
		trace_kevent_drop(q, kev);
		kevent_put(kev);
	}
	return in_time;
}

static void remove_entry(struct kevent_queue *q, struct ukevent *entry)
{
	struct kevent *kev = source_of(entry) ? kevent_take_out(q, entry) : NULL;

	entry->ret_flags = KEVENT_RET_DONE;
	if (!kev) {
		entry->ret_flags |= KEVENT_RET_BROKEN;
		return;
	}
	if (!kill(kev))
		entry->ret_flags |= KEVENT_RET_BROKEN;
	kevent_end(kev);
}

/* Puts the request in place and forgets what was ready. Returns false if kev has ended meanwhile. */
static bool apply(struct kevent *kev, const struct ukevent *entry)
{
	struct kevent_queue *q = kev->queue;
	unsigned long flags;
	bool listed;

	spin_lock_irqsave(&q->lock, flags);
	if (kev->state & KEVENT_ST_STALE) {
		spin_unlock_irqrestore(&q->lock, flags);
		return false;
	}
	listed = kevent_delist(q, kev);
	kev->u.event = entry->event;
	kev->u.req_flags = entry->req_flags;
	if (kev->ops->flags & KEVENT_SOURCE_ONESHOT)
		kev->u.req_flags |= KEVENT_REQ_ONESHOT;
	kev->fired = 0;
	kev->state &= ~(KEVENT_ST_UNSURE | KEVENT_ST_POSTED | KEVENT_ST_KEPT);
	if (q->mring.ring)
		kevent_mring_tell(q);
	spin_unlock_irqrestore(&q->lock, flags);
	if (listed)
		kevent_put(kev);
	return true;
}

static void modify_entry(struct kevent_queue *q, struct ukevent *entry)
{
	struct kevent *kev = NULL;
	int found = 0;

	if (source_of(entry) && !(entry->req_flags & ~KEVENT_REQ_ALL))
		kev = kevent_lookup(q, entry);
	entry->ret_flags = KEVENT_RET_DONE;
	if (!kev) {
		entry->ret_flags |= KEVENT_RET_BROKEN;
		return;
	}

	if (!apply(kev, entry))
		entry->ret_flags |= KEVENT_RET_BROKEN;
	else if (kev->ops->modify)
		found = kev->ops->modify(kev, entry);
	else if (kev->ops->check)
		found = kev->ops->check(kev);
	if (found < 0)
		fail(entry, found);
	else if (forced(kev))
		kevent_fire(kev, found ? found : entry->event, 0);
	else if (found)
		kevent_fire(kev, found & ~KEVENT_ATTACH_BROKEN,
			    found & KEVENT_ATTACH_BROKEN ? KEVENT_FIRE_BROKEN : 0);
	kevent_put(kev);
}

static bool ready_entry(struct kevent_queue *q, struct ukevent *entry)
{
	struct kevent *kev = source_of(entry) ? kevent_lookup(q, entry) : NULL;

	if (!kev)
		return false;
	if (kev->ops->ready)
		kev->ops->ready(kev);
	kevent_fire(kev, kev->u.event ? kev->u.event : KEVENT_USER_FIRED, 0);
	kevent_put(kev);
	return true;
}

static enum entry_result batch_entry(struct kevent_queue *q, struct ukevent *entry)
{
	switch (entry->ret_flags) {
	case KEVENT_CTL_ADD:
		return add_entry(q, entry);
	case KEVENT_CTL_REMOVE:
		remove_entry(q, entry);
		break;
	case KEVENT_CTL_MODIFY:
		modify_entry(q, entry);
		break;
	case KEVENT_CTL_READY:
		entry->ret_flags = KEVENT_RET_DONE;
		if (!ready_entry(q, entry))
			entry->ret_flags |= KEVENT_RET_BROKEN;
		break;
	default:
		fail(entry, -EINVAL);
	}
	return entry->ret_flags & KEVENT_RET_BROKEN ? ENTRY_BACK : ENTRY_QUIET;
}

/* Does all entries. ADD and READY compact those that go back to the front; returns how many. */
static u32 run_chunk(struct kevent_queue *q, u32 cmd, struct ukevent *entries, u32 nr)
{
	u32 back = 0;
	u32 i;

	for (i = 0; i < nr; i++) {
		bool goes_back = true;

		switch (cmd) {
		case KEVENT_CTL_ADD:
			goes_back = add_entry(q, &entries[i]) == ENTRY_BACK;
			break;
		case KEVENT_CTL_REMOVE:
			remove_entry(q, &entries[i]);
			break;
		case KEVENT_CTL_MODIFY:
			modify_entry(q, &entries[i]);
			break;
		case KEVENT_CTL_READY:
			goes_back = !ready_entry(q, &entries[i]);
			break;
		default:
			if (batch_entry(q, &entries[i]) == ENTRY_BACK)
				back++;
			continue;
		}
		if (goes_back) {
			if (back != i)
				entries[back] = entries[i];
			back++;
		}
	}
	return back;
}

/*
 * Word by word, as calls for one entry are frequent and the general copy is made for long ones; but
 * that one knows how far it came. Returns how many bytes are missing.
 */
static unsigned long fetch(struct ukevent *entries, const struct ukevent __user *from, u32 nr)
{
	const u64 __user *word = (const u64 __user *)from;
	u64 *to = (u64 *)entries;
	u64 *end = (u64 *)(entries + nr);

	if (user_access_begin(from, nr * sizeof(*from))) {
		for (; to < end; to++, word++)
			unsafe_get_user(*to, word, fault);
		user_access_end();
		return 0;
fault:
		user_access_end();
	}
	return copy_from_user(entries, from, nr * sizeof(*from));
}

/* REMOVE changes nothing but this. */
static bool store_flags(struct ukevent __user *to, const struct ukevent *entries, u32 nr)
{
	u32 i;

	if (!user_access_begin(to, nr * sizeof(*to)))
		return false;
	for (i = 0; i < nr; i++)
		unsafe_put_user(entries[i].ret_flags, &to[i].ret_flags, fault);
	user_access_end();
	return true;

fault:
	user_access_end();
	return false;
}

static bool store(u32 cmd, struct ukevent __user *to, const struct ukevent *entries, u32 nr)
{
	if (!nr)
		return true;
	if (cmd == KEVENT_CTL_REMOVE)
		return store_flags(to, entries, nr);
	return !copy_to_user(to, entries, nr * sizeof(*entries));
}

long kevent_ctl(struct kevent_queue *q, u32 cmd, u32 num, struct ukevent __user *arg)
{
	struct ukevent entries[KEVENT_BATCH] KEVENT_NO_CLEAR;
	u32 done = 0;
	u32 back = 0;

	if (cmd > KEVENT_CTL_BATCH)
		return -EINVAL;
	if (num > INT_MAX / sizeof(struct ukevent))
		return -E2BIG;
	if (cmd == KEVENT_CTL_READY && !num) {
		kevent_kick(q);
		return 0;
	}

	while (done < num) {
		u32 nr = min_t(u32, num - done, KEVENT_BATCH);
		unsigned long missing;
		/* REMOVE, MODIFY and BATCH write back where an entry came from, the others in front. */
		bool in_place = cmd != KEVENT_CTL_ADD && cmd != KEVENT_CTL_READY;
		u32 to_write;
		u32 to;

		missing = fetch(entries, arg + done, nr);
		/* Those in front of the fault count, in a batch as one by one. */
		nr -= DIV_ROUND_UP(missing, sizeof(*entries));
		mutex_lock(&q->ctl_mutex);
		kevent_reap_locked(q);
		to = in_place ? done : back;
		to_write = run_chunk(q, cmd, entries, nr);
		mutex_unlock(&q->ctl_mutex);

		back += to_write;
		if (in_place)
			to_write = nr;
		if (!store(cmd, arg + to, entries, to_write) || missing)
			return -EFAULT;
		done += nr;
		if (done < num)
			cond_resched();
	}
	if (cmd == KEVENT_CTL_READY)
		return num - back;
	return cmd == KEVENT_CTL_REMOVE || cmd == KEVENT_CTL_MODIFY ? num : back;
}
