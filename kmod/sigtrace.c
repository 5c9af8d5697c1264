// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signals as they are sent, through the tracepoint signal_generate.
 *
 * The tracepoint fires for every signal of the system, ignored ones and timer expiries included,
 * at the end of sending and under the receiver's siglock. Its symbol is not exported, but it can be
 * found by walking the kernel's tracepoints. While nobody watches, it is not patched in.
 *
 * A process is named by the struct pid of its thread group, of which each watch holds a reference:
 * unlike signal_struct it outlives the process, so a new process is never taken for an old one.
 *
 * Locking: siglock > bucket lock > what the watch's functions take.
 */
#include <linux/hash.h>
#include <linux/mutex.h>
#include <linux/pid_namespace.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <trace/events/signal.h>

#include "sigtrace.h"

#define BUCKET_BITS	7

static struct sigtrace_bucket {
	spinlock_t lock;
	struct hlist_head watches;
} buckets[1 << BUCKET_BITS] = {
	[0 ... (1 << BUCKET_BITS) - 1] = {
		.lock = __SPIN_LOCK_UNLOCKED(buckets.lock),
	},
};

static struct sigtrace_bucket *bucket_of(const struct pid *process, int signo)
{
	return &buckets[hash_long((unsigned long)process + signo, BUCKET_BITS)];
}

/* Which of siginfo's unions a signal carries: see siginfo_layout() and sigaction(2). */
static int carried_value(int signo, const struct kernel_siginfo *info)
{
	switch (info->si_code) {
	case SI_USER:
	case SI_TKILL:
		/* A real-time payload is si_int whoever sent it; kill() leaves it 0. */
		return signo >= SIGRTMIN ? info->si_int : info->si_pid;
	case SI_SIGIO:
		return info->si_fd;
	}
	if (info->si_code < 0)
		return info->si_int;
	if (signo == SIGCHLD)
		return info->si_pid;
	if (signo == SIGIO || signo >= SIGRTMIN)
		return info->si_fd;
	return 0;
}

static void read_info(struct kevent_sigsent *sent, const struct kernel_siginfo *info)
{
	struct pid_namespace *ns;

	/* Two addresses stand for a signal that has no siginfo. */
	if (info == SEND_SIG_NOINFO) {
		ns = task_active_pid_ns(sent->task);
		sent->code = SI_USER;
		if (ns && sent->signo < SIGRTMIN)
			sent->value = task_tgid_nr_ns(current, ns);
	} else if (info == SEND_SIG_PRIV) {
		sent->code = SI_KERNEL;
	} else {
		sent->code = info->si_code;
		sent->value = carried_value(sent->signo, info);
		if (info->si_code == SI_TIMER)
			sent->timer = info->si_tid;
	}
}

static void probe_signal(void *data, int signo, struct kernel_siginfo *info,
			 struct task_struct *task, int group, int result)
{
	struct pid *process = task_tgid(task);
	struct sigtrace_bucket *bucket = bucket_of(process, signo);
	struct kevent_sigsent sent = { .task = task, .signo = signo, .timer = -1 };
	struct kevent_sigwatch *watch;
	unsigned long flags;
	bool known = false;

	/* The sender was told that it failed, and tries again if it likes. */
	if (result == TRACE_SIGNAL_OVERFLOW_FAIL)
		return;
	/* Most processes watch nothing, and a watch made this moment may miss this signal. */
	if (hlist_empty(&bucket->watches))
		return;
	spin_lock_irqsave(&bucket->lock, flags);
	hlist_for_each_entry(watch, &bucket->watches, node) {
		if (watch->process != process || watch->signo != signo)
			continue;
		if (!known) {
			read_info(&sent, info);
			sent.ignored = result == TRACE_SIGNAL_IGNORED;
			known = true;
		}
		watch->sent(watch, &sent);
	}
	spin_unlock_irqrestore(&bucket->lock, flags);
}

static void probe_exit(void *data, struct task_struct *task)
{
	struct pid *process = task_tgid(task);
	struct kevent_sigwatch *watch;
	struct hlist_node *next;
	unsigned long flags;
	int i;

	/* Only with the last thread; when several pass here at once, the later ones find nothing. */
	if (atomic_read(&task->signal->live))
		return;
	for (i = 0; i < ARRAY_SIZE(buckets); i++) {
		if (hlist_empty(&buckets[i].watches))
			continue;
		spin_lock_irqsave(&buckets[i].lock, flags);
		hlist_for_each_entry_safe(watch, next, &buckets[i].watches, node) {
			if (watch->process != process)
				continue;
			hlist_del_init(&watch->node);
			watch->gone(watch);
		}
		spin_unlock_irqrestore(&buckets[i].lock, flags);
	}
}

static DEFINE_MUTEX(users_lock);
static unsigned int users;		/* users_lock */

static struct sigtrace_point {
	const char *name;
	void *probe;
	struct tracepoint *point;	/* users_lock */
} points[] = {
	{ .name = "signal_generate", .probe = probe_signal },
	{ .name = "sched_process_exit", .probe = probe_exit },
};

static void match_point(struct tracepoint *point, void *data)
{
	struct sigtrace_point *wanted = data;

	if (!strcmp(point->name, wanted->name))
		wanted->point = point;
}

static void unregister_points(unsigned int count)
{
	while (count--)
		tracepoint_probe_unregister(points[count].point, points[count].probe, NULL);
}

static int register_points(void)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < ARRAY_SIZE(points) && !err; i++) {
		if (!points[i].point)
			for_each_kernel_tracepoint(match_point, &points[i]);
		if (points[i].point)
			err = tracepoint_probe_register(points[i].point, points[i].probe, NULL);
		else
			err = -EOPNOTSUPP;
		if (err)
			unregister_points(i);
	}
	return err;
}

int kevent_sigwatch_add(struct kevent_sigwatch *watch, int signo)
{
	struct sigtrace_bucket *bucket;
	int err = 0;

	mutex_lock(&users_lock);
	if (!users)
		err = register_points();
	if (!err)
		users++;
	mutex_unlock(&users_lock);
	if (err)
		return err;

	watch->process = get_pid(task_tgid(current));
	watch->signo = signo;
	bucket = bucket_of(watch->process, signo);
	spin_lock_irq(&bucket->lock);
	hlist_add_head(&watch->node, &bucket->watches);
	spin_unlock_irq(&bucket->lock);
	return 0;
}

void kevent_sigwatch_del(struct kevent_sigwatch *watch)
{
	struct sigtrace_bucket *bucket = bucket_of(watch->process, watch->signo);

	spin_lock_irq(&bucket->lock);
	hlist_del_init(&watch->node);
	spin_unlock_irq(&bucket->lock);
	put_pid(watch->process);

	mutex_lock(&users_lock);
	if (!--users)
		unregister_points(ARRAY_SIZE(points));
	mutex_unlock(&users_lock);
}

/* A probe may still be running here; its text must stay until it is done. */
void kevent_sigtrace_exit(void)
{
	tracepoint_synchronize_unregister();
}
