/* SPDX-License-Identifier: MIT */
/* Sources of events for tests that do the same to each type. */
#ifndef SOURCE_H
#define SOURCE_H

#include "queue.h"

/* A source of events, private to a case. */
struct source {
	int near;
	int far;
	unsigned int second;	/* the other half of the id */
	struct ukevent entry;
	int queue;
};

struct type_row {
	const char *name;
	unsigned int type;
	unsigned int event;
	/* Events say that something holds, which can be looked at again; else they just happen. */
	bool condition;
	void (*make)(struct source *self);
	void (*provoke)(struct source *self);
	void (*settle)(struct source *self);
};

/* The types that can be provoked again and again: all but AIO and NAIO. */
#define TYPE_ROWS 8
extern const struct type_row type_rows[TYPE_ROWS];

/* Makes the source, and a queue with nothing in it; `entry` is the request, not made yet. */
void start_source(const struct type_row *row, struct source *self, unsigned int flags);

#endif
