// SPDX-License-Identifier: MIT
/* SIGNAL: real-time signals, which do not coalesce. */
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "signals.h"

CASE_ON(queue, real_time_signals_come_one_by_one_in_order)
{
	struct ukevent entry = mute_signal(self->fd, SIGRTMIN);

	for (int i = 0; i < 20; i++)
		send_value(SIGRTMIN, 100 + i);
	for (int i = 0; i < 20; i++)
		told(self->fd, entry, SI_QUEUE, 100 + i);
	take_none(self->fd);
	send_value(SIGRTMIN, 7);
	told(self->fd, entry, SI_QUEUE, 7);
	take_none(self->fd);
}

CASE_ON(queue, a_killed_real_time_signal_has_no_payload)
{
	struct ukevent entry = mute_signal(self->fd, SIGRTMIN);

	kill(getpid(), SIGRTMIN);
	told(self->fd, entry, SI_USER, 0);
}

CASE_ON(queue, real_time_signals_beyond_the_limit_are_merged_and_marked)
{
	struct rlimit limit = { .rlim_cur = 4, .rlim_max = 4 };
	struct ukevent entry = mute_signal(self->fd, SIGRTMIN), event;

	CHECK_EQ(setrlimit(RLIMIT_SIGPENDING, &limit), 0);
	for (int i = 0; i < 9; i++)
		send_value(SIGRTMIN, i);
	for (int i = 0; i < 3; i++)
		told(self->fd, entry, SI_QUEUE, i);
	CHECK_EQ(take(self->fd, &event, 1, SOON_MS), 1);
	CHECK_EQ(event.ret_flags, KEVENT_RET_DONE | KEVENT_RET_COPY_FAILED);
	CHECK_EQ(event.ret_data[1], 3);
	take_none(self->fd);
	send_value(SIGRTMIN, 50);
	told(self->fd, entry, SI_QUEUE, 50);
}

CASE_ON(queue, modify_keeps_signals_that_wait)
{
	struct ukevent entry = mute_signal(self->fd, SIGRTMIN);

	send_value(SIGRTMIN, 1);
	send_value(SIGRTMIN, 2);
	CHECK_EQ(modify(self->fd, entry, KEVENT_SIGNAL_DELIVERY, KEVENT_REQ_ET), KEVENT_RET_DONE);
	told(self->fd, entry, SI_QUEUE, 1);
	told(self->fd, entry, SI_QUEUE, 2);
	take_none(self->fd);
	CHECK(modify(self->fd, entry, 2, 0) & KEVENT_RET_BROKEN);
}

CASE_ON(queue, removing_drops_signals_that_wait)
{
	struct ukevent entry = mute_signal(self->fd, SIGRTMIN);

	send_value(SIGRTMIN, 1);
	send_value(SIGRTMIN, 2);
	CHECK_EQ(remove_entry(self->fd, entry), 0);
	take_none(self->fd);
	entry = mute_signal(self->fd, SIGRTMIN);
	take_none(self->fd);
	send_value(SIGRTMIN, 3);
	told(self->fd, entry, SI_QUEUE, 3);
}

#define SENDERS 4
#define EACH 50

static void *send_many(void *argument)
{
	int first = (int)(intptr_t)argument;

	for (int i = 0; i < EACH; i++)
		send_value(SIGRTMIN + 1, first + i);
	return NULL;
}

CASE_ON(queue, every_real_time_signal_of_many_senders_is_delivered_once)
{
	pthread_t threads[SENDERS];
	unsigned char seen[SENDERS * EACH] = { 0 };
	unsigned int left = SENDERS * EACH;

	mute_signal(self->fd, SIGRTMIN + 1);
	for (int i = 0; i < SENDERS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, send_many, (void *)(intptr_t)(i * EACH)),
			 0);
	while (left) {
		struct ukevent events[8];
		unsigned int got = take(self->fd, events, 8, SOON_MS);

		CHECK_NE(got, 0);
		for (unsigned int i = 0; i < got; i++) {
			CHECK_EQ((int)events[i].ret_data[0], SI_QUEUE);
			CHECK_LT(events[i].ret_data[1], SENDERS * EACH);
			CHECK_EQ(seen[events[i].ret_data[1]]++, 0);
		}
		CHECK_LE(got, left);
		left -= got;
	}
	for (int i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	take_none(self->fd);
}

CASE(a_mapped_ring_gets_every_real_time_signal_without_a_call)
{
	struct kevent_mapped mapped;
	struct ukevent events[8];

	CHECK_GE(kevent_mapped_open(&mapped, 4, 0), 0);
	mute_signal(mapped.fd, SIGRTMIN);
	for (int i = 0; i < 6; i++)
		send_value(SIGRTMIN, i);
	CHECK_EQ(kevent_mapped_take(&mapped, events, 8), 4);
	for (unsigned int i = 0; i < 4; i++)
		CHECK_EQ(events[i].ret_data[1], i);
	/* What did not fit comes with the next calls. */
	for (unsigned int i = 4; i < 6; i++) {
		CHECK(kevent_mapped_flags(&mapped) & KEVENT_MRING_OVERFLOW);
		CHECK_EQ(kevent_commit(mapped.fd, 0, 0), 1);
		CHECK_EQ(kevent_mapped_take(&mapped, events, 8), 1);
		CHECK_EQ(events[0].ret_data[1], i);
	}
	CHECK_EQ(kevent_mapped_flags(&mapped), 0);
	kevent_mapped_close(&mapped);
}
