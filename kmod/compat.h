/* SPDX-License-Identifier: GPL-2.0-only */
/* Differences between kernel versions: every LINUX_VERSION_CODE test of the module is here. */
#ifndef KEVENT_COMPAT_H
#define KEVENT_COMPAT_H

#include <linux/fs.h>
#include <linux/fsnotify_backend.h>
#include <linux/mm.h>
#include <linux/version.h>

/* True when fsnotify reports nothing about the file, so that its close cannot be seen. */
static inline bool kevent_compat_nonotify(const struct file *file)
{
#ifdef FMODE_FSNOTIFY_NONE
	return FMODE_FSNOTIFY_NONE(file->f_mode);
#else
	return file->f_mode & FMODE_NONOTIFY;
#endif
}

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

#endif /* KEVENT_COMPAT_H */
