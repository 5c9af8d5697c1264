// SPDX-License-Identifier: MIT
/*
 * ADD, MODIFY, REMOVE, firing, closing, waiting and committing from many threads on the same few
 * descriptors and names. Whatever happens in between, each registration ends exactly once: by a
 * REMOVE that found it, or by a report that says so (ONESHOT or BROKEN). The books must balance.
 *
 * Settings: calls (of each thread), seed.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "queue.h"

#define WORKERS 6
#define SLOTS 6
#define RING_SIZE 16

struct race {
	int queue;
	struct kevent_ring *ring;
	struct kevent_mapped map;
	int near[SLOTS];
	int far[SLOTS];
	unsigned int calls;
	unsigned int running;
	bool stop;
	unsigned int begun[KEVENT_MAX];
	unsigned int removed[KEVENT_MAX];
	unsigned int reported[KEVENT_MAX];
	unsigned int reports;
};

struct worker {
	struct race *race;
	unsigned int random;
	pthread_t thread;
};

static unsigned int draw(struct worker *self, unsigned int below)
{
	self->random = self->random * 1664525 + 1013904223;
	return (self->random >> 8) % below;
}

static void count(unsigned int *counter)
{
	__atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

/* Puts fresh descriptors at the slot's numbers; what was there is closed. */
static void renew(struct race *race, unsigned int slot)
{
	int pair[2];

	switch (slot % 3) {
	case 0:
		unix_pair(SOCK_STREAM, pair);
		break;
	case 1:
		pipe_pair(pair);
		break;
	default:
		pair[0] = eventfd(0, EFD_NONBLOCK);
		pair[1] = dup(pair[0]);
	}
	CHECK_GE(dup2(pair[0], race->near[slot]), 0);
	CHECK_GE(dup2(pair[1], race->far[slot]), 0);
	close(pair[0]);
	close(pair[1]);
}

static struct ukevent some_request(struct worker *self)
{
	static const unsigned int flags[] = {
		0,
		KEVENT_REQ_ONESHOT,
		KEVENT_REQ_ET,
		KEVENT_REQ_ONESHOT | KEVENT_REQ_LAST_CHECK,
		KEVENT_REQ_ET | KEVENT_REQ_WAKEUP_ALL,
		KEVENT_REQ_ONESHOT | KEVENT_REQ_READY,
	};
	static const unsigned int types[] = { KEVENT_SOCKET, KEVENT_PIPE, KEVENT_POLL,
					      KEVENT_USER,   KEVENT_USER, KEVENT_TIMER };
	unsigned int type = types[draw(self, 6)];
	unsigned int slot = draw(self, SLOTS);
	struct ukevent entry = kevent_request(type, (unsigned int)self->race->near[slot], 1,
					      flags[draw(self, 6)] | KEVENT_REQ_ALWAYS_QUEUE, 7);

	if (type == KEVENT_TIMER) {
		entry.id.raw[0] = 0;
		entry.id.raw[1] = 1000000 * (1 + slot);
	}
	return entry;
}

static void ctl(struct worker *self, unsigned int cmd)
{
	struct race *race = self->race;
	struct ukevent entry = some_request(self);
	unsigned int type = entry.type;
	int result = kevent_ctl(race->queue, cmd, 1, &entry);

	CHECK_GE(result, 0);
	if (cmd == KEVENT_CTL_ADD && result == 0)
		count(&race->begun[type]);
	if (cmd == KEVENT_CTL_REMOVE && !(entry.ret_flags & KEVENT_RET_BROKEN))
		count(&race->removed[type]);
}

static void enter_book(struct race *race, const struct ukevent *event)
{
	count(&race->reports);
	CHECK_LT(event->type, KEVENT_MAX);
	if (event->req_flags & KEVENT_REQ_ONESHOT || event->ret_flags & KEVENT_RET_BROKEN)
		count(&race->reported[event->type]);
}

/*
 * A UNIX peer closed with bytes unread resets the connection: a write that was already past the
 * kernel's look at the shutdown state meets the reset, not the broken pipe.
 */
static void check_refused_write(int error)
{
	if (error != EAGAIN && error != EPIPE && error != ECONNRESET && error != EBADF)
		ktest_fail(__FILE__, __LINE__, "a write was refused with: %s", strerror(error));
}

static void *work(void *argument)
{
	struct worker *self = argument;
	struct race *race = self->race;
	uint64_t bytes[64];

	for (unsigned int call = 0; call < race->calls; call++) {
		unsigned int slot = draw(self, SLOTS);
		struct pollfd watched = { .fd = race->queue, .events = POLLIN };

		switch (draw(self, 16)) {
		case 0 ... 3:
			ctl(self, KEVENT_CTL_ADD);
			break;
		case 4 ... 5:
			ctl(self, KEVENT_CTL_REMOVE);
			break;
		case 6 ... 7:
			ctl(self, KEVENT_CTL_MODIFY);
			break;
		case 8 ... 10:
			ctl(self, KEVENT_CTL_READY);
			break;
		case 11 ... 12:
			bytes[0] = 1;
			if (write(race->far[slot], bytes, 8) < 0)
				check_refused_write(errno);
			break;
		case 13:
			if (read(race->near[slot], bytes, sizeof(bytes)) < 0)
				CHECK(errno == EAGAIN || errno == EBADF);
			break;
		case 14:
			CHECK_GE(poll(&watched, 1, 0), 0);
			break;
		default:
			renew(race, slot);
		}
	}
	__atomic_sub_fetch(&race->running, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void take_ring(struct race *race)
{
	/* One thread at a time fills, reads and commits; the others race with it all the same. */
	static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
	static unsigned int uidx;
	struct timespec brief = after_ms(2);
	unsigned int start = 0;
	int taken;

	CHECK_EQ(pthread_mutex_lock(&turn), 0);
	taken = kevent_pwait(race->queue, 8, uidx, &brief, 0, NULL, &start);
	CHECK_GE(taken, 0);
	for (int i = 0; i < taken; i++)
		enter_book(race, &race->ring->event[(start + (unsigned int)i) % RING_SIZE]);
	if (taken) {
		uidx = (start + (unsigned int)taken) % RING_SIZE;
		CHECK_EQ(kevent_commit(race->queue, uidx, race->ring->ring_over), taken);
	}
	CHECK_EQ(pthread_mutex_unlock(&turn), 0);
}

static void take_some(struct race *race)
{
	static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
	struct timespec brief = after_ms(2);
	struct ukevent events[8];
	int taken;

	if (race->ring) {
		take_ring(race);
		return;
	}
	if (race->map.ring) {
		CHECK_EQ(pthread_mutex_lock(&turn), 0);
		taken = kevent_mapped_wait(&race->map, events, 8, &brief, NULL);
		CHECK_EQ(pthread_mutex_unlock(&turn), 0);
	} else {
		taken = kevent_get_events(race->queue, 1, 8, brief, events, 0);
	}
	CHECK_GE(taken, 0);
	for (int i = 0; i < taken; i++)
		enter_book(race, &events[i]);
}

static void *consume(void *argument)
{
	struct race *race = argument;

	while (!__atomic_load_n(&race->stop, __ATOMIC_ACQUIRE))
		take_some(race);
	return NULL;
}

/* Ends what is left: closing reports descriptors as broken, the rest is removed by name. */
static void clear_away(struct race *race)
{
	for (int i = 0; i < SLOTS; i++) {
		close(race->near[i]);
		close(race->far[i]);
	}
	for (unsigned int type = 0; type < KEVENT_MAX; type++) {
		for (unsigned int slot = 0; slot < SLOTS; slot++) {
			struct ukevent entry = kevent_request(type,
							      (unsigned int)race->near[slot], 0, 0,
							      7);

			if (type == KEVENT_TIMER) {
				entry.id.raw[0] = 0;
				entry.id.raw[1] = 1000000 * (1 + slot);
			}
			CHECK_EQ(kevent_ctl(race->queue, KEVENT_CTL_REMOVE, 1, &entry), 1);
			race->removed[type] += !(entry.ret_flags & KEVENT_RET_BROKEN);
		}
	}
	for (unsigned int before = ~0U; before != race->reports;) {
		before = race->reports;
		for (int i = 0; i < 100; i++)
			take_some(race);
	}
}

static void run(struct race *race)
{
	struct worker workers[WORKERS];
	pthread_t consumers[2];
	unsigned int total = 0;

	signal(SIGPIPE, SIG_IGN);
	race->calls = (unsigned int)ktest_setting("calls", 6000);
	race->running = WORKERS;
	for (unsigned int i = 0; i < SLOTS; i++) {
		race->near[i] = dup(0);
		race->far[i] = dup(0);
		CHECK_GE(race->far[i], 0);
		renew(race, i);
	}
	for (unsigned int i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&consumers[i], NULL, consume, race), 0);
	for (unsigned int i = 0; i < WORKERS; i++) {
		workers[i].race = race;
		workers[i].random = (unsigned int)ktest_setting("seed", 1) * 7919 + i;
		CHECK_EQ(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (unsigned int i = 0; i < WORKERS; i++)
		CHECK_EQ(pthread_join(workers[i].thread, NULL), 0);
	__atomic_store_n(&race->stop, true, __ATOMIC_RELEASE);
	for (unsigned int i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(consumers[i], NULL), 0);
	clear_away(race);
	for (unsigned int type = 0; type < KEVENT_MAX; type++) {
		if (race->begun[type])
			ktest_note("type %u: %u registered, %u removed, %u ended by a report", type,
				   race->begun[type], race->removed[type], race->reported[type]);
		total += race->begun[type];
	}
	ktest_note("%u reports", race->reports);
	for (unsigned int type = 0; type < KEVENT_MAX; type++)
		CHECK_EQ(race->begun[type], race->removed[type] + race->reported[type]);
	CHECK_GT(total, race->calls / 4);
	CHECK_GT(race->reports, race->calls / 4);
}

CASE_WITHIN(each_registration_of_a_plain_queue_ends_once, 90)
{
	static struct race race;

	race.queue = kevent_init(NULL, 0, 0);
	CHECK_GE(race.queue, 0);
	run(&race);
}

CASE_WITHIN(each_registration_of_a_ring_of_2006_ends_once, 90)
{
	static struct race race;

	race.ring = ring_memory(RING_SIZE);
	race.queue = kevent_init(race.ring, RING_SIZE, 0);
	CHECK_GE(race.queue, 0);
	run(&race);
}

CASE_WITHIN(each_registration_of_a_mapped_ring_ends_once, 90)
{
	static struct race race;

	race.queue = kevent_mapped_open(&race.map, RING_SIZE, 0);
	CHECK_GE(race.queue, 0);
	run(&race);
}
