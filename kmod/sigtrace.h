/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Watching the signals of a process, for the types SIGNAL and POSIX_TIMER.
 */
#ifndef KEVENT_SIGTRACE_H
#define KEVENT_SIGTRACE_H

#include <linux/list.h>
#include <linux/pid.h>
#include <linux/sched/signal.h>

/* One signal as it was sent, whatever became of it. */
struct kevent_sigsent {
	struct task_struct *task;	/* the receiver, or any thread of it */
	int signo;
	int code;			/* si_code */
	int value;			/* si_int, si_pid or si_fd, whichever it carries */
	int timer;			/* number of the POSIX timer behind it, or -1 */
	bool ignored;			/* the process neither sees nor keeps it */
};

/*
 * A watch on one signal number of one process. Both functions run with interrupts off, under a
 * spinlock and often under the receiver's siglock: they must not sleep, take siglock, or send
 * signals. After kevent_sigwatch_del() neither runs any more.
 */
struct kevent_sigwatch {
	struct hlist_node node;
	struct pid *process;
	int signo;
	void (*sent)(struct kevent_sigwatch *watch, const struct kevent_sigsent *sent);
	/* The process is exiting; called at most once, and nothing after it. */
	void (*gone)(struct kevent_sigwatch *watch);
};

/*
 * Watches @signo of the calling process. The first watch of the system registers the tracepoints,
 * the last one that goes removes them. May sleep. Returns 0, -ENOMEM, or -EOPNOTSUPP on a
 * kernel without these tracepoints.
 */
int kevent_sigwatch_add(struct kevent_sigwatch *watch, int signo);
void kevent_sigwatch_del(struct kevent_sigwatch *watch);

/* Is @watch of the calling process? */
static inline bool kevent_sigwatch_own(const struct kevent_sigwatch *watch)
{
	return watch->process == task_tgid(current);
}

/* A process's own cannot change under it, but sparse wants to be told. */
static inline struct sighand_struct *kevent_own_sighand(void)
{
	return rcu_dereference_protected(current->sighand, true);
}

/*
 * NOMASK: sees to it that the calling process ignores a signal, and puts its handler back when the
 * last holder of that process and signal lets go. May sleep; not to be called under siglock.
 */
struct kevent_sigmute;
struct kevent_sigmute *kevent_sigmute_get(int signo);
void kevent_sigmute_put(struct kevent_sigmute *mute);

void kevent_sigtrace_exit(void);

#endif
