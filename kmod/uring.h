/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arithmetic of the 2006 ring. Pure; the caller holds queue->ring_mutex. The ring itself lies in
 * user memory and is only ever written: everything needed is kept here.
 *
 * uidx is the oldest slot not committed, kidx the next one to fill, over counts how often uidx has
 * wrapped: a lap.
 */
#ifndef KEVENT_URING_H
#define KEVENT_URING_H

#include "pure.h"

struct kevent_uring {
	u32 size;	/* 0: the queue has no such ring */
	u32 kidx;
	u32 uidx;
	u32 over;
	bool full;
};

static inline u32 kevent_uring_used(const struct kevent_uring *r)
{
	if (r->full)
		return r->size;
	return r->kidx >= r->uidx ? r->kidx - r->uidx : r->size - (r->uidx - r->kidx);
}

static inline u32 kevent_uring_room(const struct kevent_uring *r)
{
	return r->size - kevent_uring_used(r);
}

/* The slot kidx has been filled; there was room. */
static inline void kevent_uring_produce(struct kevent_uring *r)
{
	r->kidx = r->kidx + 1 < r->size ? r->kidx + 1 : 0;
	r->full = r->kidx == r->uidx;
}

/*
 * Frees the slots up to but excluding new_uidx. over is the lap the caller saw before. Returns the
 * number of slots freed, 0 also when others were quicker, or
 * -EINVAL	new_uidx is no slot, or lies beyond what has been filled;
 * -EOVERFLOW	the caller's lap is too old to tell which slots are meant.
 */
static inline int kevent_uring_commit(struct kevent_uring *r, u32 new_uidx, u32 over)
{
	u32 ahead;

	if (new_uidx >= r->size)
		return -EINVAL;
	if (over != r->over) {
		/* A lap behind, every slot up to uidx has been freed since, whoever did it. */
		if (over == r->over - 1 && new_uidx <= r->uidx)
			return 0;
		return -EOVERFLOW;
	}

	ahead = new_uidx >= r->uidx ? new_uidx - r->uidx : r->size - (r->uidx - new_uidx);
	if (ahead > kevent_uring_used(r))
		return new_uidx < r->uidx ? 0 : -EINVAL;
	if (!ahead)
		return 0;
	if (new_uidx < r->uidx)
		r->over++;
	r->uidx = new_uidx;
	r->full = false;
	return ahead;
}

#endif /* KEVENT_URING_H */
