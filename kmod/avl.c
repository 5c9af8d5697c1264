// SPDX-License-Identifier: GPL-2.0-only
#include "avl.h"

static struct avl_node *avl_parent(const struct avl_node *node)
{
	return (struct avl_node *)(node->parent_balance & ~(uintptr_t)3);
}

/* height(child[1]) - height(child[0]) */
static int avl_balance(const struct avl_node *node)
{
	return (int)(node->parent_balance & 3) - 1;
}

static void avl_set_parent(struct avl_node *node, struct avl_node *parent)
{
	node->parent_balance = (uintptr_t)parent | (node->parent_balance & 3);
}

static void avl_set_balance(struct avl_node *node, int balance)
{
	node->parent_balance = (node->parent_balance & ~(uintptr_t)3) | (uintptr_t)(balance + 1);
}

static int avl_side(const struct avl_node *parent, const struct avl_node *node)
{
	return parent->child[1] == node;
}

/* Puts new where old hangs; new may be NULL. */
static void avl_replace(struct avl_root *root, struct avl_node *old, struct avl_node *new)
{
	struct avl_node *parent = avl_parent(old);

	if (new)
		avl_set_parent(new, parent);
	if (parent)
		parent->child[avl_side(parent, old)] = new;
	else
		root->node = new;
}

/* Lifts the child on the given side over node. Balances are the caller's affair. */
static void avl_rotate(struct avl_root *root, struct avl_node *node, int side)
{
	struct avl_node *child = node->child[side];
	struct avl_node *inner = child->child[!side];

	avl_replace(root, node, child);
	child->child[!side] = node;
	avl_set_parent(node, child);
	node->child[side] = inner;
	if (inner)
		avl_set_parent(inner, node);
}

/*
 * node is two levels higher on the given side. Returns the node that is on top afterwards; its
 * balance is 0 unless the height of the whole has stayed what it was before the rotation.
 */
static struct avl_node *avl_rebalance(struct avl_root *root, struct avl_node *node, int side)
{
	int sign = side ? 1 : -1;
	struct avl_node *child = node->child[side];
	struct avl_node *inner;
	int balance = avl_balance(child) * sign;
	int lean;

	if (balance >= 0) {
		avl_rotate(root, node, side);
		avl_set_balance(node, balance ? 0 : sign);
		avl_set_balance(child, balance ? 0 : -sign);
		return child;
	}

	inner = child->child[!side];
	lean = avl_balance(inner) * sign;
	avl_rotate(root, child, !side);
	avl_rotate(root, node, side);
	avl_set_balance(node, lean > 0 ? -sign : 0);
	avl_set_balance(child, lean < 0 ? sign : 0);
	avl_set_balance(inner, 0);
	return inner;
}

struct avl_node *avl_find(const struct avl_root *root, const void *key, avl_compare compare)
{
	struct avl_node *node = root->node;

	while (node) {
		int order = compare(key, node);

		if (!order)
			break;
		node = node->child[order > 0];
	}
	return node;
}

struct avl_node *avl_insert(struct avl_root *root, struct avl_node *node, const void *key,
			    avl_compare compare)
{
	struct avl_node **link = &root->node;
	struct avl_node *parent = NULL;

	while (*link) {
		int order = compare(key, *link);

		if (!order)
			return *link;
		parent = *link;
		link = &parent->child[order > 0];
	}
	node->child[0] = NULL;
	node->child[1] = NULL;
	node->parent_balance = (uintptr_t)parent;
	avl_set_balance(node, 0);
	*link = node;

	/* Upwards, for as long as a subtree has grown. */
	while (parent) {
		int side = avl_side(parent, node);
		int balance = avl_balance(parent) + (side ? 1 : -1);

		if (balance == 2 || balance == -2) {
			avl_rebalance(root, parent, side);
			break;
		}
		avl_set_balance(parent, balance);
		if (!balance)
			break;
		node = parent;
		parent = avl_parent(node);
	}
	return NULL;
}

/* The subtree at parent->child[side] has lost one level. */
static void avl_shrunk(struct avl_root *root, struct avl_node *parent, int side)
{
	while (parent) {
		struct avl_node *top = parent;
		int balance = avl_balance(parent) - (side ? 1 : -1);

		if (balance == 2 || balance == -2)
			top = avl_rebalance(root, parent, !side);
		else
			avl_set_balance(parent, balance);
		if (avl_balance(top))
			break;
		parent = avl_parent(top);
		if (parent)
			side = avl_side(parent, top);
	}
}

void avl_erase(struct avl_root *root, struct avl_node *node)
{
	struct avl_node *parent = avl_parent(node);
	struct avl_node *next;
	int side;

	if (!node->child[0] || !node->child[1]) {
		side = parent && avl_side(parent, node);
		avl_replace(root, node, node->child[0] ? node->child[0] : node->child[1]);
		avl_shrunk(root, parent, side);
		return;
	}

	/* The next in order takes the place and balance of node; what shrinks is where it was. */
	next = node->child[1];
	while (next->child[0])
		next = next->child[0];
	parent = avl_parent(next);
	side = avl_side(parent, next);
	if (parent == node) {
		parent = next;
	} else {
		avl_replace(root, next, next->child[1]);
		next->child[1] = node->child[1];
		avl_set_parent(next->child[1], next);
	}
	avl_replace(root, node, next);
	next->child[0] = node->child[0];
	avl_set_parent(next->child[0], next);
	avl_set_balance(next, avl_balance(node));
	avl_shrunk(root, parent, side);
}

struct avl_node *avl_first(const struct avl_root *root)
{
	struct avl_node *node = root->node;

	while (node && node->child[0])
		node = node->child[0];
	return node;
}
