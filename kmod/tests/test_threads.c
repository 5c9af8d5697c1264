// SPDX-License-Identifier: MIT
/* Threads on one queue: each event goes to exactly one of them, and none waits in vain. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "queue.h"

#define EVENTS 2000
#define THREADS 4

/* Fixture: who got what. */
struct crowd {
	int queue;
	struct kevent_ring *ring;
	unsigned int got[EVENTS];
	unsigned int total;
	unsigned int next;
	unsigned int returns;
};

static void crowd_setup(struct crowd *self)
{
	self->queue = kevent_init(NULL, 0, 0);
	CHECK_GE(self->queue, 0);
}

static void crowd_teardown(struct crowd *self)
{
}

static void count_event(struct crowd *self, const struct ukevent *event)
{
	CHECK_EQ(event->type, KEVENT_USER);
	CHECK_LT(event->id.raw[0], EVENTS);
	__atomic_add_fetch(&self->got[event->id.raw[0]], 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&self->total, 1, __ATOMIC_RELAXED);
}

static bool done(struct crowd *self)
{
	return __atomic_load_n(&self->total, __ATOMIC_RELAXED) >= EVENTS;
}

/* Fires events of its own share, each registered for this one firing. */
static void *produce(void *argument)
{
	struct crowd *self = argument;
	unsigned int id;

	while ((id = __atomic_fetch_add(&self->next, 1, __ATOMIC_RELAXED)) < EVENTS) {
		struct ukevent entry = request(KEVENT_USER, id, 1, KEVENT_REQ_ONESHOT);

		CHECK_EQ(add_refusal(self->queue, entry), 0);
		fire(self->queue, entry);
	}
	return NULL;
}

static void *consume(void *argument)
{
	struct crowd *self = argument;
	struct ukevent events[8];

	while (!done(self)) {
		int count = kevent_get_events(self->queue, 1, 8, after_ms(100), events, 0);

		CHECK_GE(count, 0);
		for (int i = 0; i < count; i++)
			count_event(self, &events[i]);
	}
	return NULL;
}

/* Waits without end, so a lost wake-up hangs it; ends by a kick. */
static void *consume_forever(void *argument)
{
	struct crowd *self = argument;
	struct ukevent event;

	while (!done(self)) {
		int count = kevent_pget_events(self->queue, 1, 1, NULL, &event, 0, NULL);

		CHECK_GE(count, 0);
		if (count)
			count_event(self, &event);
	}
	CHECK_EQ(kevent_ctl(self->queue, KEVENT_CTL_READY, 0, NULL), 0);
	return NULL;
}

static void run(struct crowd *self, void *(*consumer)(void *))
{
	pthread_t consumers[THREADS], producers[THREADS];

	for (int i = 0; i < THREADS; i++) {
		CHECK_EQ(pthread_create(&consumers[i], NULL, consumer, self), 0);
		CHECK_EQ(pthread_create(&producers[i], NULL, produce, self), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		CHECK_EQ(pthread_join(producers[i], NULL), 0);
		CHECK_EQ(pthread_join(consumers[i], NULL), 0);
	}
	CHECK_EQ(self->total, EVENTS);
	for (int i = 0; i < EVENTS; i++)
		CHECK_EQ(self->got[i], 1);
}

CASE_ON_WITHIN(crowd, each_event_is_taken_once, 60)
{
	run(self, consume);
	take_none(self->queue);
}

CASE_ON_WITHIN(crowd, no_sleeper_misses_its_wake_up, 60)
{
	run(self, consume_forever);
}

/* One waiter a ring, told where its batch begins: slots are its own until it commits them. */
static void *consume_ring(void *argument)
{
	static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
	static unsigned int uidx;
	struct crowd *self = argument;
	struct timespec limit = after_ms(100);

	while (!done(self)) {
		unsigned int start = 0;
		int count;

		CHECK_EQ(pthread_mutex_lock(&turn), 0);
		count = kevent_pwait(self->queue, 8, uidx, &limit, 0, NULL, &start);
		CHECK_GE(count, 0);
		for (int i = 0; i < count; i++)
			count_event(self, &self->ring->event[(start + (unsigned int)i) % 16]);
		if (count) {
			unsigned int over = self->ring->ring_over;

			uidx = (start + (unsigned int)count) % 16;
			CHECK_EQ(kevent_commit(self->queue, uidx, over), count);
		}
		CHECK_EQ(pthread_mutex_unlock(&turn), 0);
	}
	return NULL;
}

CASE_ON_WITHIN(crowd, each_event_is_in_the_ring_once, 60)
{
	self->ring = ring_memory(16);
	self->queue = kevent_init(self->ring, 16, 0);
	CHECK_GE(self->queue, 0);
	run(self, consume_ring);
}

static void *commit_slots(void *argument)
{
	struct crowd *self = argument;
	unsigned int freed = 0;

	while (freed < 1000) {
		unsigned int over = __atomic_load_n(&self->ring->ring_over, __ATOMIC_ACQUIRE);
		unsigned int kidx = __atomic_load_n(&self->ring->ring_kidx, __ATOMIC_ACQUIRE);
		int count = kevent_commit(self->queue, kidx, over);

		/* Equal indices free nothing, also when that is because the ring is full. */
		if (count == 0)
			count = kevent_commit(self->queue, (kidx + 1) % 4, over);
		/* Others may be quicker; nobody may free what another has freed. */
		if (count > 0)
			freed = __atomic_add_fetch(&self->next, (unsigned int)count,
						   __ATOMIC_RELAXED);
		else
			freed = __atomic_load_n(&self->next, __ATOMIC_RELAXED);
	}
	return NULL;
}

CASE_ON_WITHIN(crowd, committing_threads_free_each_slot_once, 120)
{
	pthread_t threads[THREADS];
	unsigned int put = 0, stuck = 0;
	struct ukevent entry;

	self->ring = ring_memory(4);
	self->queue = kevent_init(self->ring, 4, 0);
	entry = add(self->queue, KEVENT_USER, 1, 1, 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, commit_slots, self), 0);
	while (__atomic_load_n(&self->next, __ATOMIC_RELAXED) < 1000) {
		struct timespec none = after_ms(0);
		int count;

		fire(self->queue, entry);
		count = kevent_pwait(self->queue, 1, 0, &none, 0, NULL, NULL);
		CHECK_GE(count, 0);
		put += (unsigned int)count;
		stuck = count ? 0 : stuck + 1;
		CHECK_LE(self->next, put + 4);
		/* A full ring whose lap nobody can name any more would stop the show. */
		if (stuck > 100000)
			break;
	}
	CHECK_LE(self->next, put);
	CHECK_GE(self->next, put - 4);
	/* Release the others if this ended early. */
	__atomic_store_n(&self->next, 1000, __ATOMIC_RELAXED);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	CHECK_LE(stuck, 100000);
}

static void nothing(int number)
{
}

/* Its waits are cut short by signals and timeouts, at which it may have been chosen to wake. */
static void *disturbed_consumer(void *argument)
{
	struct crowd *self = argument;
	struct ukevent event;

	while (!done(self)) {
		struct timespec brief = { .tv_nsec = 200000 };
		int count = kevent_pget_events(self->queue, 1, 1, &brief, &event, 0, NULL);

		CHECK(count >= 0 || errno == EINTR);
		if (count > 0)
			count_event(self, &event);
		__atomic_add_fetch(&self->returns, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

CASE_ON_WITHIN(crowd, a_waiter_that_leaves_hands_the_wake_up_on, 60)
{
	struct sigaction action = { .sa_handler = nothing };
	pthread_t disturbed[2], steady, producer;

	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	CHECK_EQ(pthread_create(&steady, NULL, consume_forever, self), 0);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_create(&disturbed[i], NULL, disturbed_consumer, self), 0);
	CHECK_EQ(pthread_create(&producer, NULL, produce, self), 0);
	while (!done(self)) {
		unsigned int before = __atomic_load_n(&self->returns, __ATOMIC_RELAXED);

		for (int i = 0; i < 2; i++)
			pthread_kill(disturbed[i], SIGUSR1);
		/* Who is disturbed without end takes no event. */
		while (!done(self) && __atomic_load_n(&self->returns, __ATOMIC_RELAXED) == before)
			sched_yield();
	}
	CHECK_EQ(kevent_ctl(self->queue, KEVENT_CTL_READY, 0, NULL), 0);
	CHECK_EQ(pthread_join(producer, NULL), 0);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(disturbed[i], NULL), 0);
	CHECK_EQ(pthread_join(steady, NULL), 0);
	for (int i = 0; i < EVENTS; i++)
		CHECK_EQ(self->got[i], 1);
}
