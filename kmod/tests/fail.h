/* SPDX-License-Identifier: MIT */
/*
 * Makes each allocation of a call fail in turn, where the kernel has been built for that: the call is
 * made again and again on a fresh scene, with its first allocation failing, then its second, until
 * it has come to its end with none left to fail. Each time it must succeed all the same, or fail in
 * the way it is meant to, change nothing, and succeed when it is made once more.
 */
#ifndef FAIL_H
#define FAIL_H

#include "source.h"
#include "transfer.h"

/* What a call is made on. Zero at first but for `operation`; an operation uses what it needs. */
struct scene {
	const struct fail_operation *operation;
	int queue;
	int other;
	int pair[2];
	struct ukevent entry;
	struct ukevent answer;
	struct source source;
	struct transfer transfer;
	struct kevent_mapped map;
	struct kevent_ring *ring;
	int result;
	int error;
};

struct fail_operation {
	const char *name;
	void (*prepare)(struct scene *self);
	/* The call, and as little as possible besides. Sets result and error. */
	void (*act)(struct scene *self);
	/* Did it succeed? Fails the case unless all is as it has to be, either way. */
	bool (*succeeded)(struct scene *self);
	/* Shows that what has been made works, and takes it away. */
	void (*finish)(struct scene *self);
	/* Must some failure have been an error of the call? */
	bool can_fail;
	const void *detail;
	/* Every how many allocations one fails; 0 is as 1. More where most are not the module's. */
	unsigned int step;
};

/* Ends the case as skipped where the kernel injects no faults. */
void fail_need(void);

/* The n-th allocation from now on, from 1, fails; of the calling thread alone. */
void fail_arm(unsigned int nth);

/* No more. True if one has failed. */
bool fail_disarm(void);

/* Is the count of allocations not used up yet? */
bool fail_left(void);

/* In a child: from now on it is the child's own allocations that fail. */
void fail_again(void);

/* Writes a value to a file below debugfs or procfs; false when that cannot be. */
bool fail_write(const char *path, const char *value);

/* Registers a case that does all of the above for one operation. `name` in front of its own. */
void fail_register(const char *name, const struct fail_operation *operation);

/* For act(): keeps what a call has returned, and errno. */
void fail_keep(struct scene *self, int result);

/* For succeeded(): true if it returned `wanted`, false if -1 with ENOMEM; anything else fails. */
bool fail_or(struct scene *self, int wanted);

#endif
