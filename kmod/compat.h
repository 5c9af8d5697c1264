/* SPDX-License-Identifier: GPL-2.0-only */
/* Differences between kernel versions: every LINUX_VERSION_CODE test of the module is here. */
#ifndef KEVENT_COMPAT_H
#define KEVENT_COMPAT_H

#include <linux/bvec.h>
#include <linux/fs.h>
#include <linux/fsnotify_backend.h>
#include <linux/ftrace.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/net.h>
#include <linux/posix-timers.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>
#include <linux/version.h>

/*
 * For arrays on hot paths that are written before they are read: kernels that clear the stack would
 * otherwise spend more on clearing them than the path takes.
 */
#if __has_attribute(uninitialized)
#define KEVENT_NO_CLEAR __attribute__((uninitialized))
#else
#define KEVENT_NO_CLEAR
#endif

/* True when fsnotify reports nothing about the file, so that its close cannot be seen. */
static inline bool kevent_compat_nonotify(const struct file *file)
{
#ifdef FMODE_FSNOTIFY_NONE
	return FMODE_FSNOTIFY_NONE(file->f_mode);
#else
	return file->f_mode & FMODE_NONOTIFY;
#endif
}

#ifdef CONFIG_DYNAMIC_FTRACE_WITH_ARGS
/* Of the function that was entered. */
static inline unsigned long kevent_compat_first_argument(struct ftrace_regs *regs)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	return ftrace_regs_get_argument(regs, 0);
#else
	return regs_get_kernel_argument(&regs->regs, 0);
#endif
}
#endif

static inline int kevent_compat_add_sb_mark(struct fsnotify_mark *mark, struct super_block *sb)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
	return fsnotify_add_mark(mark, sb, FSNOTIFY_OBJ_TYPE_SB, 0);
#else
	return fsnotify_add_mark(mark, &sb->s_fsnotify_marks, FSNOTIFY_OBJ_TYPE_SB, 0, NULL);
#endif
}

static inline void kevent_compat_vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_set(vma, flags);
#else
	vma->vm_flags |= flags;
#endif
}

static inline void kevent_compat_vm_flags_clear(struct vm_area_struct *vma, unsigned long flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_clear(vma, flags);
#else
	vma->vm_flags &= ~flags;
#endif
}

static inline void kevent_compat_hrtimer_setup(struct hrtimer *timer,
					       enum hrtimer_restart (*function)(struct hrtimer *t),
					       clockid_t clock, enum hrtimer_mode mode)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
	hrtimer_setup(timer, function, clock, mode);
#else
	hrtimer_init(timer, clock, mode);
	timer->function = function;
#endif
}

/* The timers of a process, under siglock. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
#define kevent_compat_for_each_posix_timer(timer, signal) \
	hlist_for_each_entry(timer, &(signal)->posix_timers, list)
#else
#define kevent_compat_for_each_posix_timer(timer, signal) \
	list_for_each_entry(timer, &(signal)->posix_timers, list)
#endif

/* ITER_DEST or ITER_SOURCE over memory of the current mm. */
static inline int kevent_compat_import(int direction, void __user *buf, size_t len,
				       struct iov_iter *iter)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	return import_ubuf(direction, buf, len, iter);
#else
	struct iovec iov;
	int err = import_single_range(direction, buf, len, &iov, iter);

	/* The iterator must not point to this frame. */
	if (!err)
		iov_iter_ubuf(iter, direction, buf, iov.iov_len);
	return err;
#endif
}

static inline int kevent_compat_rw_flags(struct kiocb *iocb, rwf_t flags, int direction)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
	return kiocb_set_rw_flags(iocb, flags, direction);
#else
	return kiocb_set_rw_flags(iocb, flags);
#endif
}

/* Lockdep is told that freeze protection, taken by one task, is given back by another one. */
static inline void kevent_compat_writers_release(struct super_block *sb)
{
	__sb_writers_release(sb, SB_FREEZE_WRITE);
}

static inline void kevent_compat_writers_acquired(struct super_block *sb)
{
	__sb_writers_acquired(sb, SB_FREEZE_WRITE);
}

/* Sends pages that nobody else writes to, without copying them. Returns bytes or -errno. */
static inline int kevent_compat_send_pages(struct socket *sock, struct bio_vec *bvec,
					   unsigned int count, size_t len, int flags)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
	struct msghdr msg = { .msg_flags = flags | MSG_SPLICE_PAGES };

	iov_iter_bvec(&msg.msg_iter, ITER_SOURCE, bvec, count, len);
	return sock_sendmsg(sock, &msg);
#else
	int sent, total = 0;
	unsigned int i;

	for (i = 0; i < count; i++) {
		bool last = i + 1 == count;

		sent = kernel_sendpage(sock, bvec[i].bv_page, bvec[i].bv_offset, bvec[i].bv_len,
				       last ? flags : flags | MSG_MORE | MSG_SENDPAGE_NOTLAST);
		if (sent < 0)
			return total ? total : sent;
		total += sent;
		if (sent < bvec[i].bv_len)
			break;
	}
	return total;
#endif
}

#endif /* KEVENT_COMPAT_H */
