// SPDX-License-Identifier: GPL-2.0-only
/* What one user may take: registered kevents, and pages of mapped rings. */
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>

#include "queue.h"

struct kevent_user_account {
	struct list_head all;		/* accounts_mutex */
	kuid_t uid;
	unsigned int queues;		/* accounts_mutex */
	atomic_long_t watches;
	atomic_long_t records;
};

static LIST_HEAD(accounts);
static DEFINE_MUTEX(accounts_mutex);

static unsigned long max_user_watches __read_mostly;
module_param(max_user_watches, ulong, 0644);
MODULE_PARM_DESC(max_user_watches,
		 "Most kevents one user may have registered (default: 4 % of low memory)");

unsigned long kevent_max_user_watches(void)
{
	return READ_ONCE(max_user_watches);
}

void kevent_limits_init(void)
{
	struct sysinfo info;

	if (max_user_watches)
		return;
	si_meminfo(&info);
	/* A watched socket takes this much, as measured. */
	max_user_watches = (((info.totalram - info.totalhigh) / 25) << PAGE_SHIFT) / 256;
}

struct kevent_user_account *kevent_account_get(void)
{
	kuid_t uid = current_uid();
	struct kevent_user_account *account;

	mutex_lock(&accounts_mutex);
	list_for_each_entry(account, &accounts, all) {
		if (uid_eq(account->uid, uid))
			goto found;
	}
	account = kzalloc(sizeof(*account), GFP_KERNEL_ACCOUNT);
	if (!account)
		goto out;
	account->uid = uid;
	list_add(&account->all, &accounts);
found:
	account->queues++;
out:
	mutex_unlock(&accounts_mutex);
	return account;
}

void kevent_account_put(struct kevent_user_account *account)
{
	mutex_lock(&accounts_mutex);
	if (!--account->queues) {
		list_del(&account->all);
		kfree(account);
	}
	mutex_unlock(&accounts_mutex);
}

int kevent_charge_watch(struct kevent_user_account *account)
{
	if (atomic_long_inc_return(&account->watches) > READ_ONCE(max_user_watches)) {
		atomic_long_dec(&account->watches);
		return -ENOSPC;
	}
	return 0;
}

void kevent_uncharge_watch(struct kevent_user_account *account)
{
	atomic_long_dec(&account->watches);
}

bool kevent_charge_record(struct kevent *kev, unsigned long limit)
{
	struct kevent_user_account *account = kev->queue->account;

	if (atomic_long_inc_return(&account->records) <= limit)
		return true;
	atomic_long_dec(&account->records);
	return false;
}

void kevent_uncharge_record(struct kevent *kev)
{
	atomic_long_dec(&kev->queue->account->records);
}

int kevent_charge_pages(struct user_struct *user, unsigned long pages)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;

	if (capable(CAP_IPC_LOCK))
		limit = ULONG_MAX;
	if (atomic_long_add_return(pages, &user->locked_vm) > limit) {
		atomic_long_sub(pages, &user->locked_vm);
		return -ENOMEM;
	}
	return 0;
}

void kevent_uncharge_pages(struct user_struct *user, unsigned long pages)
{
	atomic_long_sub(pages, &user->locked_vm);
}
