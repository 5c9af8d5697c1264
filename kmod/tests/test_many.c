// SPDX-License-Identifier: MIT
/*
 * As many descriptors as a large server has, in one queue: registered in a random order, fired at
 * random, and let go, half of them by REMOVE and half by closing them.
 *
 * Settings: many (descriptors), seed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "queue.h"

#define MANY 100000
#define FIRINGS 3000
#define BATCH 512

struct crowd {
	int queue;
	unsigned int count;
	unsigned int random;
	int *fds;
	/* The descriptors' places, in the order in which things are done to them. */
	unsigned int *order;
	struct ukevent entries[BATCH];
};

static unsigned int draw(struct crowd *self, unsigned int below)
{
	self->random = self->random * 1664525 + 1013904223;
	return (unsigned int)(((uint64_t)self->random * below) >> 32);
}

static void shuffle(struct crowd *self)
{
	for (unsigned int i = self->count - 1; i > 0; i--) {
		unsigned int other = draw(self, i + 1), kept = self->order[i];

		self->order[i] = self->order[other];
		self->order[other] = kept;
	}
}

/* Descriptors for all and the program's own; registrations, too. */
static void raise_limits(unsigned int count)
{
	struct rlimit limit = { count + 100, count + 100 };
	FILE *file = fopen("/sys/module/kevent/parameters/max_user_watches", "r+");
	unsigned long watches = 0;

	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		SKIP("no %u descriptors: %s", count, strerror(errno));
	CHECK(file);
	CHECK_EQ(fscanf(file, "%lu", &watches), 1);
	rewind(file);
	if (watches < count)
		CHECK_GT(fprintf(file, "%u", count), 0);
	CHECK_EQ(fclose(file), 0);
}

static void crowd_setup(struct crowd *self)
{
	unsigned int many = ktest_slowness() > 1 ? MANY / 10 : MANY;

	self->count = (unsigned int)ktest_setting("many", many);
	self->random = (unsigned int)ktest_setting("seed", 1);
	raise_limits(self->count);
	self->queue = kevent_init(NULL, 0, 0);
	CHECK_GE(self->queue, 0);
	self->fds = calloc(self->count, sizeof(*self->fds));
	self->order = calloc(self->count, sizeof(*self->order));
	CHECK(self->fds && self->order);
	for (unsigned int i = 0; i < self->count; i++) {
		self->fds[i] = eventfd(0, EFD_NONBLOCK);
		CHECK_GE(self->fds[i], 0);
		self->order[i] = i;
	}
}

static void crowd_teardown(struct crowd *self)
{
	CHECK_EQ(close(self->queue), 0);
	free(self->fds);
	free(self->order);
}

static struct ukevent entry_of(const struct crowd *self, unsigned int place)
{
	return kevent_request(KEVENT_POLL, (unsigned int)self->fds[place], KEVENT_POLL_POLLIN,
			      KEVENT_REQ_ET, place);
}

/* The command for those from place `from` of the order on; each must be carried out. */
static void command(struct crowd *self, unsigned int cmd, unsigned int from, unsigned int to)
{
	int wanted;

	while (from < to) {
		unsigned int count = to - from < BATCH ? to - from : BATCH;

		for (unsigned int i = 0; i < count; i++)
			self->entries[i] = entry_of(self, self->order[from + i]);
		wanted = cmd == KEVENT_CTL_ADD ? 0 : (int)count;
		CHECK_EQ(kevent_ctl(self->queue, cmd, count, self->entries), wanted);
		for (unsigned int i = 0; cmd != KEVENT_CTL_ADD && i < count; i++)
			CHECK_EQ(self->entries[i].ret_flags, KEVENT_RET_DONE);
		from += count;
	}
}

/* Takes the one event there is; which descriptor it is for. */
static unsigned int take_place(struct crowd *self)
{
	struct ukevent event = take_one(self->queue);

	CHECK_EQ(event.ret_flags, KEVENT_RET_DONE);
	CHECK_LT(event.user[0], self->count);
	CHECK_EQ(event.id.raw[0], self->fds[event.user[0]]);
	return event.user[0];
}

static void fire_at_random(struct crowd *self)
{
	uint64_t value = 1;

	for (unsigned int i = 0; i < FIRINGS; i++) {
		unsigned int place = draw(self, self->count);

		CHECK_EQ(write(self->fds[place], &value, sizeof(value)), sizeof(value));
		CHECK_EQ(take_place(self), place);
		CHECK_EQ(read(self->fds[place], &value, sizeof(value)), sizeof(value));
		value = 1;
	}
	take_none(self->queue);
}

/* All at once, so that the ready list is as long as it can be. */
static void fire_all(struct crowd *self)
{
	unsigned char *told = calloc(self->count, 1);
	uint64_t value = 1;
	unsigned int total = 0, got;

	CHECK(told);
	for (unsigned int i = 0; i < self->count; i++)
		CHECK_EQ(write(self->fds[i], &value, sizeof(value)), sizeof(value));
	CHECK_EQ(queue_counter(self->queue, "ready"), self->count);
	while ((got = take(self->queue, self->entries, BATCH, 0)) > 0) {
		for (unsigned int i = 0; i < got; i++) {
			CHECK_LT(self->entries[i].user[0], self->count);
			CHECK_EQ(told[self->entries[i].user[0]]++, 0);
		}
		total += got;
	}
	CHECK_EQ(total, self->count);
	free(told);
}

/* Closes those up to place `to` of the order: each is reported as broken, once. */
static void close_those(struct crowd *self, unsigned int to)
{
	unsigned int total = 0, got;

	for (unsigned int i = 0; i < to; i++)
		CHECK_EQ(close(self->fds[self->order[i]]), 0);
	while ((got = take(self->queue, self->entries, BATCH, 0)) > 0) {
		for (unsigned int i = 0; i < got; i++)
			CHECK_EQ(self->entries[i].ret_flags, KEVENT_RET_BROKEN | KEVENT_RET_DONE);
		total += got;
	}
	CHECK_EQ(total, to);
}

CASE_ON_WITHIN(crowd, a_hundred_thousand_descriptors_are_registered_told_of_and_let_go, 120)
{
	unsigned int half = self->count / 2;

	shuffle(self);
	command(self, KEVENT_CTL_ADD, 0, self->count);
	CHECK_EQ(queue_counter(self->queue, "registered"), self->count);
	fire_at_random(self);
	fire_all(self);
	shuffle(self);
	close_those(self, half);
	command(self, KEVENT_CTL_REMOVE, half, self->count);
	take_none(self->queue);
	CHECK_EQ(queue_counter(self->queue, "registered"), 0);
	CHECK_EQ(queue_counter(self->queue, "added"), self->count);
	CHECK_EQ(queue_counter(self->queue, "failed"), 0);
	CHECK_EQ(queue_counter(self->queue, "delivered"), FIRINGS + self->count + half);
	CHECK_EQ(queue_counter(self->queue, "max-ready"), self->count);
	for (unsigned int i = half; i < self->count; i++)
		CHECK_EQ(close(self->fds[self->order[i]]), 0);
}

CASE_ON_WITHIN(crowd, a_queue_with_a_hundred_thousand_registrations_is_closed, 60)
{
	uint64_t value = 1;

	shuffle(self);
	command(self, KEVENT_CTL_ADD, 0, self->count);
	for (unsigned int i = 0; i < FIRINGS; i++)
		CHECK_EQ(write(self->fds[self->order[i]], &value, sizeof(value)), sizeof(value));
	CHECK_EQ(queue_counter(self->queue, "ready"), FIRINGS);
}
