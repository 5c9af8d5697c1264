/* SPDX-License-Identifier: GPL-2.0-only */
/* An intrusive AVL tree. Pure; the caller serialises. */
#ifndef KEVENT_AVL_H
#define KEVENT_AVL_H

#include "pure.h"

struct avl_node {
	struct avl_node *child[2];
	/* The parent, or NULL; the two low bits hold height(child[1]) - height(child[0]) + 1. */
	uintptr_t parent_balance;
};

struct avl_root {
	struct avl_node *node;
};

/* Negative, zero or positive as key sorts before, equals or sorts after the node. */
typedef int (*avl_compare)(const void *key, const struct avl_node *node);

/* The node that equals key, or NULL. */
struct avl_node *avl_find(const struct avl_root *root, const void *key, avl_compare compare);

/* Enters node under key. Returns NULL, or the equal node that is there already. */
struct avl_node *avl_insert(struct avl_root *root, struct avl_node *node, const void *key,
			    avl_compare compare);

/* Takes out a node that is in the tree. */
void avl_erase(struct avl_root *root, struct avl_node *node);

/* Least node, or NULL. */
struct avl_node *avl_first(const struct avl_root *root);

#endif /* KEVENT_AVL_H */
