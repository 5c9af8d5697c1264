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
 * To be passed between an event and the question whether an earlier record of it is still unread.
 * Pairs with the barrier the program passes between storing head and acting: either we see its head,
 * or it sees what has happened.
 */
static inline void kevent_mring_barrier(void)
{
	smp_mb();
}

/* Is the record written when tail was pos among the last used ones? */
static inline bool kevent_mring_among(const struct kevent_mring_tail *t, u64 pos, u32 used)
{
	return t->tail - pos <= used;
}

/* Is the record written when tail was pos still unread? */
static inline bool kevent_mring_unread(const struct kevent_mring_tail *t, u64 pos)
{
	kevent_mring_barrier();
	return kevent_mring_among(t, pos, kevent_mring_used(t));
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
	smp_store_release(&t->ring->tail, (u32)t->tail);
}

static inline void kevent_mring_flags(const struct kevent_mring_tail *t, u32 flags)
{
	WRITE_ONCE(t->ring->flags, flags);
}

#endif /* KEVENT_MRING_H */
