// SPDX-License-Identifier: MIT
/* The mapped ring: filled without calls, overflow, hostile indices, fork, maps and unmaps. */
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "queue.h"
#include "sleeper.h"

#define ENTRIES 8

/* Fixture: a mapped queue and twice as many user events as it has slots. */
struct mapped {
	struct kevent_mapped map;
	struct ukevent entry[2 * ENTRIES];
};

static void mapped_setup(struct mapped *self)
{
	CHECK_GE(kevent_mapped_open(&self->map, ENTRIES, 0), 0);
	for (unsigned int i = 0; i < 2 * ENTRIES; i++)
		self->entry[i] = add(self->map.fd, KEVENT_USER, i, 1, KEVENT_REQ_ET);
}

static void mapped_teardown(struct mapped *self)
{
	kevent_mapped_close(&self->map);
}

static unsigned int take_mapped(struct mapped *self, struct ukevent *events, unsigned int max)
{
	return kevent_mapped_take(&self->map, events, max);
}

CASE_ON(mapped, the_header_says_what_was_asked_for)
{
	CHECK_EQ(self->map.ring->entries, ENTRIES);
	CHECK_EQ(self->map.ring->version, KEVENT_VERSION);
	CHECK_EQ(self->map.ring->tail, 0);
	CHECK_EQ(offsetof(struct kevent_mring, event), KEVENT_MRING_EVENTS);
	CHECK_GE(self->map.bytes, KEVENT_MRING_EVENTS + ENTRIES * sizeof(struct ukevent));
}

CASE(a_mapped_ring_has_a_power_of_two_of_entries)
{
	static const unsigned int bad[] = { 1, 3, 7, 2 * KEVENT_MRING_MAX, 0x80000000 };
	struct kevent_mapped map;

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_ERRNO(kevent_mapped_open(&map, bad[i], 0), EINVAL);
	CHECK_GE(kevent_mapped_open(&map, 2, 0), 0);
	kevent_mapped_close(&map);
}

CASE_ON(mapped, events_appear_without_a_call)
{
	struct ukevent events[3];
	int pair[2];
	struct ukevent entry;

	unix_pair(SOCK_STREAM, pair);
	entry = add(self->map.fd, KEVENT_SOCKET, (unsigned int)pair[0], KEVENT_SOCKET_RECV,
		    KEVENT_REQ_ET);
	CHECK_EQ(take_mapped(self, events, 3), 0);
	put_byte(pair[1]);
	CHECK_EQ(kevent_mapped_flags(&self->map), 0);
	CHECK_EQ(take_mapped(self, events, 3), 1);
	CHECK_SAME(events[0], entry);
	CHECK_EQ(events[0].ret_flags, KEVENT_RET_DONE);
	CHECK_EQ(take_mapped(self, events, 3), 0);
	put_byte(pair[1]);
	CHECK_EQ(take_mapped(self, events, 3), 1);
	CHECK_SAME(events[0], entry);
}

CASE_ON(mapped, unread_edges_of_a_descriptor_are_one_record)
{
	struct ukevent events[3];
	int pair[2];

	unix_pair(SOCK_STREAM, pair);
	add(self->map.fd, KEVENT_SOCKET, (unsigned int)pair[0], KEVENT_SOCKET_RECV, KEVENT_REQ_ET);
	for (int i = 0; i < 5; i++)
		put_byte(pair[1]);
	CHECK_EQ(take_mapped(self, events, 3), 1);
	put_byte(pair[1]);
	CHECK_EQ(take_mapped(self, events, 3), 1);
}

CASE_ON(mapped, firings_of_a_user_event_add_up)
{
	struct ukevent events[ENTRIES];
	unsigned int sum = 0, count;

	for (int i = 0; i < 3 * ENTRIES; i++)
		fire(self->map.fd, self->entry[0]);
	do {
		count = take_mapped(self, events, ENTRIES);
		for (unsigned int i = 0; i < count; i++)
			sum += events[i].ret_data[0];
	} while (kevent_commit(self->map.fd, 0, 0) > 0);
	CHECK_EQ(sum, 3 * ENTRIES);
}

CASE_ON(mapped, a_oneshot_event_is_one_record_and_gone)
{
	struct ukevent event, entry = add(self->map.fd, KEVENT_USER, 99, 1, KEVENT_REQ_ONESHOT);

	fire(self->map.fd, entry);
	CHECK_EQ(take_mapped(self, &event, 1), 1);
	CHECK_SAME(event, entry);
	CHECK_EQ(kevent_commit(self->map.fd, 0, 0), 0);
	CHECK_EQ(remove_entry(self->map.fd, entry), -1);
}

CASE_ON(mapped, a_level_event_comes_again_with_the_next_call)
{
	struct ukevent event, entry;
	int pair[2];

	unix_pair(SOCK_STREAM, pair);
	entry = add(self->map.fd, KEVENT_SOCKET, (unsigned int)pair[0], KEVENT_SOCKET_RECV, 0);
	put_byte(pair[1]);
	CHECK_EQ(kevent_wait(self->map.fd, 1, 0, after_ms(SOON_MS), 0), 1);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(take_mapped(self, &event, 1), 1);
		CHECK_SAME(event, entry);
		CHECK_NE(kevent_mapped_flags(&self->map) & KEVENT_MRING_RECHECK, 0);
		CHECK_EQ(kevent_commit(self->map.fd, 0, 0), 1);
	}
	CHECK_EQ(take_mapped(self, &event, 1), 1);
	CHECK_EQ(drain(pair[0]), 1);
	CHECK_EQ(kevent_commit(self->map.fd, 0, 0), 0);
	CHECK_EQ(kevent_wait(self->map.fd, 1, 0, after_ms(0), 0), 0);
	put_byte(pair[1]);
	CHECK_EQ(kevent_wait(self->map.fd, 1, 0, after_ms(SOON_MS), 0), 1);
	CHECK_EQ(take_mapped(self, &event, 1), 1);
	CHECK_SAME(event, entry);
}

CASE_ON(mapped, a_full_ring_drops_nothing_and_says_so)
{
	struct ukevent events[2 * ENTRIES];

	for (int i = 0; i < 2 * ENTRIES; i++)
		fire(self->map.fd, self->entry[i]);
	CHECK_NE(kevent_mapped_flags(&self->map) & KEVENT_MRING_OVERFLOW, 0);
	CHECK_EQ(self->map.ring->overflows, ENTRIES);
	CHECK_EQ(take_mapped(self, events, 2 * ENTRIES), ENTRIES);
	CHECK_EQ(kevent_commit(self->map.fd, 0, 0), ENTRIES);
	CHECK_EQ(kevent_mapped_flags(&self->map) & KEVENT_MRING_OVERFLOW, 0);
	CHECK_EQ(take_mapped(self, events + ENTRIES, ENTRIES), ENTRIES);
	for (int i = 0; i < 2 * ENTRIES; i++)
		CHECK_SAME(events[i], self->entry[i]);
}

CASE_ON(mapped, an_event_after_an_overflow_does_not_overtake)
{
	struct ukevent events[2 * ENTRIES];
	unsigned int taken;

	for (int i = 0; i < ENTRIES + 1; i++)
		fire(self->map.fd, self->entry[i]);
	taken = take_mapped(self, events, ENTRIES);
	CHECK_EQ(taken, ENTRIES);
	fire(self->map.fd, self->entry[ENTRIES + 1]);
	CHECK_EQ(kevent_commit(self->map.fd, 0, 0), 2);
	CHECK_EQ(take_mapped(self, events, 2), 2);
	CHECK_SAME(events[0], self->entry[ENTRIES]);
	CHECK_SAME(events[1], self->entry[ENTRIES + 1]);
}

CASE_ON(mapped, laps_keep_the_order)
{
	struct ukevent events[ENTRIES];

	for (unsigned int round = 0; round < 100; round++) {
		unsigned int count = 1 + round % ENTRIES;

		for (unsigned int i = 0; i < count; i++)
			fire(self->map.fd, self->entry[(round + i) % (2 * ENTRIES)]);
		CHECK_EQ(take_mapped(self, events, ENTRIES), count);
		for (unsigned int i = 0; i < count; i++)
			CHECK_SAME(events[i], self->entry[(round + i) % (2 * ENTRIES)]);
	}
	CHECK_EQ(self->map.ring->overflows, 0);
}

CASE_ON(mapped, hostile_indices_harm_only_their_writer)
{
	static const unsigned int heads[] = { 1, 0x7fffffff, 0x80000000, 0xffffffff, 77, ENTRIES };
	struct ukevent events[2 * ENTRIES];

	for (unsigned int i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		__atomic_store_n(&self->map.ring->head, heads[i], __ATOMIC_RELEASE);
		self->map.ring->tail = heads[i] * 3;
		self->map.ring->flags = 0xffffffff;
		self->map.ring->entries = 0xffffffff;
		self->map.ring->overflows = 0xffffffff;
		for (int j = 0; j < 2 * ENTRIES; j++)
			fire(self->map.fd, self->entry[j]);
		CHECK_GE(kevent_commit(self->map.fd, 0, 0), 0);
		CHECK_GE(kevent_wait(self->map.fd, 1, 0, after_ms(0), 0), 0);
		take_mapped(self, events, 2 * ENTRIES);
	}
	/* Another queue is not disturbed. */
	mapped_setup(self);
	fire(self->map.fd, self->entry[0]);
	CHECK_EQ(take_mapped(self, events, ENTRIES), 1);
	CHECK_SAME(events[0], self->entry[0]);
}

CASE_ON(mapped, wait_returns_the_number_unread)
{
	CHECK_EQ(kevent_wait(self->map.fd, 1, 0, after_ms(0), 0), 0);
	for (int i = 0; i < 3; i++)
		fire(self->map.fd, self->entry[i]);
	CHECK_EQ(kevent_wait(self->map.fd, 3, 0, after_ms(SOON_MS), 0), 3);
	CHECK_EQ(kevent_wait(self->map.fd, 1, 0, after_ms(SOON_MS), 0), 3);
	CHECK_EQ(kevent_wait(self->map.fd, 4, 0, after_ms(20), 0), 3);
}

static void *fire_later(void *argument)
{
	struct mapped *self = argument;

	sleeper_asleep(getpid());
	fire(self->map.fd, self->entry[3]);
	return NULL;
}

CASE_ON(mapped, a_sleeper_wakes_when_a_record_is_written)
{
	struct ukevent event;
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, fire_later, self), 0);
	CHECK_EQ(kevent_mapped_wait(&self->map, &event, 1, NULL, NULL), 1);
	CHECK_SAME(event, self->entry[3]);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

CASE_ON(mapped, poll_sees_unread_records)
{
	struct ukevent event;

	CHECK(!readable(self->map.fd, 0));
	fire(self->map.fd, self->entry[0]);
	CHECK(readable(self->map.fd, SOON_MS));
	CHECK_EQ(take_mapped(self, &event, 1), 1);
	CHECK(!readable(self->map.fd, 0));
}

CASE_ON(mapped, get_events_is_refused)
{
	struct ukevent event;

	CHECK_ERRNO(kevent_get_events(self->map.fd, 1, 1, after_ms(0), &event, 0), EINVAL);
}

CASE_ON(mapped, commit_takes_no_index)
{
	CHECK_ERRNO(kevent_commit(self->map.fd, 1, 0), EINVAL);
	CHECK_ERRNO(kevent_commit(self->map.fd, 0, 1), EINVAL);
}

CASE_ON(mapped, a_child_does_not_inherit_the_mapping)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		self->map.ring->head = 1;
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGSEGV);
	fire(self->map.fd, self->entry[0]);
	CHECK_EQ(kevent_mapped_count(&self->map), 1);
}

CASE_ON(mapped, a_second_mapping_shows_the_same_ring)
{
	struct kevent_mring *again = mmap(NULL, self->map.bytes, PROT_READ, MAP_SHARED,
					  self->map.fd, 0);

	CHECK(again != MAP_FAILED);
	fire(self->map.fd, self->entry[5]);
	CHECK_EQ(again->tail, 1);
	CHECK_SAME(again->event[0], self->entry[5]);
	CHECK_EQ(munmap(again, self->map.bytes), 0);
	CHECK_EQ(self->map.ring->tail, 1);
}

CASE_ON(mapped, mmap_refuses_other_sizes_and_offsets)
{
	long page = sysconf(_SC_PAGESIZE);
	size_t more = (self->map.bytes + (size_t)page - 1) / (size_t)page * (size_t)page +
		      (size_t)page;
	int plain = kevent_init(NULL, 0, 0);

	CHECK(mmap(NULL, more, PROT_READ, MAP_SHARED, self->map.fd, 0) == MAP_FAILED);
	CHECK(mmap(NULL, self->map.bytes, PROT_READ, MAP_SHARED, self->map.fd, page) == MAP_FAILED);
	CHECK(mmap(NULL, self->map.bytes, PROT_READ, MAP_SHARED, plain, 0) == MAP_FAILED);
	CHECK(mmap(NULL, self->map.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, self->map.fd, 0) ==
	      MAP_FAILED);
}

CASE_ON(mapped, the_ring_cannot_be_made_executable)
{
	int all = PROT_READ | PROT_WRITE | PROT_EXEC;
	void *ring = self->map.ring;

	CHECK(mmap(NULL, self->map.bytes, all, MAP_SHARED, self->map.fd, 0) == MAP_FAILED);
	CHECK_EQ(errno, EPERM);
	CHECK_ERRNO(mprotect(ring, self->map.bytes, all), EACCES);
	fire(self->map.fd, self->entry[0]);
	CHECK_EQ(self->map.ring->tail, 1);
}

static void *fire_all_the_time(void *argument)
{
	struct mapped *self = argument;

	for (int i = 0; i < 20000; i++)
		fire(self->map.fd, self->entry[i % ENTRIES]);
	return NULL;
}

CASE_ON(mapped, unmapping_while_events_happen_is_harmless)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, fire_all_the_time, self), 0);
	for (int i = 0; i < 500; i++) {
		void *again = mmap(NULL, self->map.bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
				   self->map.fd, 0);

		CHECK(again != MAP_FAILED);
		CHECK_EQ(munmap(again, self->map.bytes), 0);
	}
	CHECK_EQ(munmap(self->map.ring, self->map.bytes), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	self->map.ring = mmap(NULL, self->map.bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			      self->map.fd, 0);
	CHECK(self->map.ring != MAP_FAILED);
	CHECK_GT(self->map.ring->tail, 0);
}

CASE_ON(mapped, the_ring_outlives_its_descriptor_while_it_is_mapped)
{
	fire(self->map.fd, self->entry[0]);
	CHECK_EQ(close(self->map.fd), 0);
	CHECK_EQ(self->map.ring->tail, 1);
	CHECK_SAME(self->map.ring->event[0], self->entry[0]);
	self->map.fd = dup(0);
}

CASE_ON(mapped, a_removed_event_is_in_the_ring_only_if_it_happened_before)
{
	struct ukevent events[2];

	fire(self->map.fd, self->entry[0]);
	CHECK_EQ(remove_entry(self->map.fd, self->entry[0]), 0);
	CHECK_LE(take_mapped(self, events, 2), 1);
	CHECK_EQ(add_refusal(self->map.fd, self->entry[0]), 0);
	fire(self->map.fd, self->entry[0]);
	CHECK_EQ(take_mapped(self, events, 2), 1);
	CHECK_SAME(events[0], self->entry[0]);
}

/* One thread takes without calls while another fires: every firing is seen by some record. */
CASE_ON(mapped, a_busy_consumer_misses_no_edge)
{
	uint64_t fired = 0, seen = 0;
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, fire_all_the_time, self), 0);
	while (seen < 20000) {
		struct ukevent events[ENTRIES];
		struct timespec limit = after_ms(SOON_MS);
		int count = kevent_mapped_wait(&self->map, events, ENTRIES, &limit, NULL);

		CHECK_GT(count, 0);
		for (int i = 0; i < count; i++)
			seen += events[i].ret_data[0];
		fired++;
	}
	CHECK_EQ(seen, 20000);
	CHECK_EQ(pthread_join(thread, NULL), 0);
}
