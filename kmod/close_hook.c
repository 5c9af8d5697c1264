// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hears the last close of every file at the entry of __fput(), with ftrace, before anything of the
 * file is torn down. While a file is watched that costs each last close of the machine about a
 * hundred instructions. A mark of fsnotify (close.c) costs each read() and write() of its superblock
 * more than that, and a descriptor is read more often than it is closed.
 *
 * Memory safety rests on hearing every close. So the hook is used only where a trial at load time
 * heard one on each way to __fput() that can be tried there, and it is PERMANENT: nobody switches it
 * off with kernel.ftrace_enabled, and where that is off already it is not taken.
 */
#include <linux/anon_inodes.h>
#include <linux/completion.h>
#include <linux/file.h>
#include <linux/ftrace.h>
#include <linux/module.h>
#include <linux/workqueue.h>

#include "close.h"
#include "compat.h"
#include "queue.h"

#ifdef CONFIG_DYNAMIC_FTRACE_WITH_ARGS

/* Taking it off waits for every task, and the next ADD pays for putting it on. */
#define IDLE_HOOK	(10 * HZ)

static unsigned char function[] = "__fput";

/* Of the trial. */
static struct file *trial_file;
static DECLARE_COMPLETION(trial_heard);

static void hear(unsigned long ip, unsigned long parent, struct ftrace_ops *op,
		 struct ftrace_regs *regs)
{
	struct file *file = (struct file *)kevent_compat_first_argument(regs);

	if (unlikely(file == READ_ONCE(trial_file)))
		complete(&trial_heard);
	else
		kevent_close_of(file);
}

static struct ftrace_ops hook = {
	.func = hear,
	.flags = FTRACE_OPS_FL_PERMANENT,
};

static enum { UNUSABLE, OFF, ON, GOING } state;		/* hook_mutex */
static DEFINE_MUTEX(hook_mutex);
/* Files that are watched through the hook. Leaves 0 only under hook_mutex, which puts it on. */
static atomic_long_t users;

static void rest(struct work_struct *work);
static DECLARE_DELAYED_WORK(rest_work, rest);

bool kevent_hook_get(void)
{
	bool got;

	if (atomic_long_inc_not_zero(&users))
		return true;
	mutex_lock(&hook_mutex);
	if (state == OFF && !register_ftrace_function(&hook))
		state = ON;
	got = state == ON;
	if (got)
		atomic_long_inc(&users);
	mutex_unlock(&hook_mutex);
	return got;
}

void kevent_hook_put(void)
{
	if (atomic_long_dec_and_test(&users))
		mod_delayed_work(kevent_wq, &rest_work, IDLE_HOOK);
}

/* Who adds while the hook is being taken off, which takes long, need not wait: there are marks. */
static void rest(struct work_struct *work)
{
	bool idle;

	mutex_lock(&hook_mutex);
	idle = state == ON && !atomic_long_read(&users);
	if (idle)
		state = GOING;
	mutex_unlock(&hook_mutex);
	if (!idle)
		return;
	unregister_ftrace_function(&hook);
	mutex_lock(&hook_mutex);
	state = OFF;
	mutex_unlock(&hook_mutex);
}

static const struct file_operations trial_fops = {
	.owner = THIS_MODULE,
};

static void close_at_once(struct work_struct *work)
{
	__fput_sync(trial_file);
}

/* A task without a user side leaves the close to a worker, which calls __fput() from elsewhere. */
static void close_later(struct work_struct *work)
{
	fput(trial_file);
	flush_delayed_fput();
}

static bool hears(void (*close)(struct work_struct *work))
{
	struct file *file = anon_inode_getfile("[kevent-trial]", &trial_fops, NULL, O_RDWR);
	struct work_struct work;
	bool heard;

	if (IS_ERR(file))
		return false;
	reinit_completion(&trial_heard);
	WRITE_ONCE(trial_file, file);
	INIT_WORK_ONSTACK(&work, close);
	queue_work(kevent_wq, &work);
	flush_work(&work);
	destroy_work_on_stack(&work);
	/* The kernel's own worker may have taken the file before ours could. */
	heard = wait_for_completion_timeout(&trial_heard, HZ);
	WRITE_ONCE(trial_file, NULL);
	return heard;
}

bool kevent_hook_init(void)
{
	if (ftrace_set_filter(&hook, function, sizeof(function) - 1, 1) ||
	    register_ftrace_function(&hook))
		goto out_filter;
	if (!hears(close_at_once) || !hears(close_later))
		goto out_hook;
	/* Taking it off waits for every task; who loads the module mostly goes on to use it. */
	state = ON;
	mod_delayed_work(kevent_wq, &rest_work, IDLE_HOOK);
	return true;

out_hook:
	unregister_ftrace_function(&hook);
out_filter:
	ftrace_free_filter(&hook);
	return false;
}

void kevent_hook_exit(void)
{
	mod_delayed_work(kevent_wq, &rest_work, 0);
	flush_delayed_work(&rest_work);
	ftrace_free_filter(&hook);
}

#else

bool kevent_hook_get(void)
{
	return false;
}

void kevent_hook_put(void)
{
}

bool kevent_hook_init(void)
{
	return false;
}

void kevent_hook_exit(void)
{
}

#endif /* CONFIG_DYNAMIC_FTRACE_WITH_ARGS */
