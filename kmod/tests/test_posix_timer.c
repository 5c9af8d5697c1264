// SPDX-License-Identifier: MIT
/* POSIX_TIMER: expiries of the timers of this process. */
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "queue.h"

#define NUMBER (SIGRTMIN + 5)

/* A timer made by the system call: its number is the kernel's. */
static int make_timer(int notify, int number, int value)
{
	struct sigevent event = { .sigev_notify = notify, .sigev_signo = number };
	int id;

	event.sigev_value.sival_int = value;
	CHECK_EQ(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id), 0);
	return id;
}

static void set(int id, long first_ms, long period_ms)
{
	struct itimerspec spec = { .it_value = after_ms(first_ms),
				   .it_interval = after_ms(period_ms) };

	CHECK_EQ(syscall(SYS_timer_settime, id, 0, &spec, NULL), 0);
}

static struct ukevent entry_for(int id, int number)
{
	struct ukevent entry =
		request(KEVENT_POSIX_TIMER, (unsigned int)id, KEVENT_POSIX_TIMER_FIRED, 0);

	entry.id.raw[1] = (unsigned int)number;
	return entry;
}

static struct ukevent watch(int queue, int id)
{
	struct ukevent entry = entry_for(id, NUMBER);

	signal(NUMBER, SIG_IGN);
	CHECK_EQ(add_refusal(queue, entry), 0);
	return entry;
}

CASE_ON(queue, an_expiry_is_an_event_with_the_timers_value)
{
	int id = make_timer(SIGEV_SIGNAL, NUMBER, 42);
	struct ukevent entry = watch(self->fd, id), event;

	take_none(self->fd);
	set(id, 1, 0);
	event = take_one(self->fd);
	CHECK_SAME(event, entry);
	CHECK_EQ(event.ret_flags, KEVENT_RET_DONE);
	CHECK_EQ(event.ret_data[0], 0);
	CHECK_EQ(event.ret_data[1], 42);
	take_none(self->fd);
}

CASE_ON(queue, expiries_and_overruns_add_up)
{
	int id = make_timer(SIGEV_SIGNAL, NUMBER, 1);
	unsigned int seen = 0;

	watch(self->fd, id);
	set(id, 10, 10);
	while (seen < 20)
		seen += 1 + take_one(self->fd).ret_data[0];
	set(id, 0, 0);
}

CASE_ON(queue, expiries_nobody_takes_are_counted_as_overruns)
{
	int id = make_timer(SIGEV_SIGNAL, NUMBER, 1), other = kevent_init(NULL, 0, 0);
	unsigned int expiries = 0;
	struct ukevent late;

	CHECK_GE(other, 0);
	watch(self->fd, id);
	watch(other, id);
	set(id, 8, 8);
	/* Another queue takes them as they come, and so tells how many there are. */
	while (expiries < 5)
		expiries += 1 + take_one(other).ret_data[0];
	set(id, 0, 0);
	while (take(other, &late, 1, 0) == 1)
		expiries += 1 + late.ret_data[0];
	CHECK_EQ(1 + take_one(self->fd).ret_data[0], expiries);
	take_none(self->fd);
	close(other);
}

CASE_ON(queue, two_timers_of_one_signal_are_told_apart)
{
	int one = make_timer(SIGEV_SIGNAL, NUMBER, 1), two = make_timer(SIGEV_SIGNAL, NUMBER, 2);
	struct ukevent first = watch(self->fd, one), second = watch(self->fd, two), event;

	set(two, 1, 0);
	event = take_one(self->fd);
	CHECK_SAME(event, second);
	CHECK_EQ(event.ret_data[1], 2);
	set(one, 1, 0);
	event = take_one(self->fd);
	CHECK_SAME(event, first);
	CHECK_EQ(event.ret_data[1], 1);
	/* Neither is a plain signal of that number. */
	CHECK_EQ(sigqueue(getpid(), NUMBER, (union sigval){ .sival_int = 3 }), 0);
	take_none(self->fd);
}

static volatile sig_atomic_t handled;

static void handle(int number)
{
	handled++;
}

CASE_ON(queue, a_handler_runs_beside_the_event)
{
	int id = make_timer(SIGEV_SIGNAL, NUMBER, 1);
	struct ukevent entry = watch(self->fd, id);

	signal(NUMBER, handle);
	set(id, 1, 0);
	CHECK_SAME(take_one(self->fd), entry);
	CHECK_EQ(handled, 1);
}

CASE_ON(queue, a_timer_that_is_stopped_or_deleted_is_silent)
{
	int id = make_timer(SIGEV_SIGNAL, NUMBER, 1);
	struct ukevent entry = watch(self->fd, id);

	set(id, 1, 0);
	take_one(self->fd);
	set(id, 100000, 0);
	take_none(self->fd);
	CHECK_EQ(syscall(SYS_timer_delete, id), 0);
	take_none(self->fd);
	CHECK_EQ(remove_entry(self->fd, entry), 0);
}

CASE_ON(queue, a_raw_thread_timer_works_as_a_signal_timer)
{
	int id = make_timer(SIGEV_THREAD, NUMBER, 9);
	struct ukevent entry = watch(self->fd, id), event;

	set(id, 1, 0);
	event = take_one(self->fd);
	CHECK_SAME(event, entry);
	CHECK_EQ(event.ret_data[1], 9);
}

CASE_ON(queue, modify_keeps_expiries_that_wait)
{
	int id = make_timer(SIGEV_SIGNAL, NUMBER, 4);
	struct ukevent entry = watch(self->fd, id);

	set(id, 1, 0);
	CHECK(readable(self->fd, SOON_MS));
	CHECK_EQ(modify(self->fd, entry, KEVENT_MASK_ALL, KEVENT_REQ_ET), KEVENT_RET_DONE);
	CHECK_EQ(take_one(self->fd).ret_data[1], 4);
	take_none(self->fd);
	CHECK(modify(self->fd, entry, 2, 0) & KEVENT_RET_BROKEN);
}

CASE_ON(queue, only_the_processs_own_timers_can_be_watched)
{
	int id = make_timer(SIGEV_SIGNAL, NUMBER, 1);
	pid_t child = fork();

	if (child == 0) {
		CHECK_EQ(add_refusal(self->fd, entry_for(id, NUMBER)), EINVAL);
		_exit(0);
	}
	JOIN(child);
	CHECK_EQ(add_refusal(self->fd, entry_for(id, NUMBER)), 0);
}

CASE_ON(queue, the_end_of_a_process_breaks_its_timers)
{
	pid_t child = fork();
	struct ukevent event;

	if (child == 0) {
		watch(self->fd, make_timer(SIGEV_SIGNAL, NUMBER, 1));
		_exit(0);
	}
	JOIN(child);
	event = take_one(self->fd);
	CHECK_EQ(event.type, KEVENT_POSIX_TIMER);
	CHECK_EQ(event.ret_flags, KEVENT_RET_DONE | KEVENT_RET_BROKEN);
}

CASE_ON(queue, what_cannot_be_watched_is_refused)
{
	int id = make_timer(SIGEV_SIGNAL, NUMBER, 1), mute = make_timer(SIGEV_NONE, 0, 1);
	struct ukevent entry = entry_for(id, NUMBER);

	CHECK_EQ(add_refusal(self->fd, entry_for(id + 1000, NUMBER)), EINVAL);
	CHECK_EQ(add_refusal(self->fd, entry_for(-1, NUMBER)), EINVAL);
	CHECK_EQ(add_refusal(self->fd, entry_for(id, NUMBER + 1)), EINVAL);
	CHECK_EQ(add_refusal(self->fd, entry_for(id, 0)), EINVAL);
	CHECK_EQ(add_refusal(self->fd, entry_for(id, 65)), EINVAL);
	CHECK_EQ(add_refusal(self->fd, entry_for(mute, NUMBER)), EINVAL);
	entry.event = 0;
	CHECK_EQ(add_refusal(self->fd, entry), EINVAL);
	entry.event = 2;
	CHECK_EQ(add_refusal(self->fd, entry), EINVAL);
	entry.event = KEVENT_MASK_ALL;
	CHECK_EQ(add_refusal(self->fd, entry), 0);
	CHECK_EQ(add_refusal(self->fd, entry_for(id, NUMBER)), EEXIST);
}

CASE_ON(queue, the_library_makes_sets_and_deletes_a_timer)
{
	struct itimerspec soon = { .it_value.tv_nsec = 1000000 };
	struct kevent_posix_timer timer;
	struct ukevent event;

	CHECK_EQ(kevent_posix_timer_create(&timer, self->fd, CLOCK_MONOTONIC,
					   (union sigval){ .sival_int = 77 }, 0, 5),
		 0);
	CHECK_EQ(kevent_posix_timer_settime(&timer, 0, &soon, NULL), 0);
	event = take_one(self->fd);
	CHECK_EQ(event.ret_data[1], 77);
	CHECK_EQ(event.user_u64, 5);
	CHECK_EQ(kevent_posix_timer_delete(&timer), 0);
}
