// SPDX-License-Identifier: GPL-2.0-only
/*
 * The calls on a queue: arguments in, results out. By ioctl, and the frequent ones also by
 * fadvise64(): of the system calls that lead to a file, that is the shortest way with three
 * arguments, and no block of them has to be fetched from the program's memory.
 */
#include <linux/fadvise.h>
#include <linux/fs.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "queue.h"
#include "taken.h"

static bool nonblocking(const struct file *file)
{
	return file->f_flags & O_NONBLOCK;
}

static long get_events(struct kevent_queue *q, u64 buf, u32 min_nr, u32 max_nr,
		       const struct kevent_timeout *timeout)
{
	struct kevent_sink sink = {
		.kind = q->uring.size ? KEVENT_SINK_URING : KEVENT_SINK_USER,
		.buf = u64_to_user_ptr(buf),
		.max = max_nr,
	};

	if (q->mring.ring || !max_nr || max_nr > INT_MAX / sizeof(struct ukevent) || !buf)
		return -EINVAL;
	return kevent_get_events(q, min_nr, &sink, timeout);
}

static long wait(struct kevent_queue *q, u32 num, u32 old_uidx,
		 const struct kevent_timeout *timeout, u32 *start)
{
	if (q->mring.ring)
		return kevent_wait_mring(q, num, timeout);
	if (q->uring.size)
		return kevent_wait_uring(q, num, old_uidx, timeout, start);
	return -EINVAL;
}

static long commit_uring(struct kevent_queue *q, u32 new_uidx, u32 over)
{
	u32 laps;
	long freed;

	mutex_lock(&q->ring_mutex);
	laps = q->uring.over;
	freed = kevent_uring_commit(&q->uring, new_uidx, over);
	if (q->uring.over != laps && kevent_uring_store_over(q))
		freed = -EFAULT;
	mutex_unlock(&q->ring_mutex);
	/*
	 * A thread may sleep because the ring was full, or wait for the index to move: it enters the
	 * wait queue before it looks at either, and we look there after we have changed them.
	 */
	if (freed > 0 && wq_has_sleeper(&q->wait))
		kevent_wake(q, KEVENT_WAKE_SLEEPERS | KEVENT_WAKE_ALL);
	return freed;
}

static long commit(struct kevent_queue *q, u32 new_uidx, u32 over)
{
	if (q->uring.size)
		return commit_uring(q, new_uidx, over);
	if (!q->mring.ring)
		return 0;
	if (new_uidx || over)
		return -EINVAL;
	kevent_reap(q);
	kevent_refill(q);
	return kevent_mring_used(&q->mring);
}

static long ioc_ctl(struct kevent_queue *q, void __user *user)
{
	struct kevent_ctl_args args KEVENT_NO_CLEAR;

	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	return kevent_ctl(q, args.cmd, args.num, u64_to_user_ptr(args.arg));
}

static long ioc_get_events(struct kevent_queue *q, const struct file *file, void __user *user)
{
	struct kevent_timeout timeout KEVENT_NO_CLEAR;
	struct kevent_get_args args KEVENT_NO_CLEAR;

	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	timeout.flags = args.flags;
	timeout.time = args.timeout;
	timeout.sigmask = args.sigmask;
	timeout.nonblock = nonblocking(file);
	if (args.reserved || args.flags & ~KEVENT_FLAGS_WAITS)
		return -EINVAL;
	return get_events(q, args.buf, args.min_nr, args.max_nr, &timeout);
}

static long ioc_wait(struct kevent_queue *q, const struct file *file, void __user *user)
{
	struct kevent_wait_args __user *out = user;
	struct kevent_timeout timeout KEVENT_NO_CLEAR;
	struct kevent_wait_args args KEVENT_NO_CLEAR;
	long result;

	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	timeout.flags = args.flags;
	timeout.time = args.timeout;
	timeout.sigmask = args.sigmask;
	timeout.nonblock = nonblocking(file);
	if (args.flags & ~KEVENT_FLAGS_WAITS)
		return -EINVAL;
	result = wait(q, args.num, args.old_uidx, &timeout, &args.start);
	if (result >= 0 && q->uring.size && put_user(args.start, &out->start))
		return -EFAULT;
	return result;
}

static long ioc_commit(struct kevent_queue *q, void __user *user)
{
	struct kevent_commit_args args KEVENT_NO_CLEAR;

	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	return commit(q, args.new_uidx, args.over);
}

static long enter(struct kevent_queue *q, const struct file *file,
		  struct kevent_enter_args *args)
{
	struct kevent_timeout timeout = {
		.flags = args->flags & KEVENT_FLAGS_WAITS,
		.time = args->timeout,
		.sigmask = args->sigmask,
		.nonblock = nonblocking(file) || args->flags & KEVENT_FLAGS_NOWAIT,
	};
	long result;

	args->ctl_ret = 0;
	args->commit_ret = 0;
	args->start = 0;
	if (args->num) {
		result = kevent_ctl(q, args->cmd, args->num, u64_to_user_ptr(args->arg));
		if (result < 0)
			return result;
		args->ctl_ret = result;
		/* Something came back that the program has to see before it sleeps. */
		if (result && (args->cmd == KEVENT_CTL_ADD || args->cmd == KEVENT_CTL_BATCH))
			timeout.nonblock = true;
	}
	if (args->flags & KEVENT_FLAGS_COMMIT) {
		result = commit(q, args->new_uidx, args->over);
		if (result < 0)
			return result;
		args->commit_ret = result;
	}
	if (args->buf)
		return get_events(q, args->buf, args->min_nr, args->max_nr, &timeout);
	if (q->mring.ring || q->uring.size)
		return wait(q, args->max_nr, args->old_uidx, &timeout, &args->start);
	return 0;
}

static long ioc_enter(struct kevent_queue *q, const struct file *file, void __user *user)
{
	struct kevent_enter_args __user *out = user;
	struct kevent_enter_args args KEVENT_NO_CLEAR;
	long result;

	if (copy_from_user(&args, user, sizeof(args)))
		return -EFAULT;
	if (args.reserved || args.flags & ~(KEVENT_FLAGS_WAITS | KEVENT_FLAGS_ENTER))
		return -EINVAL;
	result = enter(q, file, &args);
	if (copy_to_user(&out->ctl_ret, &args.ctl_ret, 3 * sizeof(args.ctl_ret)))
		return -EFAULT;
	return result;
}

static struct kevent_timeout short_timeout(const struct file *file, u32 op)
{
	return (struct kevent_timeout){
		.flags = op & KEVENT_SHORT_FOREVER ? KEVENT_FLAGS_FOREVER : 0,
		.nonblock = nonblocking(file) || !(op & KEVENT_SHORT_FOREVER),
	};
}

static noinline long short_get_slowly(struct kevent_queue *q, const struct file *file, u64 buf,
				      u32 min_nr, u32 max_nr, u32 flags)
{
	struct kevent_timeout timeout = short_timeout(file, flags);

	if (flags & ~KEVENT_SHORT_FOREVER)
		return -EINVAL;
	return get_events(q, buf, min_nr, max_nr, &timeout);
}

/* A busy consumer finds events waiting with nothing special about them: no more is needed. */
static long short_get(struct kevent_queue *q, const struct file *file, u64 buf, u32 min_nr,
		      u32 max_nr, u32 flags)
{
	struct ukevent __user *to = u64_to_user_ptr(buf);
	u32 budget = READ_ONCE(q->nr_ready);
	u32 done;

	if (!budget || q->mring.ring || q->uring.size || min_nr > 1 || !buf ||
	    max_nr > INT_MAX / sizeof(*to) || flags & ~KEVENT_SHORT_FOREVER)
		return short_get_slowly(q, file, buf, min_nr, max_nr, flags);
	done = kevent_deliver_plain(q, to, max_nr, &budget, &q->stats.delivered);
	if (!done)
		return short_get_slowly(q, file, buf, min_nr, max_nr, flags);
	if (budget && done < max_nr) {
		struct kevent_sink sink = {
			.kind = KEVENT_SINK_USER,
			.buf = to + done,
			.max = max_nr - done,
		};
		int rest = kevent_deliver(q, &sink);

		if (rest > 0)
			done += rest;
	}
	kevent_hand_on(q);
	return done;
}

static long short_ring(struct kevent_queue *q, const struct file *file, u64 first, u64 second,
		       u32 op)
{
	struct kevent_timeout timeout;
	long result = 0;
	u32 start;

	/* What wait would refuse later must not come to light after a commit. */
	if (op & KEVENT_SHORT_WAIT && lower_32_bits(second) > max(q->uring.size, q->mring.entries))
		return -EINVAL;
	if (op & KEVENT_SHORT_COMMIT)
		result = commit(q, lower_32_bits(first), upper_32_bits(first));
	if (result < 0 || !(op & KEVENT_SHORT_WAIT))
		return result;
	timeout = short_timeout(file, op);
	return wait(q, lower_32_bits(second), upper_32_bits(second), &timeout, &start);
}

int kevent_queue_fadvise(struct file *file, loff_t offset, loff_t len, int advice)
{
	struct kevent_queue *q = file->private_data;
	u32 op = advice & ~KEVENT_SHORT_FLAGS;
	u32 flags = advice & KEVENT_SHORT_FLAGS;

	switch (op) {
	case KEVENT_SHORT_GET:
		return short_get(q, file, offset, upper_32_bits(len), lower_32_bits(len), flags);
	case KEVENT_SHORT_CTL:
		if (flags)
			return -EINVAL;
		return kevent_ctl(q, upper_32_bits(len), lower_32_bits(len),
				  u64_to_user_ptr((u64)offset));
	case KEVENT_SHORT_RING:
		return short_ring(q, file, offset, len, flags);
	default:
		/* Real advice is as welcome as on any descriptor without pages, and as useless. */
		return advice >= POSIX_FADV_NORMAL && advice <= POSIX_FADV_NOREUSE ? 0 : -EINVAL;
	}
}

long kevent_queue_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct kevent_queue *q = file->private_data;
	void __user *user = (void __user *)arg;
	struct kevent_info info KEVENT_NO_CLEAR;

	switch (cmd) {
	case KEVENT_IOC_GET_EVENTS:
		return ioc_get_events(q, file, user);
	case KEVENT_IOC_WAIT:
		return ioc_wait(q, file, user);
	case KEVENT_IOC_ENTER:
		return ioc_enter(q, file, user);
	case KEVENT_IOC_CTL:
		return ioc_ctl(q, user);
	case KEVENT_IOC_COMMIT:
		return ioc_commit(q, user);
	case KEVENT_IOC_INFO:
		kevent_info(&info);
		return copy_to_user(user, &info, sizeof(info)) ? -EFAULT : 0;
	default:
		return -ENOTTY;
	}
}
