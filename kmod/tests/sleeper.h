/* SPDX-License-Identifier: MIT */
/* A thread that waits for events, and what can be seen of it from outside. */
#ifndef SLEEPER_H
#define SLEEPER_H

#include <pthread.h>

#include "queue.h"

struct sleeper {
	pthread_t thread;
	int fd;
	int result;
	int error;
	int tid;
	unsigned int min;
	unsigned int max;
	const struct timespec *timeout;
	unsigned int flags;
	struct ukevent events[4];
};

/*
 * Returns when the thread sleeps in kevent_pget_events(), or has done so; it waits for min events and
 * takes up to max.
 */
void sleeper_start(struct sleeper *self, int fd);

/* Waits for its end: what the call returned, with its errno. */
int sleeper_finish(struct sleeper *self);

/* State of a thread of any process as /proc has it: S sleeps. */
char sleeper_state(int tid);

/* Returns when it sleeps; fails when it does not get there. */
void sleeper_asleep(int tid);

/* How often a thread went to sleep by its own will; -1 when it has ended. */
long sleeper_sleeps(int tid);

/* Returns when each has been awake since `before`, which is what sleeper_sleeps() said then. */
void sleepers_woke(const struct sleeper *sleepers, const long *before, unsigned int count);

#endif
