/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The index of a queue: its kevents by name, which is (type, id) and for some types user. Three
 * implementations behind one interface, chosen when the module is loaded. The caller holds
 * queue->ctl_mutex.
 */
#ifndef KEVENT_INDEX_H
#define KEVENT_INDEX_H

#include <linux/rbtree.h>
#include <linux/rhashtable.h>

#include "avl.h"

struct kevent;
struct ukevent;

enum kevent_index_kind {
	KEVENT_INDEX_RBTREE,
	KEVENT_INDEX_AVL,
	KEVENT_INDEX_RHASHTABLE,
};

struct kevent_index {
	union {
		struct rb_root rb;
		struct avl_root avl;
		struct rhashtable hash;
	};
};

/* "rbtree", "avl" or "rhashtable"; -EINVAL for anything else. Once, before any queue exists. */
int kevent_index_choose(const char *name);
enum kevent_index_kind kevent_index_kind(void);

int kevent_index_init(struct kevent_index *index);

struct kevent *kevent_index_find(struct kevent_index *index, const struct ukevent *name);

/* 0; -EEXIST with the kevent of that name in *found; or -ENOMEM. */
int kevent_index_insert(struct kevent_index *index, struct kevent *kev, struct kevent **found);
void kevent_index_erase(struct kevent_index *index, struct kevent *kev);

/* Hands every kevent to end, which may sleep, and destroys the index. Nobody else uses it now. */
void kevent_index_drain(struct kevent_index *index, void (*end)(struct kevent *kev));

#endif /* KEVENT_INDEX_H */
