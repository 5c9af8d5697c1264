/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Learning that a watched file is closed for good, without keeping it open.
 *
 * A source that watches a file embeds struct kevent_on_file. While the kevent is bound, its file
 * may be reached with kevent_close_file() only; when the last reference to the file goes, its source's
 * closed() is called before anything of the file is torn down, and the core reports BROKEN.
 */
#ifndef KEVENT_CLOSE_H
#define KEVENT_CLOSE_H

#include <linux/list_bl.h>

#include "kevent_core.h"

struct kevent_close {
	struct file *file;		/* bucket lock; NULL: closed or unbound */
	struct hlist_bl_node node;	/* bucket lock */
};

struct kevent_on_file {
	struct kevent kev;
	struct kevent_close close;
};

/* Binds; the caller has a reference to the file. 0 or -errno. May sleep. */
int kevent_close_bind(struct kevent_on_file *on, struct file *file);

/* Calls closed(), unless the closing file has, and unbinds. May sleep. */
void kevent_close_unbind(struct kevent_on_file *on);

/* The file with a reference, or NULL when it is gone. */
struct file *kevent_close_file(struct kevent_on_file *on);

/* The last reference to the file is gone; nothing of it is torn down yet. Does not sleep. */
void kevent_close_of(const struct file *file);

/* How closes are learned of: the name of a way, for statistics. */
const char *kevent_close_how(void);

/* close_hook.c: whether the kernel lets every close be heard; the others are not called if not. */
bool kevent_hook_init(void);
void kevent_hook_exit(void);

/* From true to the put, kevent_close_of() hears of every file. May sleep. */
bool kevent_hook_get(void);
void kevent_hook_put(void);

#endif /* KEVENT_CLOSE_H */
