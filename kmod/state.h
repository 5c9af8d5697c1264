/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The state word of a kevent and every way it can change. Pure; the caller holds queue->lock.
 *
 *            fire                      take                 done, level or fired meanwhile
 *   idle ----------> QUEUED ----------------------> BUSY ----------------------> QUEUED
 *    ^ \                                             | \
 *    |  \ post (mapped ring)                         |  `--- done, one-shot or broken ---> DEAD
 *    |   `--> idle, POSTED; one-shot or broken: DEAD |
 *    `------------------------------------------------'  done, edge; or check found nothing
 *
 * ARMING stands beside none of QUEUED, BUSY: until attach has returned, fire only leaves its marks.
 * UNSURE and BROKEN are marks left by fire; take clears UNSURE, BROKEN stays for good.
 * DEAD is final: fire does nothing, and a consumer who holds the kevent lets go of it.
 */
#ifndef KEVENT_STATE_H
#define KEVENT_STATE_H

#include "pure.h"

#define KEVENT_ST_ARMING	0x01	/* attach has not returned */
#define KEVENT_ST_QUEUED	0x02	/* in the ready list */
#define KEVENT_ST_BUSY		0x04	/* with a consumer, who looks at it or copies it */
#define KEVENT_ST_UNSURE	0x08	/* fired without saying what happened */
#define KEVENT_ST_BROKEN	0x10	/* the source is gone */
#define KEVENT_ST_DEAD		0x20	/* reports nothing any more */
#define KEVENT_ST_POSTED	0x40	/* has put a record in the mapped ring */
#define KEVENT_ST_LEVEL		0x80	/* in the list of those to be looked at again */
#define KEVENT_ST_KEPT		0x100	/* a report that could not be copied lies in u.ret_data */
#define KEVENT_ST_ENDING	0x200	/* BUSY, and its last report is being copied */

/* No new registration may trip over it: it only has to be cleared away. */
#define KEVENT_ST_STALE		(KEVENT_ST_BROKEN | KEVENT_ST_DEAD | KEVENT_ST_ENDING)

/* Marks an event. Returns true if the kevent was idle, so that the caller now queues or posts it. */
static inline bool kevent_st_fire(u32 *state, u32 how)
{
	u32 old = *state;

	if (old & KEVENT_ST_DEAD)
		return false;
	*state = old | how;
	return !(old & (KEVENT_ST_ARMING | KEVENT_ST_QUEUED | KEVENT_ST_BUSY));
}

static inline void kevent_st_queue(u32 *state)
{
	*state |= KEVENT_ST_QUEUED;
}

/* A consumer takes it off the ready list. Returns the state before: UNSURE there asks for a check. */
static inline u32 kevent_st_take(u32 *state)
{
	u32 old = *state;

	*state = (old & ~(KEVENT_ST_QUEUED | KEVENT_ST_UNSURE)) | KEVENT_ST_BUSY;
	return old;
}

enum kevent_next {
	KEVENT_NEXT_IDLE,	/* nothing to do until it fires */
	KEVENT_NEXT_QUEUE,	/* to the tail of the ready list; it has been marked QUEUED */
	KEVENT_NEXT_END,	/* reported for the last time; it has been marked DEAD */
	KEVENT_NEXT_GONE,	/* somebody else ended it meanwhile */
};

/*
 * The consumer is through with it. reported: it was delivered, not found unready; last: that was
 * its only report; again: its condition has to be looked at again (level-triggered); fired: bits
 * that came in meanwhile.
 */
static inline enum kevent_next kevent_st_done(u32 *state, bool reported, bool last, bool again,
					      u32 fired)
{
	u32 old = *state & ~KEVENT_ST_BUSY;

	*state = old;
	if (old & KEVENT_ST_DEAD)
		return KEVENT_NEXT_GONE;
	if (reported && last) {
		*state = old | KEVENT_ST_DEAD;
		return KEVENT_NEXT_END;
	}
	if (reported && again)
		old |= KEVENT_ST_UNSURE;
	if (fired || (old & (KEVENT_ST_UNSURE | KEVENT_ST_BROKEN | KEVENT_ST_KEPT))) {
		*state = old | KEVENT_ST_QUEUED;
		return KEVENT_NEXT_QUEUE;
	}
	return KEVENT_NEXT_IDLE;
}

#endif /* KEVENT_STATE_H */
