/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's side of the mapped ring. Pure; the caller holds queue->lock.
 *
 * Of what the program can write, only head is ever read, once a call, and only to learn how many
 * records are unread: a wild value makes the ring look full or empty to its own program, no more.
 */
#ifndef KEVENT_MRING_H
#define KEVENT_MRING_H

#include "pure.h"
#ifdef __KERNEL__
#include <uapi/linux/kevent.h>
#else
#include "include/uapi/linux/kevent.h"
#endif

struct kevent_mring_tail {
	struct kevent_mring *ring;	/* NULL: the queue has no mapped ring */
	u64 tail;			/* records written since the beginning */
	u32 entries;
};

static inline void kevent_mring_start(struct kevent_mring_tail *t, struct kevent_mring *ring,
				      u32 entries)
{
	t->ring = ring;
	t->tail = 0;
	t->entries = entries;
	ring->entries = entries;
	ring->version = KEVENT_VERSION;
}

/* Records the program has not taken yet, at most entries. */
static inline u32 kevent_mring_used(const struct kevent_mring_tail *t)
{
	u32 used = (u32)t->tail - READ_ONCE(t->ring->head);

	return used < t->entries ? used : t->entries;
}

/*
 * Is the record written when tail was pos still unread? The barrier pairs with the one the program
 * passes between storing head and acting: either we see its head, or it sees what we are about to
 * report.
 */
static inline bool kevent_mring_unread(const struct kevent_mring_tail *t, u64 pos)
{
	/* Pairs with the program's barrier behind its store of head. */
	smp_mb();
	return t->tail - pos <= kevent_mring_used(t);
}

/* The slot for the next record; there must be room. */
static inline struct ukevent *kevent_mring_slot(const struct kevent_mring_tail *t)
{
	return &t->ring->event[(u32)t->tail & (t->entries - 1)];
}

/* Shows the record in the slot to the program. */
static inline void kevent_mring_publish(struct kevent_mring_tail *t)
{
	t->tail++;
	/* The record before its index: pairs with the program's acquiring load. */
	smp_store_release(&t->ring->tail, (u32)t->tail);
}

static inline void kevent_mring_flags(const struct kevent_mring_tail *t, u32 flags)
{
	WRITE_ONCE(t->ring->flags, flags);
}

#endif /* KEVENT_MRING_H */
