// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues that watch queues. Nothing in the module would fail in a circle, but a program in one would
 * be told of its own events for ever: ADD refuses what would close a circle, or nest too deep.
 * A way through an epoll descriptor is not seen here, and does no more harm than that.
 */
#include "queue.h"

#define MAX_DEPTH	5

/* A kevent of one queue on the descriptor of another. */
struct kevent_edge {
	struct list_head out;
	const struct kevent *kev;
	struct kevent_queue *to;
};

/* Protects all edges. Taken under a close bucket lock, which goes first. */
static DEFINE_SPINLOCK(edges_lock);
static u64 walk;

/* Does a way lead from one queue to the other, or further than allowed? */
static bool leads_to(struct kevent_queue *from, const struct kevent_queue *to, int depth)
{
	struct kevent_edge *edge;

	if (from == to || depth == MAX_DEPTH)
		return true;
	if (from->walk == walk)
		return false;
	from->walk = walk;
	list_for_each_entry(edge, &from->edges, out) {
		if (leads_to(edge->to, to, depth + 1))
			return true;
	}
	return false;
}

int kevent_nest_enter(struct kevent *kev, struct kevent_queue *to)
{
	struct kevent_edge *edge = kmalloc(sizeof(*edge), GFP_KERNEL_ACCOUNT);

	if (!edge)
		return -ENOMEM;
	edge->kev = kev;
	edge->to = to;
	spin_lock(&edges_lock);
	walk++;
	if (leads_to(to, kev->queue, 0)) {
		spin_unlock(&edges_lock);
		kfree(edge);
		return -ELOOP;
	}
	list_add(&edge->out, &kev->queue->edges);
	spin_unlock(&edges_lock);
	return 0;
}

void kevent_nest_leave(struct kevent *kev)
{
	struct kevent_edge *edge;

	spin_lock(&edges_lock);
	list_for_each_entry(edge, &kev->queue->edges, out) {
		if (edge->kev == kev) {
			list_del(&edge->out);
			kfree(edge);
			break;
		}
	}
	spin_unlock(&edges_lock);
}
