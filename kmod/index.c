// SPDX-License-Identifier: GPL-2.0-only
#include <linux/jhash.h>
#include <linux/string.h>

#include "index.h"
#include "kevent_core.h"

static enum kevent_index_kind kind __read_mostly;

static const char *const kind_names[] = {
	[KEVENT_INDEX_RBTREE] = "rbtree",
	[KEVENT_INDEX_AVL] = "avl",
	[KEVENT_INDEX_RHASHTABLE] = "rhashtable",
};

static bool by_user(const struct ukevent *name)
{
	return kevent_sources[name->type]->flags & KEVENT_SOURCE_USER_KEY;
}

static int compare_names(const struct ukevent *a, const struct ukevent *b)
{
	if (a->id.raw_u64 != b->id.raw_u64)
		return a->id.raw_u64 < b->id.raw_u64 ? -1 : 1;
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	if (by_user(a) && a->user_u64 != b->user_u64)
		return a->user_u64 < b->user_u64 ? -1 : 1;
	return 0;
}

static int compare_avl(const void *name, const struct avl_node *node)
{
	return compare_names(name, &container_of(node, struct kevent, node.avl)->u);
}

static u32 hash_name(const void *data, u32 len, u32 seed)
{
	const struct ukevent *name = data;
	u32 hash = jhash_3words(name->id.raw[0], name->id.raw[1], name->type, seed);

	return by_user(name) ? jhash_2words(name->user[0], name->user[1], hash) : hash;
}

static u32 hash_kevent(const void *data, u32 len, u32 seed)
{
	return hash_name(&((const struct kevent *)data)->u, len, seed);
}

static int differs(struct rhashtable_compare_arg *arg, const void *object)
{
	return compare_names(arg->key, &((const struct kevent *)object)->u);
}

static const struct rhashtable_params hash_params = {
	.head_offset = offsetof(struct kevent, node.hash),
	.key_offset = offsetof(struct kevent, u),
	.key_len = sizeof(struct ukevent),
	.hashfn = hash_name,
	.obj_hashfn = hash_kevent,
	.obj_cmpfn = differs,
	.automatic_shrinking = true,
};

int kevent_index_choose(const char *name)
{
	int found = match_string(kind_names, ARRAY_SIZE(kind_names), name);

	if (found < 0)
		return found;
	kind = found;
	return 0;
}

enum kevent_index_kind kevent_index_kind(void)
{
	return kind;
}

int kevent_index_init(struct kevent_index *index)
{
	switch (kind) {
	case KEVENT_INDEX_RHASHTABLE:
		return rhashtable_init(&index->hash, &hash_params);
	case KEVENT_INDEX_AVL:
		index->avl.node = NULL;
		return 0;
	default:
		index->rb = RB_ROOT;
		return 0;
	}
}

static struct kevent *rb_find_name(const struct kevent_index *index, const struct ukevent *name)
{
	struct rb_node *node = index->rb.rb_node;

	while (node) {
		struct kevent *kev = rb_entry(node, struct kevent, node.rb);
		int order = compare_names(name, &kev->u);

		if (!order)
			return kev;
		node = order < 0 ? node->rb_left : node->rb_right;
	}
	return NULL;
}

static struct kevent *rb_insert_name(struct kevent_index *index, struct kevent *kev)
{
	struct rb_node **link = &index->rb.rb_node;
	struct rb_node *parent = NULL;

	while (*link) {
		struct kevent *other = rb_entry(*link, struct kevent, node.rb);
		int order = compare_names(&kev->u, &other->u);

		if (!order)
			return other;
		parent = *link;
		link = order < 0 ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&kev->node.rb, parent, link);
	rb_insert_color(&kev->node.rb, &index->rb);
	return NULL;
}

struct kevent *kevent_index_find(struct kevent_index *index, const struct ukevent *name)
{
	struct avl_node *node;

	switch (kind) {
	case KEVENT_INDEX_RHASHTABLE:
		return rhashtable_lookup_fast(&index->hash, name, hash_params);
	case KEVENT_INDEX_AVL:
		node = avl_find(&index->avl, name, compare_avl);
		return node ? container_of(node, struct kevent, node.avl) : NULL;
	default:
		return rb_find_name(index, name);
	}
}

int kevent_index_insert(struct kevent_index *index, struct kevent *kev, struct kevent **found)
{
	struct kevent *other = NULL;
	struct avl_node *node;

	switch (kind) {
	case KEVENT_INDEX_RHASHTABLE:
		other = rhashtable_lookup_get_insert_key(&index->hash, &kev->u, &kev->node.hash,
							 hash_params);
		if (IS_ERR(other))
			return -ENOMEM;
		break;
	case KEVENT_INDEX_AVL:
		node = avl_insert(&index->avl, &kev->node.avl, &kev->u, compare_avl);
		if (node)
			other = container_of(node, struct kevent, node.avl);
		break;
	default:
		other = rb_insert_name(index, kev);
	}
	*found = other;
	return other ? -EEXIST : 0;
}

void kevent_index_erase(struct kevent_index *index, struct kevent *kev)
{
	switch (kind) {
	case KEVENT_INDEX_RHASHTABLE:
		rhashtable_remove_fast(&index->hash, &kev->node.hash, hash_params);
		break;
	case KEVENT_INDEX_AVL:
		avl_erase(&index->avl, &kev->node.avl);
		break;
	default:
		rb_erase(&kev->node.rb, &index->rb);
	}
}

static void end_hashed(void *object, void *end)
{
	void (*function)(struct kevent *kev) = end;

	function(object);
}

void kevent_index_drain(struct kevent_index *index, void (*end)(struct kevent *kev))
{
	struct avl_node *avl;
	struct rb_node *rb;

	switch (kind) {
	case KEVENT_INDEX_RHASHTABLE:
		rhashtable_free_and_destroy(&index->hash, end_hashed, end);
		break;
	case KEVENT_INDEX_AVL:
		while ((avl = index->avl.node)) {
			avl_erase(&index->avl, avl);
			end(container_of(avl, struct kevent, node.avl));
		}
		break;
	default:
		while ((rb = index->rb.rb_node)) {
			rb_erase(rb, &index->rb);
			end(rb_entry(rb, struct kevent, node.rb));
		}
	}
}
