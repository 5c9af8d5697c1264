/* SPDX-License-Identifier: GPL-2.0-only */
/* The queue, and what the files of the core do for each other. Sources need kevent_core.h alone. */
#ifndef KEVENT_QUEUE_H
#define KEVENT_QUEUE_H

#include <linux/irq_work.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "index.h"
#include "kevent_core.h"
#include "mring.h"
#include "uring.h"

struct dentry;
struct user_struct;

/* Kevents handled between two takings of a lock; their records fit on the stack. */
#define KEVENT_BATCH	16

struct kevent_stats {
	u64 added;		/* ADD entries that passed the type check */
	u64 failed;		/* of these, refused */
	u64 immediate;		/* of these, handed back as ready at once */
	u64 fired;		/* events that made an idle kevent ready */
	u64 merged;		/* events merged into one not delivered yet */
	u64 delivered;		/* by get_events */
	u64 ringed;		/* into a ring by a call */
	u64 posted;		/* into the mapped ring by the event itself */
	u64 spurious;		/* looked at and found not ready */
	u64 copy_failed;
	u64 overflows;		/* events that found the mapped ring full */
	u64 kicks;
	u32 max_ready;
};

/* queue->lock, sources and the ready side; see kevent_core.h for the order of locks. */
struct kevent_queue {
	/* Constant after init. */
	struct kevent_user_account *account;
	struct user_struct *user;	/* pays for the mapped ring */
	u32 mring_bytes;
	struct kevent_ring __user *uring_user;

	/* Under lock. */
	spinlock_t lock;
	struct list_head ready;
	u32 nr_ready;
	u32 nr_unsure;			/* of these, to be looked at before they count */
	u32 kicks;			/* how often the queue was kicked */
	u32 kicks_seen;			/* as of the last call that returned because of one */
	struct kevent_mring_tail mring;
	u32 mring_flags;		/* copy of the shared word */
	struct list_head level;		/* posted, to be looked at again when read */
	struct list_head spent;		/* posted for the last time, to be unregistered */
	struct kevent_stats stats;

	/* Own locks. */
	wait_queue_head_t wait;		/* callers asleep in get_events or wait */
	wait_queue_head_t poll_wait;	/* pollers of the descriptor */
	struct irq_work poll_work;

	struct mutex ctl_mutex;
	struct kevent_index index;	/* ctl_mutex */
	u32 nr;				/* ctl_mutex; registered; also read without */

	struct mutex ring_mutex;
	struct kevent_uring uring;	/* ring_mutex; uidx and full also read without */

	struct list_head all;		/* stats.c: list of all queues */
	struct list_head edges;		/* nest.c */
	u64 walk;			/* nest.c */
	struct rcu_work free;
};

extern struct workqueue_struct *kevent_wq;
extern const struct file_operations kevent_queue_fops;

/* object.c */
struct kevent *kevent_alloc(struct kevent_queue *q, const struct kevent_source_ops *ops,
			    const struct ukevent *request);
int kevent_register(struct kevent *kev);
/* Takes kev out of the index and detaches it, unless somebody else has. Under ctl_mutex. */
void kevent_unregister(struct kevent *kev);
/* The live kevent of that name with a reference, or NULL. */
struct kevent *kevent_lookup(struct kevent_queue *q, const struct ukevent *name);
/* Takes the live kevent of that name out of the index; the caller detaches and puts it. */
struct kevent *kevent_take_out(struct kevent_queue *q, const struct ukevent *name);
/* Takes a kevent out of the index that never got attached. */
void kevent_forget(struct kevent *kev);
/* Detaches and drops the reference for being registered. */
void kevent_end(struct kevent *kev);
int kevent_sources_init(void);
void kevent_sources_exit(void);

/* fire.c. All but kevent_wake under queue->lock. */
enum kevent_wakes {
	KEVENT_WAKE_SLEEPERS = 1,
	KEVENT_WAKE_POLLERS = 2,
	KEVENT_WAKE_ALL = 4,
};

/* Idle kevent: to the mapped ring or the ready list. Returns false if an unread record says it. */
bool kevent_announce(struct kevent_queue *q, struct kevent *kev);
/* Writes the record into the mapped ring, where there is room, and moves kev to its next state. */
void kevent_post(struct kevent_queue *q, struct kevent *kev);
/* Into the ready list; kev is in no list, and the list's reference comes from the caller. */
void kevent_enlist(struct kevent_queue *q, struct kevent *kev, bool at_head);
/* Out of whichever list it is in. Returns true if that list's reference is now the caller's. */
bool kevent_delist(struct kevent_queue *q, struct kevent *kev);
void kevent_mring_tell(struct kevent_queue *q);
/* Whom to wake now that something is ready: enum kevent_wakes. */
unsigned int kevent_whom(struct kevent_queue *q, const struct kevent *kev);
void kevent_wake(struct kevent_queue *q, unsigned int whom);
void kevent_poll_work(struct irq_work *work);

/* deliver.c */
enum kevent_sink_kind {
	KEVENT_SINK_USER,	/* user memory */
	KEVENT_SINK_URING,	/* the 2006 ring and, if buf, user memory; ring_mutex held */
};

struct kevent_sink {
	enum kevent_sink_kind kind;
	struct ukevent __user *buf;
	u32 max;
};

/* Delivers up to sink->max of the kevents that are ready now. Returns how many, or -EFAULT. */
int kevent_deliver(struct kevent_queue *q, const struct kevent_sink *sink);
/* refill.c */
/* Moves read level-triggered kevents and what overflowed into the mapped ring. */
void kevent_refill(struct kevent_queue *q);
/* Only makes the read ones ready again, to be looked at. */
void kevent_collect_read(struct kevent_queue *q);
/*
 * Looks at the ready ones. For poll only until one is found that is ready beyond doubt, and not at
 * one whose source is itself a queue: its poll could come back to this one. Returns true if
 * something counts as ready.
 */
bool kevent_verify(struct kevent_queue *q, bool for_poll);
/* Unregisters the spent ones. Takes ctl_mutex. */
void kevent_reap(struct kevent_queue *q);
void kevent_reap_locked(struct kevent_queue *q);

/* uring_copy.c: under ring_mutex. Returns how many records went in, or -EFAULT with none. */
int kevent_uring_fill(struct kevent_queue *q, const struct ukevent *records, u32 nr);
/* As kevent_deliver_plain(), into the ring; -EFAULT if another thread has just taken it away. */
int kevent_uring_plain(struct kevent_queue *q, u32 max, u32 *budget);
int kevent_uring_store_over(struct kevent_queue *q);

/* wait.c */
struct kevent_timeout {
	u32 flags;
	struct kevent_timespec time;
	u64 sigmask;
	bool nonblock;
};

/* Before a call returns that took events: a wake-up it may have used up goes on. */
void kevent_hand_on(struct kevent_queue *q);
int kevent_get_events(struct kevent_queue *q, u32 min_nr, struct kevent_sink *sink,
		      const struct kevent_timeout *timeout);
int kevent_wait_uring(struct kevent_queue *q, u32 num, u32 old_uidx,
		      const struct kevent_timeout *timeout, u32 *start);
int kevent_wait_mring(struct kevent_queue *q, u32 num, const struct kevent_timeout *timeout);
void kevent_kick(struct kevent_queue *q);

/* ctl.c */
long kevent_ctl(struct kevent_queue *q, u32 cmd, u32 num, struct ukevent __user *arg);

/* ioctl.c */
long kevent_queue_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
int kevent_queue_fadvise(struct file *file, loff_t offset, loff_t len, int advice);
void kevent_info(struct kevent_info *info);

/* queue.c */
struct file *kevent_queue_open(struct kevent_init_args *args);

/* limits.c */
struct kevent_user_account *kevent_account_get(void);
void kevent_account_put(struct kevent_user_account *account);
int kevent_charge_watch(struct kevent_user_account *account);
void kevent_uncharge_watch(struct kevent_user_account *account);
int kevent_charge_pages(struct user_struct *user, unsigned long pages);
void kevent_uncharge_pages(struct user_struct *user, unsigned long pages);
void kevent_limits_init(void);
unsigned long kevent_max_user_watches(void);

/* stats.c */
void kevent_stats_add(struct kevent_queue *q);
void kevent_stats_del(struct kevent_queue *q);
void kevent_stats_show(struct seq_file *m, struct kevent_queue *q);
void kevent_stats_init(void);
void kevent_stats_exit(void);

/* nest.c. enter: 0, -ELOOP or -ENOMEM. leave does nothing for a kevent that has not entered. */
int kevent_nest_enter(struct kevent *kev, struct kevent_queue *to);
void kevent_nest_leave(struct kevent *kev);

/* close.c */
int kevent_close_init(void);
void kevent_close_exit(void);

/* Does the kevent wait for a report that this mode repeats while the condition holds? */
static inline bool kevent_is_level(const struct kevent *kev)
{
	return !(kev->u.req_flags & (KEVENT_REQ_ONESHOT | KEVENT_REQ_ET)) && kev->ops->check;
}

static inline bool kevent_is_stale(const struct kevent *kev)
{
	return READ_ONCE(kev->state) & KEVENT_ST_STALE;
}

/* Under lock. */
static inline void kevent_mark_broken(struct kevent *kev)
{
	kev->state |= KEVENT_ST_BROKEN;
	kev->u.ret_flags |= KEVENT_RET_BROKEN;
}

/* Writes the record of kev's event; true if its source has more to report. Under lock. */
static inline bool kevent_record(struct kevent *kev, u32 bits, struct ukevent *out)
{
	if (unlikely(kev->state & KEVENT_ST_KEPT)) {
		/* As it was when it could not be copied; what came since has left its bits. */
		kev->state &= ~KEVENT_ST_KEPT;
		*out = kev->u;
		return bits;
	}
	/* u.ret_flags is kept as a report wants it: this copies, and computes nothing. */
	memcpy(out, &kev->u, offsetof(struct ukevent, ret_data));
	out->ret_data[0] = bits;
	out->ret_data[1] = 0;
	out->user_u64 = kev->u.user_u64;
	return unlikely(kev->fills) && kev->ops->fill(kev, out);
}

#endif /* KEVENT_QUEUE_H */
