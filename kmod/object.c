// SPDX-License-Identifier: GPL-2.0-only
/* The life of a kevent: memory, registration, end. */
#include <linux/file.h>

#include "queue.h"

static struct kmem_cache *caches[KEVENT_MAX];

struct kevent *kevent_alloc(struct kevent_queue *q, const struct kevent_source_ops *ops,
			    const struct ukevent *request)
{
	struct kevent *kev;

	kev = kmem_cache_alloc(caches[request->type], GFP_KERNEL_ACCOUNT);
	if (!kev)
		return NULL;
	/* Bytes of the source's own part; the rest is set one by one, as this is a hot path. */
	memset(kev + 1, 0, ops->size - sizeof(*kev));
	kev->queue = q;
	kev->ops = ops;
	INIT_LIST_HEAD(&kev->link);
	kev->u = *request;
	kev->u.ret_flags = KEVENT_RET_DONE;
	kev->state = KEVENT_ST_ARMING;
	kev->fired = 0;
	kev->posted = 0;
	kev->pos = 0;
	refcount_set(&kev->refs, 1);
	kev->in_index = 0;
	kev->nested = false;
	kev->fills = ops->fill;
	if (ops->flags & KEVENT_SOURCE_ONESHOT)
		kev->u.req_flags |= KEVENT_REQ_ONESHOT;
	return kev;
}

static void free_after_grace(struct rcu_head *head)
{
	struct kevent *kev = container_of(head, struct kevent, node.rcu);

	kmem_cache_free(caches[kev->u.type], kev);
}

void kevent_put(struct kevent *kev)
{
	if (!refcount_dec_and_test(&kev->refs))
		return;
	if (kev->ops->free)
		kev->ops->free(kev);
	if (kev->ops->flags & KEVENT_SOURCE_RCU)
		call_rcu(&kev->node.rcu, free_after_grace);
	else
		kmem_cache_free(caches[kev->u.type], kev);
}

/* Under ctl_mutex. */
static struct kevent *find_live(struct kevent_queue *q, const struct ukevent *name)
{
	struct kevent *kev = kevent_index_find(&q->index, name);

	return kev && !kevent_is_stale(kev) ? kev : NULL;
}

struct kevent *kevent_lookup(struct kevent_queue *q, const struct ukevent *name)
{
	struct kevent *kev = find_live(q, name);

	if (kev)
		kevent_get(kev);
	return kev;
}

static void erase(struct kevent_queue *q, struct kevent *kev)
{
	kevent_index_erase(&q->index, kev);
	kev->in_index = 0;
	q->nr--;
}

struct kevent *kevent_take_out(struct kevent_queue *q, const struct ukevent *name)
{
	struct kevent *kev = find_live(q, name);

	if (kev)
		erase(q, kev);
	return kev;
}

void kevent_forget(struct kevent *kev)
{
	erase(kev->queue, kev);
}

void kevent_end(struct kevent *kev)
{
	kev->ops->detach(kev);
	kevent_uncharge_watch(kev->queue->account);
	kevent_put(kev);
}

void kevent_unregister(struct kevent *kev)
{
	if (!kev->in_index)
		return;
	erase(kev->queue, kev);
	kevent_end(kev);
}

int kevent_register(struct kevent *kev)
{
	struct kevent_queue *q = kev->queue;
	struct kevent *other;
	int result;

	for (;;) {
		result = kevent_index_insert(&q->index, kev, &other);
		if (!result) {
			kev->in_index = 1;
			q->nr++;
			return 0;
		}
		if (result != -EEXIST || !kevent_is_stale(other))
			return result;
		/* It is over and only waits to be cleared away; a last report stays on its way. */
		erase(q, other);
		kevent_end(other);
	}
}

struct file *kevent_fget(const struct kevent *kev)
{
	struct file *file = fget(kev->u.id.raw[0]);

	return file ? file : ERR_PTR(-EBADF);
}

void kevent_sources_exit(void)
{
	u32 type;

	for (type = 0; type < KEVENT_MAX; type++) {
		if (!caches[type])
			continue;
		if (kevent_sources[type]->exit)
			kevent_sources[type]->exit();
	}
	/* Memory of kevents that only waits for its grace period. */
	rcu_barrier();
	for (type = 0; type < KEVENT_MAX; type++) {
		kmem_cache_destroy(caches[type]);
		caches[type] = NULL;
	}
}

int kevent_sources_init(void)
{
	u32 type;

	for (type = 0; type < KEVENT_MAX; type++) {
		const struct kevent_source_ops *ops = kevent_sources[type];
		int result = 0;

		if (!ops)
			continue;
		if (ops->init)
			result = ops->init();
		if (!result) {
			caches[type] = kmem_cache_create(ops->name, ops->size, 0, SLAB_ACCOUNT,
							 NULL);
			if (!caches[type]) {
				if (ops->exit)
					ops->exit();
				result = -ENOMEM;
			}
		}
		if (result) {
			kevent_sources_exit();
			return result;
		}
	}
	return 0;
}
