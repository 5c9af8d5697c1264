// SPDX-License-Identifier: MIT
/* TIMER: periods, names, clocks, points in time, overruns. */
#include <sys/timerfd.h>

#include "queue.h"

#define MS 1000000

static struct ukevent timer(unsigned int seconds, unsigned int nanoseconds, unsigned int event,
			    unsigned int flags)
{
	struct ukevent entry = request(KEVENT_TIMER, seconds, event, flags);

	entry.id.raw[1] = nanoseconds;
	return entry;
}

static struct ukevent start(int queue, unsigned int nanoseconds, unsigned int flags)
{
	struct ukevent entry = timer(0, nanoseconds, KEVENT_TIMER_FIRED, flags);

	CHECK_EQ(add_refusal(queue, entry), 0);
	return entry;
}

CASE_ON(queue, a_timer_fires_again_and_again)
{
	int64_t begin = now_ms();
	struct ukevent entry = start(self->fd, 20 * MS, 0);
	unsigned int expiries = 0;

	while (expiries < 5) {
		struct ukevent event = take_one(self->fd);

		CHECK_SAME(event, entry);
		CHECK_EQ(event.ret_flags, KEVENT_RET_DONE);
		expiries += 1 + event.ret_data[1];
	}
	CHECK_GE(now_ms() - begin, (int64_t)expiries * 20 - 1);
	CHECK_EQ(remove_entry(self->fd, entry), 0);
	/* What comes next is a timer that ends after the removed one would have expired again. */
	entry = start(self->fd, 50 * MS, KEVENT_REQ_ONESHOT);
	CHECK_SAME(take_one(self->fd), entry);
}

CASE_ON(queue, a_oneshot_timer_fires_once)
{
	struct ukevent entry = start(self->fd, 1 * MS, KEVENT_REQ_ONESHOT);
	struct ukevent later;

	CHECK_SAME(take_one(self->fd), entry);
	/* A second expiry would come before this one. */
	later = start(self->fd, 10 * MS, KEVENT_REQ_ONESHOT);
	CHECK_SAME(take_one(self->fd), later);
	take_none(self->fd);
	CHECK_EQ(remove_entry(self->fd, entry), -1);
}

CASE_ON(queue, a_timer_is_never_ready_at_add)
{
	struct ukevent entry = start(self->fd, 1, KEVENT_REQ_ONESHOT);

	CHECK_SAME(take_one(self->fd), entry);
}

CASE_ON(queue, a_tiny_period_neither_storms_nor_starves)
{
	struct ukevent entry = start(self->fd, 1, 0), event;
	int64_t begin = now_ms();

	while (now_ms() - begin < 200)
		CHECK_SAME(take_one(self->fd), entry);
	CHECK_EQ(remove_entry(self->fd, entry), 0);
	CHECK_LE(take(self->fd, &event, 1, 0), 0);
}

CASE_ON(queue, equal_periods_are_told_apart_by_the_user_word)
{
	struct ukevent first = start(self->fd, 5 * MS, KEVENT_REQ_ONESHOT);
	struct ukevent second = start(self->fd, 5 * MS, KEVENT_REQ_ONESHOT);
	struct ukevent events[2];

	CHECK_EQ(kevent_get_events(self->fd, 2, 2, after_ms(SOON_MS), events, 0), 2);
	CHECK_SAME(events[0], first);
	CHECK_SAME(events[1], second);
}

CASE_ON(queue, missed_expiries_are_counted)
{
	struct ukevent entry = start(self->fd, 2 * MS, 0);
	struct ukevent later = start(self->fd, 50 * MS, KEVENT_REQ_ONESHOT);
	struct ukevent events[2];

	CHECK_EQ(kevent_get_events(self->fd, 2, 2, after_ms(SOON_MS), events, 0), 2);
	CHECK_SAME(events[0], entry);
	CHECK_SAME(events[1], later);
	CHECK_GE(events[0].ret_data[1], 5);
}

CASE_ON(queue, a_report_carries_the_uptime)
{
	struct timespec up;
	struct ukevent event;

	start(self->fd, 1 * MS, KEVENT_REQ_ONESHOT);
	event = take_one(self->fd);
	CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &up), 0);
	CHECK_LE(event.ret_data[0], up.tv_sec * 1000 + up.tv_nsec / MS + 10);
	CHECK_GE(event.ret_data[0] + 60000, up.tv_sec * 1000);
}

CASE_ON(queue, a_zero_or_overlong_period_is_refused)
{
	CHECK_EQ(add_refusal(self->fd, timer(0, 0, KEVENT_TIMER_FIRED, 0)), EINVAL);
	CHECK_EQ(add_refusal(self->fd, timer(0, 1000000000, KEVENT_TIMER_FIRED, 0)), EINVAL);
	CHECK_EQ(add_refusal(self->fd, timer(1, 0xffffffff, KEVENT_TIMER_FIRED, 0)), EINVAL);
	/* The longest there is: does not fire, does not overflow. */
	CHECK_EQ(add_refusal(self->fd, timer(0xffffffff, 999999999, KEVENT_TIMER_FIRED, 0)), 0);
	take_none(self->fd);
}

CASE_ON(queue, unknown_bits_of_a_timer_are_refused)
{
	CHECK_EQ(add_refusal(self->fd, timer(1, 0, KEVENT_TIMER_FIRED | 0x2, 0)), EINVAL);
	CHECK_EQ(add_refusal(self->fd, timer(1, 0, KEVENT_MASK_ALL, 0)), 0);
	CHECK_EQ(add_refusal(self->fd, timer(1, 0,
					     KEVENT_TIMER_FIRED | KEVENT_TIMER_REALTIME |
						     KEVENT_TIMER_BOOTTIME,
					     0)),
		 EINVAL);
}

CASE_ON(queue, modify_arms_a_timer_anew)
{
	struct ukevent entry = start(self->fd, 999 * MS, 0);
	struct ukevent half = start(self->fd, 100 * MS, KEVENT_REQ_ONESHOT);
	int64_t begin;

	CHECK_SAME(take_one(self->fd), half);
	begin = now_ms();
	CHECK_EQ(modify(self->fd, entry, KEVENT_TIMER_FIRED, 0), KEVENT_RET_DONE);
	CHECK_SAME(take_one(self->fd), entry);
	CHECK_GE(now_ms() - begin, 998);
}

static struct ukevent at(clockid_t clock, unsigned int event, long milliseconds)
{
	struct timespec when;

	CHECK_EQ(clock_gettime(clock, &when), 0);
	when.tv_nsec += milliseconds % 1000 * MS;
	when.tv_sec += milliseconds / 1000 + when.tv_nsec / 1000000000;
	when.tv_nsec %= 1000000000;
	return timer((unsigned int)when.tv_sec, (unsigned int)when.tv_nsec,
		     KEVENT_TIMER_FIRED | KEVENT_TIMER_ABSTIME | event, 0);
}

CASE_ON(queue, a_point_in_time_fires_once_on_every_clock)
{
	static const struct {
		clockid_t clock;
		unsigned int bit;
	} clocks[] = {
		{ CLOCK_MONOTONIC, 0 },
		{ CLOCK_REALTIME, KEVENT_TIMER_REALTIME },
		{ CLOCK_BOOTTIME, KEVENT_TIMER_BOOTTIME },
	};

	for (int i = 0; i < 3; i++) {
		struct ukevent entry = at(clocks[i].clock, clocks[i].bit, 30);
		int64_t begin = now_ms();

		CHECK_EQ(add_refusal(self->fd, entry), 0);
		CHECK_SAME(take_one(self->fd), entry);
		CHECK_GE(now_ms() - begin, 20);
		take_none(self->fd);
	}
}

CASE_ON(queue, a_point_in_the_past_fires_at_once)
{
	struct ukevent entry = timer(1, 0, KEVENT_TIMER_FIRED | KEVENT_TIMER_ABSTIME, 0);

	CHECK_EQ(add_refusal(self->fd, entry), 0);
	CHECK_SAME(take_one(self->fd), entry);
}

CASE_ON(queue, a_first_expiry_may_differ_from_the_period)
{
	struct ukevent entry = timer(3600, 0, KEVENT_TIMER_FIRED | KEVENT_TIMER_START, 0);
	struct ukevent later;

	entry.ret_data[1] = 5 * MS;
	CHECK_EQ(add_refusal(self->fd, entry), 0);
	CHECK_SAME(take_one(self->fd), entry);
	/* A second expiry after as long as the first would come before this one. */
	later = start(self->fd, 10 * MS, KEVENT_REQ_ONESHOT);
	CHECK_SAME(take_one(self->fd), later);
	take_none(self->fd);
}
