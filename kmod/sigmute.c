// SPDX-License-Identifier: GPL-2.0-only
/*
 * NOMASK: a signal that makes an event and nothing else.
 *
 * While a signal's disposition is to be ignored, sending it still passes the tracepoint, but queues
 * nothing, runs no handler and interrupts no call. So muting is setting the disposition. Signals
 * that are ignored by default get SIG_DFL: SIG_IGN on SIGCHLD would reap children unseen.
 *
 * Limits. A signal that is blocked, or sent to a traced process, is not ignored but kept: it stays
 * pending until unblocked, and is thrown away when the last holder lets go. The disposition is
 * inherited by fork and exec as any other. A program that sets a handler of its own ends the muting.
 */
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/slab.h>

#include "sigtrace.h"

struct kevent_sigmute {
	struct list_head entry;
	struct pid *process;
	int signo;
	unsigned int holders;
	u64 exec_id;
	__sighandler_t saved;
	__sighandler_t set;
};

static DEFINE_MUTEX(mutes_lock);
static LIST_HEAD(mutes);		/* mutes_lock, and the fields of its entries */

static __sighandler_t handler_of(int signo)
{
	struct sighand_struct *sighand = kevent_own_sighand();
	__sighandler_t handler;

	spin_lock_irq(&sighand->siglock);
	handler = sighand->action[signo - 1].sa.sa_handler;
	spin_unlock_irq(&sighand->siglock);
	return handler;
}

static struct kevent_sigmute *find_mute(int signo)
{
	struct kevent_sigmute *mute;

	list_for_each_entry(mute, &mutes, entry)
		if (mute->process == task_tgid(current) && mute->signo == signo)
			return mute;
	return NULL;
}

/* Takes the program's present handler as the one to put back, unless it is ours. */
static void impose(struct kevent_sigmute *mute)
{
	__sighandler_t present = handler_of(mute->signo);

	if (mute->holders == 1 || mute->exec_id != current->self_exec_id ||
	    present != mute->set)
		mute->saved = present;
	mute->exec_id = current->self_exec_id;
	kernel_sigaction(mute->signo, mute->set);
}

struct kevent_sigmute *kevent_sigmute_get(int signo)
{
	struct kevent_sigmute *mute;

	mutex_lock(&mutes_lock);
	mute = find_mute(signo);
	if (!mute) {
		mute = kzalloc(sizeof(*mute), GFP_KERNEL_ACCOUNT);
		if (!mute)
			goto out;
		mute->process = get_pid(task_tgid(current));
		mute->signo = signo;
		mute->set = sig_kernel_ignore(signo) ? SIG_DFL : SIG_IGN;
		list_add(&mute->entry, &mutes);
	}
	mute->holders++;
	impose(mute);
out:
	mutex_unlock(&mutes_lock);
	return mute;
}

/*
 * Puts the handler back, if the caller is the process itself, lives on, and has not chosen another
 * one since. After exec the old handler's code is gone; what exec would have made of it is left.
 */
static void restore(struct kevent_sigmute *mute)
{
	__sighandler_t handler = mute->saved;

	if (mute->process != task_tgid(current) || (current->flags & (PF_EXITING | PF_KTHREAD)))
		return;
	if (handler_of(mute->signo) != mute->set)
		return;
	if (mute->exec_id != current->self_exec_id && handler != SIG_IGN)
		handler = SIG_DFL;
	/* Ignoring a signal throws away those pending: each was reported as an event already. */
	kernel_sigaction(mute->signo, SIG_IGN);
	kernel_sigaction(mute->signo, handler);
}

void kevent_sigmute_put(struct kevent_sigmute *mute)
{
	mutex_lock(&mutes_lock);
	if (--mute->holders) {
		mute = NULL;
	} else {
		list_del(&mute->entry);
		restore(mute);
	}
	mutex_unlock(&mutes_lock);
	if (!mute)
		return;
	put_pid(mute->process);
	kfree(mute);
}
