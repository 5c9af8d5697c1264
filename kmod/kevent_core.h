/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of kevent.ko: what every file of the module may rely on.
 *
 * To add a source, write one file ev_NAME.c: a structure that begins with struct kevent and goes on
 * with what the source needs; the functions of struct kevent_source_ops; one const struct
 * kevent_source_ops kevent_NAME_ops. Declare that at the end of this header, enter it in the table
 * of sources.c and name the object in Kbuild; nothing else changes. attach() finds the request in
 * kev->u, takes what it needs and says which bits are ready; from then on call kevent_fire() for
 * each event, from any context, until detach() has returned. ev_user.c is the shortest example,
 * ev_timer.c one that fires from interrupts and has payload.
 *
 * Overview
 *
 * A queue (struct kevent_queue) is what a descriptor stands for. It owns kevents, found by name in
 * an index. A kevent connects a queue with one source of events. When the source fires, the kevent
 * goes to the tail of the ready list, where a consumer in get_events or wait takes it; a queue with
 * a mapped ring gets the record there and then instead, and the ready list takes what does not fit
 * or has to be looked at first. A kevent stands at most once in the list: firing a waiting kevent
 * only merges bits. A delivered kevent goes back to idle (edge-triggered), to the list of those to
 * be looked at again (level-triggered), or ends (one-shot, broken).
 *
 * What ends a kevent:
 * - REMOVE, or release of the queue: out of index and lists, detach, nothing is reported any more.
 * - One-shot delivery: as REMOVE, by the consumer. On a mapped ring the delivery may have happened
 *   in an interrupt: the kevent is then DEAD and waits in the list of the spent until the next call
 *   on the queue unregisters it. Lookups pass over it at once.
 * - kevent_fire() with KEVENT_FIRE_BROKEN: the kevent reports once more, with BROKEN, and then goes
 *   as a one-shot kevent does. Lookups pass over it at once, so its name is free for a new ADD.
 *
 * References: a kevent has one for being registered, which the one who takes it out of the index
 * drops; one for being in a list of the queue, which moves with it to the consumer; sources take
 * more with kevent_get() for work in flight. A source may keep a kevent's memory so, but must not
 * fire after detach() returned: the queue may be gone. Memory is given back at once, or after a
 * grace period for sources with KEVENT_SOURCE_RCU. Queues are always freed after a grace period:
 * an RCU reader that found a kevent attached may use its queue until it leaves the section.
 *
 * Locking, outer to inner:
 *
 *   queue->ring_mutex	serialises those who fill the 2006 ring, which lies in user memory, over a
 *			whole batch: a caller's slots are then one run. A mutex since it page-faults.
 *   queue->ctl_mutex	the index, and what attaches, modifies and detaches kevents: commands, and
 *			the end of one-shot and broken ones after delivery. A mutex since attach and
 *			f_op->poll may sleep. Never taken where a file is closed or an event is
 *			fired, and never held across access to user memory, but for attach of AIO
 *			and NAIO: their memory is the caller's own, and a kill ends any wait for it.
 *   sbs_mutex, hook_mutex	(close.c, close_hook.c) putting up and taking down what closes are
 *			heard with. Never taken where a file is closed.
 *   close bucket lock	(close.c) binds a kevent to its file: whoever holds it decides whether the
 *			kevent unhooks itself or the closing file does. A bit spinlock, process
 *			context only. Wait queue entries are removed under it.
 *   the source's lock	wait queue head, siglock, timer base: foreign, often with interrupts off.
 *			Events are fired under it.
 *   queue->lock	state, lists, mapped ring. Spinning with interrupts off, held for a handful of
 *			instructions; fill() runs under it and may take a leaf lock of the source.
 *			deliver_plain.c copies records to user memory under it, at most KEVENT_BATCH
 *			and with page faults disabled.
 *   queue->wait.lock	taken only after queue->lock was dropped. Wakes tasks, calls nobody.
 *
 * Pollers of the queue's descriptor (poll, epoll, io_uring, other queues) are woken from an
 * irq_work, when no lock is held: a wake-up never leads into another one, so queues may watch each
 * other, also through epoll and in a circle, without lock recursion.
 *
 * Field protection
 *
 * struct kevent
 *   queue, ops, u.id, u.type, u.user	constant while registered
 *   state, fired, posted, pos		queue->lock; STALE may be read without (kevent_is_stale)
 *   u.event, u.req_flags		written under ctl_mutex and queue->lock, read under either
 *   link				queue->lock; the consumer's own while BUSY
 *   node, in_index			ctl_mutex
 *   nested, fills			written by attach and modify
 *   refs				atomic
 * struct kevent_queue: stated at each group of fields.
 */
#ifndef KEVENT_CORE_H
#define KEVENT_CORE_H

#include <linux/irq_work.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <uapi/linux/kevent.h>

#include "avl.h"
#include "mring.h"
#include "state.h"
#include "uring.h"

struct kevent;
struct kevent_queue;
struct kevent_user_account;
struct seq_file;

/* kevent_source_ops.flags */
#define KEVENT_SOURCE_RCU	0x1	/* readers find kevents under RCU: free after a grace period */
#define KEVENT_SOURCE_CONDITION	0x2	/* events say that something holds: unread ones merge */
#define KEVENT_SOURCE_ONESHOT	0x4	/* every kevent is ONESHOT */
#define KEVENT_SOURCE_USER_KEY	0x8	/* user is part of the name */

struct kevent_source_ops {
	const char *name;
	size_t size;		/* of the structure that begins with struct kevent */
	u32 flags;		/* KEVENT_SOURCE_* */

	/* At module load and unload; both optional. */
	int (*init)(void);
	void (*exit)(void);

	/*
	 * Binds a new kevent to what kev->u names. Process context of the caller, ctl_mutex held,
	 * may sleep. Everything behind kev->... is zero. Callbacks may fire before it returns; the
	 * core holds such events back. Returns the event bits that are ready now (0: none), or
	 * -errno with nothing left bound. KEVENT_ATTACH_BROKEN: ready, and broken from the start.
	 */
	int (*attach)(struct kevent *kev);

	/*
	 * kev->u.event and req_flags have changed; uk is the request. As attach(). Optional: without
	 * it the core calls check().
	 */
	int (*modify)(struct kevent *kev, const struct ukevent *uk);

	/*
	 * Undoes attach(); called once after it succeeded. May sleep. When it returns no callback
	 * runs or can start, and nothing fires any more.
	 */
	void (*detach)(struct kevent *kev);

	/*
	 * Looks at the source again: returns the bits that hold now, 0, or KEVENT_ATTACH_BROKEN
	 * (with or without bits). Process context, no lock held, may sleep; the source may be gone
	 * or being detached at the same time. Optional: without it events are occurrences, which
	 * are reported once in every mode.
	 */
	int (*check)(struct kevent *kev);

	/*
	 * Keeps what an event carries, for fill(): see kevent_fire_note(). Any context, queue->lock
	 * held. Returns false when there is nothing to report. Needed only by those who call that.
	 */
	bool (*note)(struct kevent *kev, const void *note);

	/*
	 * The event is being written to out, which is complete but for ret_data[1] and what the
	 * source wants in ret_data[0] (preset: the bits that fired). Any context, queue->lock held.
	 * Returns true if there is more to report: the kevent is then queued again. Optional.
	 */
	bool (*fill)(struct kevent *kev, struct ukevent *out);

	/* The program fires the kevent itself, by ctl READY; kevent_fire() follows. Optional. */
	void (*ready)(struct kevent *kev);

	/* Unhooks the kevent from its file (close.h). Under the bucket lock: must not sleep. */
	void (*closed)(struct kevent *kev);

	/* The last reference is gone. Any context. Optional. */
	void (*free)(struct kevent *kev);
};

/* Or-ed into the result of attach(), modify() and check(): BROKEN in the report. */
#define KEVENT_ATTACH_BROKEN	0x40000000

struct kevent {
	struct kevent_queue *queue;
	const struct kevent_source_ops *ops;
	struct list_head link;
	union {
		struct rb_node rb;
		struct avl_node avl;
		struct rhash_head hash;
		struct rcu_head rcu;
	} node;
	struct ukevent u;
	u32 state;			/* KEVENT_ST_*: state.h */
	u32 fired;			/* bits since the last report */
	u32 posted;			/* bits in the last record of the mapped ring */
	u32 in_index;
	u64 pos;			/* number of that record */
	refcount_t refs;
	bool nested;			/* the source is itself a queue of events */
	bool fills;			/* call fill(); set by the core, cleared by attach at will */
	u8 watched;			/* close.c's own; bucket lock */
};

/* how of kevent_fire(). */
#define KEVENT_FIRE_UNSURE	KEVENT_ST_UNSURE	/* what happened is unknown: check() first */
#define KEVENT_FIRE_BROKEN	KEVENT_ST_BROKEN	/* the source is gone */

/*
 * Reports that the given bits of kev->u.event happened. Any context, also under foreign locks with
 * interrupts off. Returns true if this made an idle kevent ready, false if it was merged or came
 * too late.
 */
bool kevent_fire(struct kevent *kev, u32 bits, u32 how);

/*
 * The same with payload: calls note() with @note as one step with the firing, so that what fill()
 * finds and what has been fired always agree. Not called any more once the kevent is over.
 */
bool kevent_fire_note(struct kevent *kev, u32 bits, u32 how, const void *note);

static inline void kevent_get(struct kevent *kev)
{
	refcount_inc(&kev->refs);
}

void kevent_put(struct kevent *kev);

/*
 * For sources that keep a record an event: charges one to the queue's user, who may have up to
 * @limit of them in all queues together. Any context while attached.
 */
bool kevent_charge_record(struct kevent *kev, unsigned long limit);
void kevent_uncharge_record(struct kevent *kev);

/* For attach(): the file behind a descriptor, or ERR_PTR(-EBADF); give back with fput(). */
struct file *kevent_fget(const struct kevent *kev);

/* The table in sources.c; NULL where a type is unknown. */
extern const struct kevent_source_ops *const kevent_sources[KEVENT_MAX];

/* Its rows. */
extern const struct kevent_source_ops kevent_aio_ops;
extern const struct kevent_source_ops kevent_inode_ops;
extern const struct kevent_source_ops kevent_naio_ops;
extern const struct kevent_source_ops kevent_pipe_ops;
extern const struct kevent_source_ops kevent_poll_ops;
extern const struct kevent_source_ops kevent_posix_timer_ops;
extern const struct kevent_source_ops kevent_signal_ops;
extern const struct kevent_source_ops kevent_socket_ops;
extern const struct kevent_source_ops kevent_timer_ops;
extern const struct kevent_source_ops kevent_user_ops;

#endif /* KEVENT_CORE_H */
