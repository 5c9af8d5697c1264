// SPDX-License-Identifier: MIT
/*
 * Many threads on shared registrations, and not one event lost or told twice: every firing of a user
 * event is counted in exactly one report, and every byte that was written is read by a thread which
 * does so only when told. Meanwhile others modify the same registrations, add and remove registrations
 * on the same descriptors, close descriptors, poll, and wait in vain.
 *
 * Settings: firings (of each thread), seed.
 */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "queue.h"

#define NAMES 6
#define PIPES 4
#define PRODUCERS 3
#define CONSUMERS 3
#define RING_SIZE 8

struct books {
	int queue;
	struct kevent_ring *ring;
	struct kevent_mapped map;
	struct ukevent names[NAMES];
	struct ukevent pipes[PIPES];
	int near[PIPES];
	int far[PIPES];
	unsigned int firings;
	unsigned int fired;
	unsigned int reported;
	unsigned int written;
	unsigned int read;
	unsigned int producing;
	bool stop;
};

static unsigned int load(unsigned int *counter)
{
	return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

static void count(unsigned int *counter, unsigned int more)
{
	__atomic_add_fetch(counter, more, __ATOMIC_ACQ_REL);
}

static unsigned int draw(unsigned int *random, unsigned int below)
{
	*random = *random * 1664525 + 1013904223;
	return (*random >> 8) % below;
}

static void *produce(void *argument)
{
	struct books *books = argument;
	static unsigned int producers;
	unsigned int random = (unsigned int)ktest_setting("seed", 1) * 7919 +
			      __atomic_add_fetch(&producers, 1, __ATOMIC_RELAXED);

	for (unsigned int i = 0; i < books->firings; i++) {
		unsigned int which = draw(&random, NAMES);

		fire(books->queue, books->names[which]);
		count(&books->fired, 1);
		which = draw(&random, PIPES);
		if (write(books->far[which], "x", 1) == 1)
			count(&books->written, 1);
		else
			CHECK_EQ(errno, EAGAIN);
	}
	count(&books->producing, -1U);
	return NULL;
}

static void enter(struct books *books, const struct ukevent *event)
{
	unsigned int which = event->user[0];

	CHECK_EQ(event->ret_flags & KEVENT_RET_BROKEN, 0);
	if (event->type == KEVENT_USER) {
		count(&books->reported, event->ret_data[0]);
		return;
	}
	CHECK_EQ(event->type, KEVENT_PIPE);
	CHECK_LT(which, PIPES);
	count(&books->read, drain(books->near[which]));
}

/* One thread at a time on a ring, whose slots are read before the next call. */
static int take_from_ring(struct books *books, struct ukevent *events, unsigned int max)
{
	static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
	static unsigned int uidx;
	struct timespec brief = after_ms(2);
	unsigned int start = 0;
	int taken;

	CHECK_EQ(pthread_mutex_lock(&turn), 0);
	if (books->map.ring) {
		taken = kevent_mapped_wait(&books->map, events, max, &brief, NULL);
	} else {
		taken = kevent_pwait(books->queue, max, uidx, &brief, 0, NULL, &start);
		for (int i = 0; i < taken; i++)
			events[i] = books->ring->event[(start + (unsigned int)i) % RING_SIZE];
		if (taken > 0) {
			uidx = (start + (unsigned int)taken) % RING_SIZE;
			CHECK_EQ(kevent_commit(books->queue, uidx, books->ring->ring_over), taken);
		}
	}
	CHECK_EQ(pthread_mutex_unlock(&turn), 0);
	return taken;
}

static unsigned int take_in(struct books *books)
{
	struct ukevent events[4];
	int taken;

	if (books->ring || books->map.ring)
		taken = take_from_ring(books, events, 4);
	else
		taken = kevent_get_events(books->queue, 1, 4, after_ms(2), events, 0);
	CHECK_GE(taken, 0);
	for (int i = 0; i < taken; i++)
		enter(books, &events[i]);
	return (unsigned int)taken;
}

static void *consume(void *argument)
{
	struct books *books = argument;

	while (load(&books->producing))
		take_in(books);
	/* What is still on its way; ends only when there is nothing more to be had. */
	while (take_in(books))
		;
	return NULL;
}

/* Other registrations on the same pipes come and go, and descriptors that nobody watches twice. */
static void disturb_once(struct books *books, unsigned int *random)
{
	struct pollfd watched = { .fd = books->queue, .events = POLLIN };
	unsigned int which = draw(random, PIPES);
	struct ukevent entry = kevent_request(KEVENT_POLL, (unsigned int)books->near[which],
					      KEVENT_POLL_POLLHUP, KEVENT_REQ_ET, which);
	int pair[2];

	switch (draw(random, 5)) {
	case 0:
		CHECK_GE(kevent_ctl(books->queue, KEVENT_CTL_ADD, 1, &entry), 0);
		break;
	case 1:
		CHECK_EQ(kevent_ctl(books->queue, KEVENT_CTL_REMOVE, 1, &entry), 1);
		break;
	case 2:
		/* Looks again: what is there is told again, and nothing is forgotten. */
		modify(books->queue, books->pipes[which], KEVENT_PIPE_RECV,
		       draw(random, 2) ? KEVENT_REQ_ET : 0);
		break;
	case 3:
		CHECK_GE(poll(&watched, 1, 0), 0);
		break;
	default:
		pipe_pair(pair);
		entry = request(KEVENT_PIPE, (unsigned int)pair[0], KEVENT_PIPE_RECV,
				KEVENT_REQ_ONESHOT);
		CHECK_EQ(add_refusal(books->queue, entry), 0);
		CHECK_EQ(remove_entry(books->queue, entry), 0);
		close(pair[0]);
		close(pair[1]);
	}
}

static void *disturb(void *argument)
{
	struct books *books = argument;
	unsigned int random = (unsigned int)ktest_setting("seed", 1);

	while (load(&books->producing))
		disturb_once(books, &random);
	return NULL;
}

static void run(struct books *books)
{
	pthread_t threads[PRODUCERS + CONSUMERS + 1];
	unsigned int n = 0;

	CHECK_GE(books->queue, 0);
	books->firings = (unsigned int)ktest_setting("firings", 4000);
	books->producing = PRODUCERS;
	for (unsigned int i = 0; i < NAMES; i++)
		books->names[i] = add(books->queue, KEVENT_USER, i, KEVENT_USER_FIRED,
				      i % 2 ? KEVENT_REQ_ET : 0);
	for (unsigned int i = 0; i < PIPES; i++) {
		int pair[2];

		pipe_pair(pair);
		books->near[i] = pair[0];
		books->far[i] = pair[1];
		books->pipes[i] = kevent_request(KEVENT_PIPE, (unsigned int)pair[0],
						 KEVENT_PIPE_RECV, KEVENT_REQ_ET, i);
		CHECK_EQ(add_refusal(books->queue, books->pipes[i]), 0);
	}
	for (unsigned int i = 0; i < PRODUCERS; i++)
		CHECK_EQ(pthread_create(&threads[n++], NULL, produce, books), 0);
	for (unsigned int i = 0; i < CONSUMERS; i++)
		CHECK_EQ(pthread_create(&threads[n++], NULL, consume, books), 0);
	CHECK_EQ(pthread_create(&threads[n++], NULL, disturb, books), 0);
	while (n)
		CHECK_EQ(pthread_join(threads[--n], NULL), 0);
	/* A consumer may have left just before another put back what it had taken. */
	while (take_in(books))
		;
	ktest_note("%u firings, %u reported; %u bytes written, %u read", books->fired,
		   books->reported, books->written, books->read);
	CHECK_EQ(books->fired, PRODUCERS * books->firings);
	CHECK_EQ(books->reported, books->fired);
	CHECK_GT(books->written, 0);
	CHECK_EQ(books->read, books->written);
}

CASE_WITHIN(the_books_of_a_plain_queue_balance, 60)
{
	static struct books books;

	books.queue = kevent_init(NULL, 0, 0);
	run(&books);
}

CASE_WITHIN(the_books_of_a_ring_of_2006_balance, 60)
{
	static struct books books;

	books.ring = ring_memory(RING_SIZE);
	books.queue = kevent_init(books.ring, RING_SIZE, 0);
	run(&books);
}

CASE_WITHIN(the_books_of_a_mapped_ring_balance, 60)
{
	static struct books books;

	books.queue = kevent_mapped_open(&books.map, RING_SIZE, 0);
	run(&books);
}
