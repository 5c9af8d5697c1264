// SPDX-License-Identifier: MIT
/* get_events: how many, how long, and what ends the wait; the kick; the descriptor's own readiness. */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "queue.h"
#include "sleeper.h"

static struct timespec in_ms(clockid_t clock, long milliseconds)
{
	struct timespec now, wait = after_ms(milliseconds);

	CHECK_EQ(clock_gettime(clock, &now), 0);
	now.tv_sec += wait.tv_sec;
	now.tv_nsec += wait.tv_nsec;
	if (now.tv_nsec >= 1000000000) {
		now.tv_sec++;
		now.tv_nsec -= 1000000000;
	}
	return now;
}

static void kick(int fd)
{
	CHECK_EQ(kevent_ctl(fd, KEVENT_CTL_READY, 0, NULL), 0);
}

CASE_ON(queue, a_zero_timeout_does_not_block)
{
	take_none(self->fd);
}

CASE_ON(queue, a_timeout_passes_in_full)
{
	int64_t begin = now_ms();
	struct ukevent event;

	CHECK_EQ(kevent_get_events(self->fd, 1, 1, after_ms(50), &event, 0), 0);
	CHECK_GE(now_ms() - begin, 50);
}

CASE_ON(queue, a_bad_timespec_is_refused)
{
	struct timespec bad[] = { { 0, -1 }, { 0, 1000000000 }, { -1, 0 } };
	struct ukevent event;

	for (int i = 0; i < 3; i++) {
		CHECK_ERRNO(kevent_get_events(self->fd, 1, 1, bad[i], &event, 0), EINVAL);
		CHECK_ERRNO(kevent_get_events(self->fd, 1, 1, bad[i], &event, KEVENT_FLAGS_ABSTIME),
			    EINVAL);
	}
}

CASE_ON(queue, unknown_wait_flags_are_refused)
{
	struct ukevent event;

	CHECK_ERRNO(kevent_get_events(self->fd, 0, 1, after_ms(0), &event, 0x80000000), EINVAL);
}

CASE_ON(queue, the_largest_timeout_does_not_overflow)
{
	struct timespec forever = { .tv_sec = LONG_MAX, .tv_nsec = 999999999 };
	struct sleeper sleeper = { .min = 1, .timeout = &forever };

	sleeper_start(&sleeper, self->fd);
	fire(self->fd, add(self->fd, KEVENT_USER, 1, 1, 0));
	CHECK_EQ(sleeper_finish(&sleeper), 1);
}

CASE_ON(queue, no_timeout_is_forever)
{
	struct sleeper sleeper = { .min = 1 };

	sleeper_start(&sleeper, self->fd);
	fire(self->fd, add(self->fd, KEVENT_USER, 1, 1, 0));
	CHECK_EQ(sleeper_finish(&sleeper), 1);
}

CASE_ON(queue, a_wait_ends_only_when_the_minimum_is_there)
{
	struct sleeper sleeper = { .min = 3 };
	struct ukevent entry[3];

	for (unsigned int i = 0; i < 3; i++)
		entry[i] = add(self->fd, KEVENT_USER, i, 1, 0);
	fire(self->fd, entry[0]);
	sleeper_start(&sleeper, self->fd);
	fire(self->fd, entry[1]);
	fire(self->fd, entry[2]);
	CHECK_EQ(sleeper_finish(&sleeper), 3);
	for (int i = 0; i < 3; i++)
		CHECK_SAME(sleeper.events[i], entry[i]);
}

CASE_ON(queue, fewer_than_the_minimum_are_returned_at_the_timeout)
{
	struct ukevent entry = add(self->fd, KEVENT_USER, 1, 1, 0), events[4];

	fire(self->fd, entry);
	CHECK_EQ(kevent_get_events(self->fd, 3, 4, after_ms(20), events, 0), 1);
	CHECK_SAME(events[0], entry);
}

CASE_ON(queue, a_minimum_above_the_maximum_counts_as_the_maximum)
{
	struct ukevent event;

	fire(self->fd, add(self->fd, KEVENT_USER, 1, 1, 0));
	CHECK_EQ(kevent_get_events(self->fd, 100, 1, after_ms(SOON_MS), &event, 0), 1);
}

CASE_ON(queue, no_more_than_the_maximum_are_returned_and_in_order)
{
	struct ukevent entry[5], events[5];

	for (unsigned int i = 0; i < 5; i++)
		fire(self->fd, entry[i] = add(self->fd, KEVENT_USER, i, 1, 0));
	CHECK_EQ(take(self->fd, events, 2, SOON_MS), 2);
	CHECK_EQ(take(self->fd, events + 2, 3, SOON_MS), 3);
	for (int i = 0; i < 5; i++)
		CHECK_SAME(events[i], entry[i]);
}

CASE_ON(queue, an_absolute_time_in_the_past_does_not_block)
{
	struct timespec past = in_ms(CLOCK_REALTIME, 0);
	struct ukevent event;

	past.tv_sec -= 10;
	CHECK_EQ(kevent_get_events(self->fd, 1, 1, past, &event, KEVENT_FLAGS_ABSTIME), 0);
	past.tv_sec = 0;
	CHECK_EQ(kevent_get_events(self->fd, 1, 1, past, &event, KEVENT_FLAGS_ABSTIME), 0);
}

CASE_ON(queue, an_absolute_time_is_waited_for)
{
	struct timespec future = in_ms(CLOCK_REALTIME, 50), now;
	struct ukevent event;

	CHECK_EQ(kevent_get_events(self->fd, 1, 1, future, &event, KEVENT_FLAGS_ABSTIME), 0);
	CHECK_EQ(clock_gettime(CLOCK_REALTIME, &now), 0);
	CHECK(now.tv_sec > future.tv_sec ||
	      (now.tv_sec == future.tv_sec && now.tv_nsec >= future.tv_nsec));
}

CASE_ON(queue, two_absolute_waiters_have_a_timer_each)
{
	struct timespec early = in_ms(CLOCK_REALTIME, 300), late = in_ms(CLOCK_REALTIME, 86400000);
	struct sleeper first = { .min = 1, .timeout = &early, .flags = KEVENT_FLAGS_ABSTIME };
	struct sleeper second = { .min = 1, .timeout = &late, .flags = KEVENT_FLAGS_ABSTIME };

	sleeper_start(&first, self->fd);
	sleeper_start(&second, self->fd);
	/* The second neither cancels the first nor wakes with it. */
	CHECK_EQ(sleeper_finish(&first), 0);
	CHECK_EQ(sleeper_state(second.tid), 'S');
	fire(self->fd, add(self->fd, KEVENT_USER, 1, 1, 0));
	CHECK_EQ(sleeper_finish(&second), 1);
}

CASE_ON(queue, a_nonblocking_queue_never_waits)
{
	struct ukevent event;

	CHECK_EQ(fcntl(self->fd, F_SETFL, O_NONBLOCK), 0);
	CHECK_EQ(kevent_pget_events(self->fd, 1, 1, NULL, &event, 0, NULL), 0);
}

static void ignore(int number)
{
}

static void handle(int number)
{
	struct sigaction action = { .sa_handler = ignore };

	CHECK_EQ(sigaction(number, &action, NULL), 0);
}

CASE_ON(queue, a_signal_interrupts_an_empty_wait)
{
	struct sleeper sleeper = { .min = 1 };

	handle(SIGUSR1);
	sleeper_start(&sleeper, self->fd);
	CHECK_EQ(pthread_kill(sleeper.thread, SIGUSR1), 0);
	CHECK_EQ(sleeper_finish(&sleeper), -1);
	CHECK_EQ(sleeper.error, EINTR);
}

CASE_ON(queue, an_interrupted_wait_returns_what_is_there)
{
	struct sleeper sleeper = { .min = 2 };
	struct ukevent entry = add(self->fd, KEVENT_USER, 1, 1, 0);

	handle(SIGUSR1);
	fire(self->fd, entry);
	sleeper_start(&sleeper, self->fd);
	CHECK_EQ(pthread_kill(sleeper.thread, SIGUSR1), 0);
	CHECK_EQ(sleeper_finish(&sleeper), 1);
	CHECK_SAME(sleeper.events[0], entry);
}

static volatile sig_atomic_t handled;

static void count(int number)
{
	handled++;
}

CASE_ON(queue, a_signal_set_holds_for_the_wait_alone)
{
	struct sigaction action = { .sa_handler = count };
	sigset_t usr1, none, now;
	struct ukevent event;

	sigemptyset(&none);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &usr1, NULL), 0);
	raise(SIGUSR1);
	CHECK_EQ(handled, 0);
	CHECK_ERRNO(kevent_pget_events(self->fd, 1, 1, NULL, &event, 0, &none), EINTR);
	CHECK_EQ(handled, 1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &now), 0);
	CHECK_EQ(sigismember(&now, SIGUSR1), 1);
}

CASE_ON(queue, a_signal_set_can_block_what_was_open)
{
	struct timespec moment = after_ms(20);
	sigset_t usr1, now;
	struct ukevent event;

	handle(SIGUSR1);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	CHECK_EQ(kevent_pget_events(self->fd, 1, 1, &moment, &event, 0, &usr1), 0);
	CHECK_EQ(sigprocmask(SIG_BLOCK, NULL, &now), 0);
	CHECK_EQ(sigismember(&now, SIGUSR1), 0);
}

CASE_ON(queue, an_event_whose_copy_faults_is_not_lost)
{
	struct ukevent entry = add(self->fd, KEVENT_USER, 1, 1, KEVENT_REQ_ONESHOT);

	fire(self->fd, entry);
	CHECK_ERRNO(kevent_get_events(self->fd, 1, 1, after_ms(0), (struct ukevent *)8, 0), EFAULT);
	CHECK_SAME(take_one(self->fd), entry);
}

CASE_ON(queue, a_later_fault_returns_the_count_and_keeps_the_rest)
{
	long page = sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);
	struct ukevent *events = (struct ukevent *)(memory + page) - 2, entry[3];

	CHECK_EQ(munmap(memory + page, page), 0);
	for (unsigned int i = 0; i < 3; i++)
		fire(self->fd, entry[i] = add(self->fd, KEVENT_USER, i, 1, KEVENT_REQ_ONESHOT));
	CHECK_EQ(kevent_get_events(self->fd, 1, 3, after_ms(0), events, 0), 2);
	CHECK_SAME(events[0], entry[0]);
	CHECK_SAME(events[1], entry[1]);
	CHECK_SAME(take_one(self->fd), entry[2]);
}

CASE_ON(queue, a_kick_wakes_a_sleeper_with_no_event)
{
	struct sleeper sleeper = { .min = 1 };

	sleeper_start(&sleeper, self->fd);
	kick(self->fd);
	CHECK_EQ(sleeper_finish(&sleeper), 0);
}

CASE_ON(queue, a_kick_is_seen_by_poll_and_poll_does_not_eat_it)
{
	struct ukevent event;

	CHECK(!readable(self->fd, 0));
	kick(self->fd);
	CHECK(readable(self->fd, SOON_MS));
	CHECK(readable(self->fd, SOON_MS));
	CHECK_EQ(kevent_pget_events(self->fd, 1, 1, NULL, &event, 0, NULL), 0);
	CHECK(!readable(self->fd, 0));
}

CASE_ON(queue, the_descriptor_is_readable_while_events_are_ready)
{
	struct ukevent entry = add(self->fd, KEVENT_USER, 1, 1, 0);

	CHECK(!readable(self->fd, 0));
	fire(self->fd, entry);
	CHECK(readable(self->fd, SOON_MS));
	CHECK_SAME(take_one(self->fd), entry);
	CHECK(!readable(self->fd, 0));
}

CASE_ON(queue, one_event_wakes_one_sleeper)
{
	enum { SLEEPERS = 4 };
	struct sleeper sleeper[SLEEPERS] = { 0 };
	struct ukevent entry[SLEEPERS];
	long before[SLEEPERS];
	int disturbed = 0;

	for (unsigned int i = 0; i < SLEEPERS; i++) {
		entry[i] = add(self->fd, KEVENT_USER, i, 1, 0);
		sleeper[i].min = sleeper[i].max = 1;
		sleeper_start(&sleeper[i], self->fd);
	}
	for (int i = 0; i < SLEEPERS; i++)
		before[i] = sleeper_sleeps(sleeper[i].tid);
	fire(self->fd, entry[0]);
	while (readable(self->fd, 0))
		sched_yield();
	for (int i = 0; i < SLEEPERS; i++)
		disturbed += sleeper_state(sleeper[i].tid) != 'S' ||
			     sleeper_sleeps(sleeper[i].tid) != before[i];
	CHECK_EQ(disturbed, 1);
	for (int i = 1; i < SLEEPERS; i++)
		fire(self->fd, entry[i]);
	for (int i = 0; i < SLEEPERS; i++)
		CHECK_EQ(sleeper_finish(&sleeper[i]), 1);
}
