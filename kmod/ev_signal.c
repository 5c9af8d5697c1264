// SPDX-License-Identifier: GPL-2.0-only
/*
 * SIGNAL: a signal sent to the process that made the kevent.
 *
 * Ordinary signals coalesce, as pending ones do. Real-time signals are kept one by one, each with
 * its payload, as long as the queue's user has no more of them in all queues than the receiver's
 * RLIMIT_SIGPENDING; what comes beyond is merged into the newest, which is marked COPY_FAILED.
 * Without NOMASK a signal that the process ignores makes no event.
 *
 * The records belong to queue->lock, under which the core calls note() and fill().
 */
#include <linux/slab.h>

#include "queue.h"
#include "sigtrace.h"

struct ev_signal_record {
	struct list_head entry;
	int code;
	int value;
	bool merged;
};

struct ev_signal {
	struct kevent kev;
	struct kevent_sigwatch watch;
	struct kevent_sigmute *mute;	/* NOMASK, else NULL */
	struct list_head records;	/* queue->lock */
	struct ev_signal_record first;	/* what there is room for whatever the limit */
};

static void put_record(struct ev_signal *ev, struct ev_signal_record *record,
		       const struct kevent_sigsent *sent)
{
	record->code = sent->code;
	record->value = sent->value;
	record->merged = false;
	list_add_tail(&record->entry, &ev->records);
}

static void drop_record(struct ev_signal *ev, struct ev_signal_record *record)
{
	list_del(&record->entry);
	kevent_uncharge_record(&ev->kev);
	if (record != &ev->first)
		kfree(record);
}

static void keep_record(struct ev_signal *ev, const struct kevent_sigsent *sent)
{
	struct ev_signal_record *newest, *fresh = NULL;

	if (list_empty(&ev->records)) {
		kevent_charge_record(&ev->kev, ULONG_MAX);
		put_record(ev, &ev->first, sent);
		return;
	}
	newest = list_last_entry(&ev->records, struct ev_signal_record, entry);
	if (sent->signo < SIGRTMIN) {
		newest->code = sent->code;
		newest->value = sent->value;
		return;
	}
	if (kevent_charge_record(&ev->kev, task_rlimit(sent->task, RLIMIT_SIGPENDING))) {
		fresh = kmalloc(sizeof(*fresh), GFP_ATOMIC | __GFP_NOWARN);
		if (!fresh)
			kevent_uncharge_record(&ev->kev);
	}
	if (fresh)
		put_record(ev, fresh, sent);
	else
		newest->merged = true;
}

/* Without a signal: are there any from before? */
static bool ev_signal_note(struct kevent *kev, const void *note)
{
	struct ev_signal *ev = container_of(kev, struct ev_signal, kev);

	if (note)
		keep_record(ev, note);
	return !list_empty(&ev->records);
}

static void ev_signal_sent(struct kevent_sigwatch *watch, const struct kevent_sigsent *sent)
{
	struct ev_signal *ev = container_of(watch, struct ev_signal, watch);

	if (!sent->ignored || ev->mute)
		kevent_fire_note(&ev->kev, KEVENT_SIGNAL_DELIVERY, 0, sent);
}

static void ev_signal_gone(struct kevent_sigwatch *watch)
{
	struct ev_signal *ev = container_of(watch, struct ev_signal, watch);

	kevent_fire(&ev->kev, 0, KEVENT_FIRE_BROKEN);
}

static int ev_signal_attach(struct kevent *kev)
{
	struct ev_signal *ev = container_of(kev, struct ev_signal, kev);
	u64 signo = kev->u.id.raw_u64 & ~KEVENT_SIGNAL_NOMASK;
	int err;

	if (!valid_signal(signo) || !signo || sig_kernel_only(signo))
		return -EINVAL;
	if (kev->u.event != KEVENT_SIGNAL_DELIVERY && kev->u.event != KEVENT_MASK_ALL)
		return -EINVAL;
	INIT_LIST_HEAD(&ev->records);
	ev->watch.sent = ev_signal_sent;
	ev->watch.gone = ev_signal_gone;
	if (kev->u.id.raw_u64 & KEVENT_SIGNAL_NOMASK) {
		ev->mute = kevent_sigmute_get(signo);
		if (!ev->mute)
			return -ENOMEM;
	}
	err = kevent_sigwatch_add(&ev->watch, signo);
	if (err && ev->mute)
		kevent_sigmute_put(ev->mute);
	return err;
}

static int ev_signal_modify(struct kevent *kev, const struct ukevent *uk)
{
	if (uk->event != KEVENT_SIGNAL_DELIVERY && uk->event != KEVENT_MASK_ALL)
		return -EINVAL;
	/* What has not been reported yet is not forgotten. */
	kevent_fire_note(kev, KEVENT_SIGNAL_DELIVERY, 0, NULL);
	return 0;
}

static void ev_signal_detach(struct kevent *kev)
{
	struct ev_signal *ev = container_of(kev, struct ev_signal, kev);
	struct ev_signal_record *record, *next;
	struct kevent_queue *q = kev->queue;

	kevent_sigwatch_del(&ev->watch);
	if (ev->mute)
		kevent_sigmute_put(ev->mute);
	/* The report that it broke may still be on its way to the program. */
	spin_lock_irq(&q->lock);
	list_for_each_entry_safe(record, next, &ev->records, entry)
		drop_record(ev, record);
	spin_unlock_irq(&q->lock);
}

static bool ev_signal_fill(struct kevent *kev, struct ukevent *out)
{
	struct ev_signal *ev = container_of(kev, struct ev_signal, kev);
	struct ev_signal_record *record;

	record = list_first_entry_or_null(&ev->records, struct ev_signal_record, entry);
	/* There is none when the program, or the end of the process, made the event. */
	out->ret_data[0] = record ? record->code : 0;
	if (!record)
		return false;
	out->ret_data[1] = record->value;
	if (record->merged)
		out->ret_flags |= KEVENT_RET_COPY_FAILED;
	drop_record(ev, record);
	return !list_empty(&ev->records);
}

const struct kevent_source_ops kevent_signal_ops = {
	.name = "signal",
	.size = sizeof(struct ev_signal),
	.exit = kevent_sigtrace_exit,
	.attach = ev_signal_attach,
	.modify = ev_signal_modify,
	.detach = ev_signal_detach,
	.note = ev_signal_note,
	.fill = ev_signal_fill,
};
