// SPDX-License-Identifier: MIT
/* Queues that watch queues, and other mechanisms that watch queues: no loop, no deadlock. */
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <unistd.h>

#include "queue.h"

static int watch_queue(int outer, int inner)
{
	struct ukevent entry = request(KEVENT_POLL, (unsigned int)inner, KEVENT_POLL_POLLIN,
				       KEVENT_REQ_ALWAYS_QUEUE);

	return add_refusal(outer, entry);
}

static int watch_by_epoll(int epfd, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event);
}

CASE_ON(queue, a_queue_that_watches_itself_is_refused)
{
	CHECK_EQ(watch_queue(self->fd, self->fd), ELOOP);
	CHECK_EQ(watch_queue(self->fd, dup(self->fd)), ELOOP);
}

/*
 * Nesting and loops may be refused with ELOOP; where they are not, they must work. The watchdog
 * tells of a deadlock.
 */
CASE_ON(queue, a_queue_in_a_queue_is_refused_or_works)
{
	int inner = kevent_init(NULL, 0, 0), refusal = watch_queue(self->fd, inner);
	struct ukevent entry = add(inner, KEVENT_USER, 1, 1, 0);

	ktest_note("a queue in a queue: %s", refusal ? strerror(refusal) : "accepted");
	fire(inner, entry);
	if (refusal) {
		CHECK_EQ(refusal, ELOOP);
		take_none(self->fd);
	} else {
		CHECK_EQ(take_one(self->fd).id.raw[0], inner);
	}
	CHECK_SAME(take_one(inner), entry);
	take_none(self->fd);
}

CASE_ON(queue, a_loop_of_two_is_refused_or_harmless)
{
	int other = kevent_init(NULL, 0, 0);
	struct ukevent entry = add(other, KEVENT_USER, 1, 1, 0), event;
	int there = watch_queue(self->fd, other), back = watch_queue(other, self->fd);

	CHECK(there == 0 || there == ELOOP);
	CHECK(back == 0 || back == ELOOP);
	for (int i = 0; i < 10; i++) {
		fire(other, entry);
		CHECK_EQ(take(other, &event, 1, SOON_MS), 1);
		take(self->fd, &event, 1, 0);
	}
	CHECK_EQ(remove_entry(other, entry), 0);
}

CASE_ON(queue, a_loop_of_three_does_not_hang)
{
	int second = kevent_init(NULL, 0, 0), third = kevent_init(NULL, 0, 0);
	struct ukevent entry = add(third, KEVENT_USER, 1, 1, 0);
	struct ukevent event;

	ktest_note("round: %s, %s, %s", strerror(watch_queue(self->fd, second)),
		   strerror(watch_queue(second, third)), strerror(watch_queue(third, self->fd)));
	fire(third, entry);
	/* Others of the loop may report themselves before it. */
	for (int i = 0; i < 100; i++) {
		CHECK_EQ(take(third, &event, 1, SOON_MS), 1);
		if (event.type == KEVENT_USER)
			return;
	}
	CHECK_EQ(event.type, KEVENT_USER);
}

CASE_ON(queue, a_loop_through_epoll_does_not_hang)
{
	int epfd = epoll_create1(0);
	struct epoll_event event;
	struct ukevent entry;

	CHECK_EQ(watch_by_epoll(epfd, self->fd), 0);
	ktest_note("the way back: %s", strerror(watch_queue(self->fd, epfd)));
	entry = add(self->fd, KEVENT_USER, 1, 1, 0);
	for (int i = 0; i < 10; i++) {
		fire(self->fd, entry);
		epoll_wait(epfd, &event, 1, 0);
		readable(self->fd, 0);
	}
	while (take(self->fd, &entry, 1, 0) && entry.type != KEVENT_USER)
		;
	CHECK_EQ(entry.type, KEVENT_USER);
}

CASE_ON(queue, a_long_chain_of_epolls_and_queues_does_not_overflow_the_stack)
{
	enum { LINKS = 40 };
	int link[LINKS];
	struct ukevent entry = add(self->fd, KEVENT_USER, 1, 1, 0);

	for (int i = 0; i < LINKS; i++) {
		int below = i ? link[i - 1] : self->fd;

		/* Any link may be refused; none may hang or crash. */
		link[i] = i % 2 ? kevent_init(NULL, 0, 0) : epoll_create1(0);
		if (i % 2)
			watch_queue(link[i], below);
		else
			watch_by_epoll(link[i], below);
	}
	fire(self->fd, entry);
	for (int i = 0; i < LINKS; i++)
		readable(link[i], 0);
	CHECK_SAME(take_one(self->fd), entry);
}

CASE_ON(queue, epoll_watches_a_queue_level_and_edge)
{
	int epfd = epoll_create1(0), edge = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	struct ukevent entry = add(self->fd, KEVENT_USER, 1, 1, 0);

	CHECK_EQ(watch_by_epoll(epfd, self->fd), 0);
	CHECK_EQ(epoll_ctl(edge, EPOLL_CTL_ADD, self->fd, &event), 0);
	CHECK_EQ(epoll_wait(epfd, &event, 1, 0), 0);
	fire(self->fd, entry);
	CHECK_EQ(epoll_wait(epfd, &event, 1, SOON_MS), 1);
	CHECK_EQ(event.events, EPOLLIN);
	CHECK_EQ(epoll_wait(epfd, &event, 1, SOON_MS), 1);
	CHECK_EQ(epoll_wait(edge, &event, 1, SOON_MS), 1);
	CHECK_EQ(epoll_wait(edge, &event, 1, 0), 0);
	CHECK_SAME(take_one(self->fd), entry);
	CHECK_EQ(epoll_wait(epfd, &event, 1, 0), 0);
	fire(self->fd, entry);
	CHECK_EQ(epoll_wait(edge, &event, 1, SOON_MS), 1);
}

CASE_ON(queue, a_queue_watches_an_epoll_descriptor)
{
	int epfd = epoll_create1(0), pair[2], refusal;

	unix_pair(SOCK_STREAM, pair);
	CHECK_EQ(watch_by_epoll(epfd, pair[0]), 0);
	refusal = watch_queue(self->fd, epfd);
	ktest_note("epoll in a queue: %s", refusal ? strerror(refusal) : "accepted");
	put_byte(pair[1]);
	if (refusal) {
		CHECK_EQ(refusal, ELOOP);
	} else {
		CHECK_EQ(take_one(self->fd).id.raw[0], epfd);
		CHECK_EQ(drain(pair[0]), 1);
	}
	take_none(self->fd);
}

CASE_ON(queue, select_sees_a_queue)
{
	struct timeval none = { 0, 0 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(self->fd, &set);
	CHECK_EQ(select(self->fd + 1, &set, NULL, NULL, &none), 0);
	fire(self->fd, add(self->fd, KEVENT_USER, 1, 1, 0));
	FD_SET(self->fd, &set);
	CHECK_EQ(select(self->fd + 1, &set, NULL, NULL, &none), 1);
}

/* Two threads close and make the same loop while events fire along it. */
struct loop {
	int queue[2];
	bool stop;
};

static void *make_loops(void *argument)
{
	struct loop *self = argument;

	while (!__atomic_load_n(&self->stop, __ATOMIC_RELAXED)) {
		struct ukevent entry = request(KEVENT_POLL, (unsigned int)self->queue[1],
					       KEVENT_POLL_POLLIN, KEVENT_REQ_ALWAYS_QUEUE);
		struct ukevent copy = entry;

		kevent_ctl(self->queue[0], KEVENT_CTL_ADD, 1, &entry);
		kevent_ctl(self->queue[0], KEVENT_CTL_REMOVE, 1, &copy);
	}
	return NULL;
}

CASE(opposite_registrations_at_once_do_not_deadlock)
{
	struct loop forward = { { kevent_init(NULL, 0, 0), kevent_init(NULL, 0, 0) }, false };
	struct loop backward = { { forward.queue[1], forward.queue[0] }, false };
	struct ukevent entry = add(forward.queue[0], KEVENT_USER, 1, 1, 0), event;
	pthread_t thread[2];

	CHECK_EQ(pthread_create(&thread[0], NULL, make_loops, &forward), 0);
	CHECK_EQ(pthread_create(&thread[1], NULL, make_loops, &backward), 0);
	for (int i = 0; i < 500; i++) {
		fire(forward.queue[0], entry);
		while (take(forward.queue[0], &event, 1, 0))
			if (event.type == KEVENT_USER)
				break;
	}
	__atomic_store_n(&forward.stop, true, __ATOMIC_RELAXED);
	__atomic_store_n(&backward.stop, true, __ATOMIC_RELAXED);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(pthread_join(thread[i], NULL), 0);
}
