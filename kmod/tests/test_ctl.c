// SPDX-License-Identifier: MIT
/* Creating a queue; ADD, REMOVE, MODIFY and READY: what they return, refuse and write back. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "queue.h"

_Static_assert(sizeof(struct ukevent) == 40, "layout of 2006");
_Static_assert(offsetof(struct ukevent, type) == 8, "layout of 2006");
_Static_assert(offsetof(struct ukevent, event) == 12, "layout of 2006");
_Static_assert(offsetof(struct ukevent, req_flags) == 16, "layout of 2006");
_Static_assert(offsetof(struct ukevent, ret_flags) == 20, "layout of 2006");
_Static_assert(offsetof(struct ukevent, ret_data) == 24, "layout of 2006");
_Static_assert(offsetof(struct ukevent, user) == 32, "layout of 2006");
_Static_assert(offsetof(struct kevent_ring, ring_over) == 4, "layout of 2006");
_Static_assert(offsetof(struct kevent_ring, event) == 8, "layout of 2006");
_Static_assert(KEVENT_SOCKET == 0 && KEVENT_INODE == 1 && KEVENT_TIMER == 2, "types of 2006");
_Static_assert(KEVENT_POLL == 3 && KEVENT_NAIO == 4 && KEVENT_AIO == 5, "types of 2006");
_Static_assert(KEVENT_PIPE == 6 && KEVENT_SIGNAL == 7 && KEVENT_POSIX_TIMER == 8, "types of 2006");
_Static_assert(KEVENT_CTL_ADD == 0 && KEVENT_CTL_REMOVE == 1, "commands of 2006");
_Static_assert(KEVENT_CTL_MODIFY == 2 && KEVENT_CTL_READY == 3, "commands of 2006");

CASE(layout_and_constants_are_those_of_2006)
{
	CHECK_EQ(KEVENT_REQ_ONESHOT, 1);
	CHECK_EQ(KEVENT_REQ_WAKEUP_ALL, 2);
	CHECK_EQ(KEVENT_REQ_ET, 4);
	CHECK_EQ(KEVENT_REQ_LAST_CHECK, 8);
	CHECK_EQ(KEVENT_REQ_ALWAYS_QUEUE, 16);
	CHECK_EQ(KEVENT_RET_BROKEN | KEVENT_RET_DONE << 4 | KEVENT_RET_COPY_FAILED << 8, 0x421);
	CHECK_EQ(KEVENT_TIMER_FIRED, 1);
	CHECK_EQ(KEVENT_FLAGS_ABSTIME, 1);
}

CASE(init_refuses_half_a_ring)
{
	static struct kevent_ring *ring;

	ring = calloc(1, 8 + 40 * 4);
	CHECK(ring);
	CHECK_ERRNO(kevent_init(ring, 0, 0), EINVAL);
	CHECK_ERRNO(kevent_init(NULL, 4, 0), EINVAL);
	CHECK_ERRNO(kevent_init(ring, 1, 0), EINVAL);
}

CASE(init_takes_the_smallest_ring_and_odd_sizes)
{
	struct kevent_ring *ring = calloc(1, 8 + 40 * 7);

	CHECK(ring);
	CHECK_GE(kevent_init(ring, 2, 0), 0);
	CHECK_GE(kevent_init(ring, 7, 0), 0);
}

CASE(init_refuses_unknown_flags)
{
	CHECK_ERRNO(kevent_init(NULL, 0, 0x80000000), EINVAL);
}

CASE(init_refuses_a_ring_that_wraps_the_address_space)
{
	CHECK_ERRNO(kevent_init((struct kevent_ring *)(uintptr_t)-64, 4, 0), EINVAL);
}

CASE(init_refuses_an_unaligned_ring)
{
	char *memory = calloc(1, 8 + 40 * 4 + 8);

	CHECK_ERRNO(kevent_init((struct kevent_ring *)(void *)(memory + 1), 4, 0), EINVAL);
}

CASE(init_makes_descriptors_as_asked)
{
	int plain = kevent_init(NULL, 0, 0);
	int closing = kevent_init(NULL, 0, KEVENT_INIT_CLOEXEC);

	CHECK_EQ(fcntl(plain, F_GETFD), 0);
	CHECK_EQ(fcntl(closing, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(plain, F_GETFL) & O_NONBLOCK, 0);
}

CASE(init_without_free_descriptors_says_emfile)
{
	while (dup(0) >= 0)
		;
	CHECK_EQ(errno, EMFILE);
	CHECK_ERRNO(kevent_init(NULL, 0, 0), EMFILE);
}

CASE(calls_refuse_what_is_no_queue)
{
	struct ukevent entry = request(KEVENT_USER, 1, 1, 0);
	int other = eventfd(0, 0);

	CHECK_ERRNO(kevent_ctl(-1, KEVENT_CTL_ADD, 1, &entry), EBADF);
	CHECK_ERRNO(kevent_get_events(-1, 0, 1, after_ms(0), &entry, 0), EBADF);
	CHECK_ERRNO(kevent_wait(-1, 1, 0, after_ms(0), 0), EBADF);
	CHECK_ERRNO(kevent_commit(-1, 0, 0), EBADF);
	CHECK_ERRNO(kevent_ctl(other, KEVENT_CTL_ADD, 1, &entry), EINVAL);
	CHECK_ERRNO(kevent_get_events(other, 0, 1, after_ms(0), &entry, 0), EINVAL);
	CHECK_ERRNO(kevent_wait(other, 1, 0, after_ms(0), 0), EINVAL);
	CHECK_ERRNO(kevent_commit(other, 0, 0), EINVAL);
}

CASE_ON(queue, ctl_refuses_an_unknown_command)
{
	struct ukevent entry = request(KEVENT_USER, 1, 1, 0);

	CHECK_ERRNO(kevent_ctl(self->fd, KEVENT_CTL_BATCH + 1, 1, &entry), EINVAL);
	CHECK_ERRNO(kevent_ctl(self->fd, UINT_MAX, 1, &entry), EINVAL);
}

CASE_ON(queue, ctl_refuses_more_entries_than_memory_can_hold)
{
	struct ukevent entry = request(KEVENT_USER, 1, 1, 0);

	for (unsigned int cmd = KEVENT_CTL_ADD; cmd <= KEVENT_CTL_READY; cmd++) {
		CHECK_EQ(kevent_ctl(self->fd, cmd, UINT_MAX, &entry), -1);
		CHECK(errno == EINVAL || errno == E2BIG);
	}
}

CASE_ON(queue, ctl_faults_on_bad_memory)
{
	struct ukevent *bad = (struct ukevent *)8;

	add(self->fd, KEVENT_USER, 1, 1, 0);
	for (unsigned int cmd = KEVENT_CTL_ADD; cmd <= KEVENT_CTL_READY; cmd++) {
		CHECK_ERRNO(kevent_ctl(self->fd, cmd, 1, bad), EFAULT);
		CHECK_ERRNO(kevent_ctl(self->fd, cmd, 16, bad), EFAULT);
	}
}

CASE_ON(queue, a_fault_leaves_all_earlier_entries_registered)
{
	enum { COUNT = 1000 };
	long page = sysconf(_SC_PAGESIZE);
	size_t size = (COUNT * sizeof(struct ukevent) / (size_t)page + 2) * (size_t)page;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct ukevent *entries = (struct ukevent *)(memory + size - (size_t)page) - COUNT;
	int last = -1;

	CHECK(memory != MAP_FAILED);
	CHECK_EQ(munmap(memory + size - page, page), 0);
	for (unsigned int i = 0; i < COUNT; i++)
		entries[i] = kevent_request(KEVENT_USER, i, 1, 0, 0);
	CHECK_ERRNO(kevent_ctl(self->fd, KEVENT_CTL_ADD, COUNT + 1, entries), EFAULT);
	for (unsigned int i = 0; i < COUNT; i++) {
		if (remove_entry(self->fd, entries[i]) != 0)
			continue;
		/* A run from the beginning, without gaps. */
		CHECK_EQ(last, (int)i - 1);
		last = (int)i;
	}
	/* All in front of the fault, in whatever blocks they are copied. */
	CHECK_EQ(last, COUNT - 1);
}

CASE_ON(queue, add_of_nothing_is_nothing)
{
	CHECK_EQ(kevent_ctl(self->fd, KEVENT_CTL_ADD, 0, NULL), 0);
	CHECK_EQ(kevent_ctl(self->fd, KEVENT_CTL_REMOVE, 0, NULL), 0);
	CHECK_EQ(kevent_ctl(self->fd, KEVENT_CTL_MODIFY, 0, NULL), 0);
}

CASE_ON(queue, add_refuses_an_unknown_type_with_enosys)
{
	CHECK_EQ(add_refusal(self->fd, request(KEVENT_MAX, 0, 1, 0)), ENOSYS);
	CHECK_EQ(add_refusal(self->fd, request(1000, 0, 1, 0)), ENOSYS);
	CHECK_EQ(add_refusal(self->fd, request(UINT_MAX, 0, 1, 0)), ENOSYS);
}

CASE_ON(queue, add_refuses_unknown_request_flags)
{
	CHECK_EQ(add_refusal(self->fd, request(KEVENT_USER, 0, 1, 0x40000000)), EINVAL);
}

CASE_ON(queue, add_refuses_a_bad_descriptor_with_ebadf)
{
	static const unsigned int types[] = { KEVENT_SOCKET, KEVENT_POLL, KEVENT_PIPE };

	for (unsigned int i = 0; i < 3; i++) {
		CHECK_EQ(add_refusal(self->fd, request(types[i], (unsigned int)-1, 1, 0)), EBADF);
		CHECK_EQ(add_refusal(self->fd, request(types[i], 999, 1, 0)), EBADF);
	}
}

CASE_ON(queue, add_refuses_descriptors_of_the_wrong_kind)
{
	int file = open("/proc/self/exe", O_RDONLY);
	int pair[2];

	unix_pair(SOCK_STREAM, pair);
	CHECK_EQ(add_refusal(self->fd, request(KEVENT_SOCKET, (unsigned int)file, 1, 0)), ENOTSOCK);
	CHECK_EQ(add_refusal(self->fd, request(KEVENT_PIPE, (unsigned int)pair[0], 1, 0)), EINVAL);
	CHECK_EQ(add_refusal(self->fd, request(KEVENT_POLL, (unsigned int)file, 1, 0)), EPERM);
}

CASE_ON(queue, ready_and_failed_entries_are_compacted_to_the_front_in_order)
{
	struct ukevent entries[6], asked[6];
	int pair[2];

	unix_pair(SOCK_STREAM, pair);
	put_byte(pair[1]);
	entries[0] = request(KEVENT_USER, 1, 1, 0);
	entries[1] = request(KEVENT_SOCKET, (unsigned int)pair[0], KEVENT_SOCKET_RECV, 0);
	entries[2] = request(KEVENT_USER, 2, 1, 0);
	entries[3] = request(1000, 3, 1, 0);
	entries[4] = request(KEVENT_SOCKET, (unsigned int)pair[1], KEVENT_SOCKET_RECV, 0);
	entries[5] = request(KEVENT_POLL, 999, KEVENT_POLL_POLLIN, 0);
	memcpy(asked, entries, sizeof(asked));
	/* What ADD is given in ret_flags is not to be believed. */
	entries[0].ret_flags = entries[3].ret_flags = KEVENT_RET_COPY_FAILED;
	CHECK_EQ(kevent_ctl(self->fd, KEVENT_CTL_ADD, 6, entries), 3);
	CHECK_SAME(entries[0], asked[1]);
	CHECK_EQ(entries[0].ret_flags, KEVENT_RET_DONE);
	CHECK_SAME(entries[1], asked[3]);
	CHECK_EQ(entries[1].ret_flags, KEVENT_RET_BROKEN | KEVENT_RET_DONE);
	CHECK_EQ((int)entries[1].ret_data[1], -ENOSYS);
	CHECK_SAME(entries[2], asked[5]);
	CHECK_EQ((int)entries[2].ret_data[1], -EBADF);
	CHECK_EQ(remove_entry(self->fd, asked[0]), 0);
	CHECK_EQ(remove_entry(self->fd, asked[1]), -1);
	CHECK_EQ(remove_entry(self->fd, asked[2]), 0);
	CHECK_EQ(remove_entry(self->fd, asked[4]), 0);
}

CASE_ON(queue, the_key_is_type_and_id_for_descriptors)
{
	unsigned int fd;
	int pair[2];

	unix_pair(SOCK_STREAM, pair);
	fd = (unsigned int)pair[0];
	add(self->fd, KEVENT_SOCKET, fd, KEVENT_SOCKET_RECV, 0);
	CHECK_EQ(add_refusal(self->fd, request(KEVENT_SOCKET, fd, KEVENT_SOCKET_RECV, 0)), EEXIST);
	CHECK_EQ(add_refusal(self->fd, request(KEVENT_SOCKET, fd, KEVENT_SOCKET_SEND, 0)), EEXIST);
	/* Another type on the same descriptor is another key. */
	add(self->fd, KEVENT_POLL, fd, KEVENT_POLL_POLLIN, 0);
	CHECK_EQ(add_refusal(self->fd, request(KEVENT_POLL, fd, KEVENT_POLL_POLLIN, 0)), EEXIST);
}

CASE_ON(queue, the_key_of_timers_and_user_events_has_the_user_word)
{
	struct ukevent timer = add(self->fd, KEVENT_TIMER, 1000, KEVENT_TIMER_FIRED, 0);
	struct ukevent mine = add(self->fd, KEVENT_USER, 1000, 1, 0);

	add(self->fd, KEVENT_TIMER, 1000, KEVENT_TIMER_FIRED, 0);
	add(self->fd, KEVENT_USER, 1000, 1, 0);
	CHECK_EQ(add_refusal(self->fd, timer), EEXIST);
	CHECK_EQ(add_refusal(self->fd, mine), EEXIST);
	CHECK_EQ(remove_entry(self->fd, timer), 0);
	CHECK_EQ(add_refusal(self->fd, timer), 0);
}

CASE_ON(queue, the_high_half_of_an_id_tells_keys_apart)
{
	struct ukevent low = request(KEVENT_USER, 5, 1, 0), high = low;

	high.id.raw[1] = 0x80000000;
	CHECK_EQ(add_refusal(self->fd, low), 0);
	CHECK_EQ(add_refusal(self->fd, high), 0);
	high.id.raw[1] = 1;
	CHECK_EQ(add_refusal(self->fd, high), 0);
	CHECK_EQ(add_refusal(self->fd, low), EEXIST);
	fire(self->fd, high);
	CHECK_SAME(take_one(self->fd), high);
}

CASE_ON(queue, one_key_in_two_queues_is_two_registrations)
{
	int other = kevent_init(NULL, 0, 0);
	struct ukevent entry = add(self->fd, KEVENT_USER, 1, 1, 0);

	CHECK_EQ(add_refusal(other, entry), 0);
	fire(other, entry);
	take_none(self->fd);
	CHECK_SAME(take_one(other), entry);
}

CASE_ON(queue, remove_and_modify_mark_what_they_do_not_find_and_return_the_number_processed)
{
	struct ukevent known = add(self->fd, KEVENT_USER, 1, 1, 0);
	struct ukevent entries[5];

	for (unsigned int cmd = KEVENT_CTL_MODIFY; cmd >= KEVENT_CTL_REMOVE; cmd--) {
		for (int i = 0; i < 5; i++)
			entries[i] = i == 2 ? known : request(KEVENT_USER, 77, 1, 0);
		/* More entries than are registered is no error. */
		CHECK_EQ(kevent_ctl(self->fd, cmd, 5, entries), 5);
		for (int i = 0; i < 5; i++)
			CHECK_EQ(entries[i].ret_flags,
				 i == 2 ? KEVENT_RET_DONE : KEVENT_RET_DONE | KEVENT_RET_BROKEN);
	}
	CHECK_EQ(remove_entry(self->fd, known), -1);
}

CASE_ON(queue, a_removed_event_disappears_although_it_was_ready)
{
	struct ukevent gone = add(self->fd, KEVENT_USER, 1, 1, 0);
	struct ukevent kept = add(self->fd, KEVENT_USER, 2, 1, 0);

	fire(self->fd, gone);
	fire(self->fd, kept);
	CHECK_EQ(remove_entry(self->fd, gone), 0);
	CHECK_SAME(take_one(self->fd), kept);
	take_none(self->fd);
}

CASE_ON(queue, modify_replaces_mask_and_flags_and_nothing_else)
{
	struct ukevent entry, changed, event;
	int pair[2];

	unix_pair(SOCK_STREAM, pair);
	entry = add(self->fd, KEVENT_POLL, (unsigned int)pair[0], KEVENT_POLL_POLLIN, 0);
	changed = entry;
	changed.user[0] = 0xbad;
	changed.event = KEVENT_POLL_POLLOUT;
	changed.req_flags = KEVENT_REQ_ONESHOT;
	CHECK_EQ(kevent_ctl(self->fd, KEVENT_CTL_MODIFY, 1, &changed), 1);
	/* Writable now: it entered the ready list right away. */
	event = take_one(self->fd);
	CHECK_SAME(event, entry);
	CHECK_EQ(event.event, KEVENT_POLL_POLLOUT);
	CHECK_EQ(event.req_flags, KEVENT_REQ_ONESHOT);
	CHECK_EQ(remove_entry(self->fd, entry), -1);
}

CASE_ON(queue, ready_compacts_what_it_does_not_find_and_returns_the_number_marked)
{
	struct ukevent first = add(self->fd, KEVENT_USER, 1, 1, 0);
	struct ukevent second = add(self->fd, KEVENT_USER, 2, 1, 0);
	struct ukevent entries[4], unknown[2], events[4];

	unknown[0] = request(KEVENT_USER, 3, 1, 0);
	unknown[1] = request(KEVENT_TIMER, 4, 1, 0);
	unknown[0].ret_flags = unknown[1].ret_flags = 0x55;
	entries[0] = unknown[0];
	entries[1] = first;
	entries[2] = unknown[1];
	entries[3] = second;
	CHECK_EQ(kevent_ctl(self->fd, KEVENT_CTL_READY, 4, entries), 2);
	CHECK_EQ(memcmp(entries, unknown, sizeof(unknown)), 0);
	CHECK_EQ(take(self->fd, events, 4, SOON_MS), 2);
	CHECK_SAME(events[0], first);
	CHECK_SAME(events[1], second);
	CHECK_EQ(events[0].ret_flags, KEVENT_RET_DONE);
}

CASE_ON(queue, a_large_batch_is_the_same_as_many_small_ones)
{
	enum { COUNT = 1000 };
	struct ukevent *entries = calloc(COUNT, sizeof(*entries));
	struct ukevent *events = calloc(COUNT, sizeof(*events));

	CHECK(entries && events);
	for (unsigned int i = 0; i < COUNT; i++)
		entries[i] = request(KEVENT_USER, i, 1, 0);
	CHECK_EQ(kevent_ctl(self->fd, KEVENT_CTL_ADD, COUNT, entries), 0);
	memcpy(events, entries, COUNT * sizeof(*entries));
	CHECK_EQ(kevent_ctl(self->fd, KEVENT_CTL_READY, COUNT, events), COUNT);
	CHECK_EQ(take(self->fd, events, COUNT, SOON_MS), COUNT);
	for (unsigned int i = 0; i < COUNT; i++)
		CHECK_SAME(events[i], entries[i]);
	CHECK_EQ(kevent_ctl(self->fd, KEVENT_CTL_REMOVE, COUNT, entries), COUNT);
	for (unsigned int i = 0; i < COUNT; i++)
		CHECK_EQ(entries[i].ret_flags, KEVENT_RET_DONE);
}

CASE_ON(queue, the_index_is_the_one_the_module_was_loaded_with)
{
	static const char *const names[] = { "rbtree\n", "avl\n", "rhashtable\n" };
	FILE *parameter = fopen("/sys/module/kevent/parameters/index", "r");
	struct kevent_info info;
	char name[32] = "";

	CHECK(parameter);
	CHECK(fgets(name, sizeof(name), parameter));
	fclose(parameter);
	CHECK_EQ(kevent_get_info(&info), 0);
	CHECK_LT(info.index, 3);
	CHECK_EQ(strcmp(name, names[info.index]), 0);
}
