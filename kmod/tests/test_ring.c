// SPDX-License-Identifier: MIT
/* The ring of 2006 in user memory: the commit rule with its vectors, full rings, faults. */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "queue.h"
#include "sleeper.h"

#define SIZE 4

/* Fixture: a queue with a ring of four slots and eight user events to fill it with. */
struct ring {
	int fd;
	struct kevent_ring *shared;
	struct ukevent entry[8];
	unsigned int next;
	unsigned int kidx;
	unsigned int uidx;
};

static void ring_setup(struct ring *self)
{
	self->shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(self->shared != MAP_FAILED);
	self->fd = kevent_init(self->shared, SIZE, 0);
	CHECK_GE(self->fd, 0);
	for (unsigned int i = 0; i < 8; i++)
		self->entry[i] = add(self->fd, KEVENT_USER, i, 1, 0);
}

static void ring_teardown(struct ring *self)
{
}

static int wait_now(struct ring *self, unsigned int count)
{
	return kevent_wait(self->fd, count, self->uidx, after_ms(0), 0);
}

static unsigned int seen_kidx(struct ring *self)
{
	return __atomic_load_n(&self->shared->ring_kidx, __ATOMIC_ACQUIRE);
}

static unsigned int seen_over(struct ring *self)
{
	return __atomic_load_n(&self->shared->ring_over, __ATOMIC_ACQUIRE);
}

/* Puts events into the ring; there must be room. */
static void produce(struct ring *self, unsigned int count)
{
	while (count--) {
		struct ukevent entry = self->entry[self->next++ % 8];

		fire(self->fd, entry);
		CHECK_EQ(wait_now(self, 1), 1);
		CHECK_SAME(self->shared->event[self->kidx], entry);
		self->kidx = (self->kidx + 1) % SIZE;
		CHECK_EQ(seen_kidx(self), self->kidx);
	}
}

CASE_ON(ring, vector_1_commit_up_to_the_writer)
{
	produce(self, 3);
	CHECK_EQ(kevent_commit(self->fd, 3, 0), 3);
	CHECK_EQ(seen_over(self), 0);
}

CASE_ON(ring, vector_2_a_commit_that_wraps_counts_the_lap)
{
	produce(self, 3);
	CHECK_EQ(kevent_commit(self->fd, 3, 0), 3);
	produce(self, 2);
	CHECK_EQ(seen_kidx(self), 1);
	CHECK_EQ(kevent_commit(self->fd, 1, 0), 2);
	CHECK_EQ(seen_over(self), 1);
}

CASE_ON(ring, vector_3_a_repeated_commit_frees_nothing)
{
	produce(self, 3);
	CHECK_EQ(kevent_commit(self->fd, 3, 0), 3);
	produce(self, 2);
	CHECK_EQ(kevent_commit(self->fd, 1, 0), 2);
	CHECK_EQ(kevent_commit(self->fd, 1, 1), 0);
	CHECK_EQ(seen_over(self), 1);
}

CASE_ON(ring, vector_4_a_commit_beyond_the_writer_is_refused)
{
	produce(self, 2);
	CHECK_ERRNO(kevent_commit(self->fd, 3, 0), EINVAL);
	CHECK_EQ(kevent_commit(self->fd, 2, 0), 2);
}

static void lap(struct ring *self, unsigned int laps)
{
	for (unsigned int i = 0; i < laps * SIZE; i++) {
		unsigned int over = seen_over(self);

		produce(self, 1);
		CHECK_EQ(kevent_commit(self->fd, self->kidx, over), 1);
	}
	CHECK_EQ(seen_over(self), laps);
}

CASE_ON(ring, vector_5_an_old_lap_is_an_overflow)
{
	lap(self, 5);
	produce(self, 2);
	for (unsigned int index = 0; index < SIZE; index++)
		CHECK_ERRNO(kevent_commit(self->fd, index, 3), EOVERFLOW);
	CHECK_ERRNO(kevent_commit(self->fd, 1, 6), EOVERFLOW);
	CHECK_EQ(kevent_commit(self->fd, 2, 5), 2);
}

CASE_ON(ring, vector_6_an_equal_index_leaves_a_full_ring_full)
{
	produce(self, 2);
	CHECK_EQ(kevent_commit(self->fd, 2, 0), 2);
	produce(self, 4);
	CHECK_EQ(seen_kidx(self), 2);
	CHECK_EQ(kevent_commit(self->fd, 2, 0), 0);
	fire(self->fd, self->entry[0]);
	CHECK_EQ(wait_now(self, 1), 0);
	CHECK_EQ(kevent_commit(self->fd, 3, 0), 1);
	CHECK_EQ(wait_now(self, 1), 1);
}

CASE_ON(ring, defect_a_a_slow_repeat_does_not_free_twice)
{
	produce(self, 3);
	CHECK_EQ(kevent_commit(self->fd, 3, 0), 3);
	CHECK_EQ(kevent_commit(self->fd, 2, 0), 0);
	CHECK_EQ(seen_over(self), 0);
	/* The index has not moved back: four slots are free, not seven. */
	produce(self, 4);
	fire(self->fd, self->entry[self->next % 8]);
	CHECK_EQ(wait_now(self, 1), 0);
}

CASE_ON(ring, defect_b_a_wrapped_commit_beyond_the_writer_frees_nothing)
{
	produce(self, 3);
	CHECK_EQ(kevent_commit(self->fd, 3, 0), 3);
	produce(self, 2);
	CHECK_LE(kevent_commit(self->fd, 2, 0), 0);
	CHECK_EQ(seen_over(self), 0);
	CHECK_EQ(kevent_commit(self->fd, 1, 0), 2);
	CHECK_EQ(seen_over(self), 1);
}

CASE_ON(ring, defect_c_the_previous_lap_frees_nothing)
{
	lap(self, 1);
	produce(self, 3);
	/* Slots behind the reader were freed in the lap before; of those ahead nobody can tell. */
	CHECK_EQ(kevent_commit(self->fd, 0, 0), 0);
	CHECK_ERRNO(kevent_commit(self->fd, 3, 0), EOVERFLOW);
	CHECK_EQ(kevent_commit(self->fd, 3, 1), 3);
	CHECK_EQ(kevent_commit(self->fd, 1, 0), 0);
	CHECK_EQ(seen_over(self), 1);
}

CASE_ON(ring, commit_refuses_an_index_outside_the_ring)
{
	CHECK_ERRNO(kevent_commit(self->fd, SIZE, 0), EINVAL);
	CHECK_ERRNO(kevent_commit(self->fd, 0xffffffff, 0), EINVAL);
}

CASE_ON(queue, commit_without_a_ring_frees_nothing)
{
	CHECK_EQ(kevent_commit(self->fd, 0, 0), 0);
}

CASE_ON(queue, wait_without_a_ring_is_refused)
{
	CHECK_ERRNO(kevent_wait(self->fd, 1, 0, after_ms(0), 0), EINVAL);
}

CASE_ON(ring, wait_refuses_more_than_the_ring_holds)
{
	CHECK_ERRNO(kevent_wait(self->fd, SIZE + 1, 0, after_ms(0), 0), EINVAL);
	CHECK_EQ(kevent_wait(self->fd, SIZE, 0, after_ms(0), 0), 0);
}

CASE_ON(ring, wait_refuses_a_bad_timespec_and_unknown_flags)
{
	struct timespec bad = { 0, 1000000000 };

	CHECK_ERRNO(kevent_wait(self->fd, 1, 0, bad, 0), EINVAL);
	CHECK_ERRNO(kevent_wait(self->fd, 1, 0, after_ms(0), 0x80000000), EINVAL);
}

CASE_ON(ring, wait_for_none_moves_none)
{
	fire(self->fd, self->entry[0]);
	CHECK_EQ(kevent_wait(self->fd, 0, 0, after_ms(SOON_MS), 0), 0);
	CHECK_EQ(seen_kidx(self), 0);
	CHECK_EQ(wait_now(self, 1), 1);
}

CASE_ON(ring, a_stale_index_returns_at_once)
{
	int64_t begin = now_ms();

	produce(self, 2);
	CHECK_EQ(kevent_commit(self->fd, 1, 0), 1);
	CHECK_EQ(kevent_wait(self->fd, 1, 0, after_ms(10 * SOON_MS), 0), 0);
	CHECK_LT(now_ms() - begin, 10 * SOON_MS);
}

CASE_ON(ring, a_wait_moves_in_ready_order_and_no_more_than_asked)
{
	for (int i = 0; i < 3; i++)
		fire(self->fd, self->entry[i]);
	CHECK_EQ(wait_now(self, 2), 2);
	CHECK_EQ(seen_kidx(self), 2);
	CHECK_SAME(self->shared->event[0], self->entry[0]);
	CHECK_SAME(self->shared->event[1], self->entry[1]);
	self->kidx = 2;
	CHECK_EQ(wait_now(self, 4), 1);
	CHECK_SAME(self->shared->event[2], self->entry[2]);
}

CASE_ON(ring, a_full_ring_keeps_the_rest_ready)
{
	for (int i = 0; i < 6; i++)
		fire(self->fd, self->entry[i]);
	CHECK_EQ(wait_now(self, 4), 4);
	CHECK_EQ(seen_kidx(self), 0);
	CHECK_EQ(wait_now(self, 4), 0);
	CHECK_EQ(kevent_commit(self->fd, 3, 0), 3);
	CHECK_EQ(wait_now(self, 4), 2);
	CHECK_SAME(self->shared->event[0], self->entry[4]);
	CHECK_SAME(self->shared->event[1], self->entry[5]);
}

CASE_ON(ring, get_events_on_a_full_ring_delivers_with_copy_failed)
{
	struct ukevent event;

	for (int i = 0; i < 5; i++)
		fire(self->fd, self->entry[i]);
	CHECK_EQ(wait_now(self, 4), 4);
	CHECK_EQ(fcntl(self->fd, F_SETFL, O_NONBLOCK), 0);
	CHECK_EQ(kevent_get_events(self->fd, 1, 1, after_ms(0), &event, 0), 1);
	CHECK_SAME(event, self->entry[4]);
	CHECK(event.ret_flags & KEVENT_RET_COPY_FAILED);
}

CASE_ON(ring, get_events_fills_the_ring_too)
{
	struct ukevent events[2];

	fire(self->fd, self->entry[0]);
	fire(self->fd, self->entry[1]);
	CHECK_EQ(kevent_get_events(self->fd, 1, 2, after_ms(SOON_MS), events, 0), 2);
	CHECK_EQ(seen_kidx(self), 2);
	CHECK_SAME(self->shared->event[0], self->entry[0]);
	CHECK_SAME(events[1], self->entry[1]);
	CHECK_EQ(events[0].ret_flags, KEVENT_RET_DONE);
}

static void *commit_all(void *argument)
{
	struct ring *self = argument;

	sleeper_asleep(getpid());
	CHECK_EQ(kevent_commit(self->fd, 2, 0), 2);
	return NULL;
}

CASE_ON(ring, a_commit_wakes_who_sleeps_on_a_full_ring)
{
	pthread_t thread;

	for (int i = 0; i < 5; i++)
		fire(self->fd, self->entry[i]);
	CHECK_EQ(wait_now(self, 4), 4);
	CHECK_EQ(pthread_create(&thread, NULL, commit_all, self), 0);
	CHECK_EQ(kevent_wait(self->fd, 1, 0, after_ms(SOON_MS), 0), 1);
	CHECK_SAME(self->shared->event[0], self->entry[4]);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

CASE_ON(ring, a_ring_in_an_unmapped_page_loses_nothing)
{
	struct ukevent event;

	fire(self->fd, self->entry[0]);
	CHECK_EQ(munmap(self->shared, 4096), 0);
	CHECK_ERRNO(kevent_wait(self->fd, 1, 0, after_ms(0), 0), EFAULT);
	CHECK_EQ(kevent_get_events(self->fd, 1, 1, after_ms(SOON_MS), &event, 0), 1);
	CHECK_SAME(event, self->entry[0]);
	CHECK(event.ret_flags & KEVENT_RET_COPY_FAILED);
}

CASE_ON(ring, an_event_that_met_a_fault_comes_when_the_page_is_back)
{
	fire(self->fd, self->entry[0]);
	CHECK_EQ(mprotect(self->shared, 4096, PROT_NONE), 0);
	CHECK_ERRNO(kevent_wait(self->fd, 1, 0, after_ms(0), 0), EFAULT);
	CHECK_EQ(mprotect(self->shared, 4096, PROT_READ | PROT_WRITE), 0);
	CHECK_EQ(wait_now(self, 1), 1);
	CHECK_SAME(self->shared->event[0], self->entry[0]);
}

CASE_ON(ring, what_the_program_writes_into_the_ring_is_not_believed)
{
	produce(self, 2);
	self->shared->ring_kidx = 77;
	self->shared->ring_over = 99;
	fire(self->fd, self->entry[5]);
	CHECK_EQ(wait_now(self, 1), 1);
	CHECK_SAME(self->shared->event[2], self->entry[5]);
	CHECK_EQ(seen_kidx(self), 3);
	CHECK_EQ(kevent_commit(self->fd, 3, 0), 3);
}

CASE_ON(ring, after_fork_calls_write_to_the_callers_memory)
{
	void *private = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			     0);
	pid_t child;

	CHECK(private != MAP_FAILED);
	close(self->fd);
	self->shared = private;
	self->fd = kevent_init(self->shared, SIZE, 0);
	for (int i = 0; i < 2; i++) {
		self->entry[i] = add(self->fd, KEVENT_USER, (unsigned int)i, 1, 0);
		fire(self->fd, self->entry[i]);
	}
	child = fork();
	if (child == 0) {
		CHECK_EQ(wait_now(self, 1), 1);
		CHECK_SAME(self->shared->event[0], self->entry[0]);
		_exit(0);
	}
	JOIN(child);
	CHECK_EQ(self->shared->event[0].user[0], 0);
	CHECK_EQ(kevent_wait(self->fd, 1, 1, after_ms(0), 0), 1);
	CHECK_SAME(self->shared->event[1], self->entry[1]);
}
