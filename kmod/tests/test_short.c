// SPDX-License-Identifier: MIT
/* The short entry: fadvise64() does what the ioctls do. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "queue.h"

#define SLOTS 8

static long call(int fd, uint64_t offset, uint64_t len, int advice)
{
	return syscall(SYS_fadvise64, fd, offset, len, advice);
}

static uint64_t pair(uint32_t low, uint32_t high)
{
	return (uint64_t)high << 32 | low;
}

static struct ukevent user_event(unsigned int number)
{
	return request(KEVENT_USER, number, KEVENT_USER_FIRED, 0);
}

static void add_and_fire(int fd, struct ukevent entry)
{
	CHECK_EQ(call(fd, (uintptr_t)&entry, pair(1, KEVENT_CTL_ADD), KEVENT_SHORT_CTL), 0);
	CHECK_EQ(call(fd, (uintptr_t)&entry, pair(1, KEVENT_CTL_READY), KEVENT_SHORT_CTL), 1);
}

CASE_ON(queue, the_short_entry_adds_fires_and_gets)
{
	struct ukevent entry = user_event(1);
	struct ukevent out[2];

	CHECK_EQ(call(self->fd, (uintptr_t)out, 2, KEVENT_SHORT_GET), 0);
	add_and_fire(self->fd, entry);
	CHECK_EQ(call(self->fd, (uintptr_t)out, pair(2, 1),
		      KEVENT_SHORT_GET | KEVENT_SHORT_FOREVER), 1);
	CHECK_SAME(out[0], entry);
	CHECK_EQ(out[0].ret_flags, KEVENT_RET_DONE);
}

CASE_ON(queue, the_short_entry_refuses_what_the_ioctls_refuse)
{
	struct ukevent out;

	CHECK_ERRNO(call(self->fd, (uintptr_t)&out, 0, KEVENT_SHORT_GET), EINVAL);
	CHECK_ERRNO(call(self->fd, 0, 1, KEVENT_SHORT_GET), EINVAL);
	CHECK_ERRNO(call(self->fd, 0, pair(1, 99), KEVENT_SHORT_CTL), EINVAL);
	CHECK_ERRNO(call(self->fd, 0, pair(1, KEVENT_CTL_ADD), KEVENT_SHORT_CTL), EFAULT);
	CHECK_ERRNO(call(self->fd, 0, pair(UINT32_MAX, KEVENT_CTL_ADD), KEVENT_SHORT_CTL), E2BIG);
	CHECK_ERRNO(call(self->fd, 0, 1, KEVENT_SHORT_RING | KEVENT_SHORT_WAIT), EINVAL);
}

CASE_ON(queue, flags_that_a_short_call_does_not_know_are_refused)
{
	struct ukevent out;

	CHECK_ERRNO(call(self->fd, (uintptr_t)&out, 1, KEVENT_SHORT_GET | KEVENT_SHORT_COMMIT),
		    EINVAL);
	CHECK_ERRNO(call(self->fd, (uintptr_t)&out, 1, KEVENT_SHORT_CTL | KEVENT_SHORT_WAIT),
		    EINVAL);
	CHECK_ERRNO(call(self->fd, (uintptr_t)&out, 1, KEVENT_SHORT_GET | 0x8), EINVAL);
}

CASE_ON(queue, real_advice_is_accepted_and_other_refused)
{
	for (int advice = POSIX_FADV_NORMAL; advice <= POSIX_FADV_NOREUSE; advice++)
		CHECK_EQ(call(self->fd, 0, 0, advice), 0);
	CHECK_ERRNO(call(self->fd, 0, 0, POSIX_FADV_NOREUSE + 1), EINVAL);
	CHECK_ERRNO(call(self->fd, 0, 0, -1), EINVAL);
}

/* The first copy meets a page that is not there yet; what was looked at must not get lost. */
CASE_ON(queue, an_event_reaches_a_page_that_nobody_has_touched)
{
	struct ukevent *fresh = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct ukevent level, edge;
	int first[2], second[2];

	CHECK(fresh != MAP_FAILED);
	unix_pair(SOCK_DGRAM, first);
	unix_pair(SOCK_DGRAM, second);
	level = add(self->fd, KEVENT_SOCKET, (unsigned int)first[0], KEVENT_SOCKET_RECV, 0);
	edge = add(self->fd, KEVENT_SOCKET, (unsigned int)second[0], KEVENT_SOCKET_RECV,
		   KEVENT_REQ_ET);
	put_byte(first[1]);
	put_byte(second[1]);
	CHECK_EQ(call(self->fd, (uintptr_t)fresh, 2, KEVENT_SHORT_GET), 2);
	CHECK_SAME(fresh[0], level);
	CHECK_SAME(fresh[1], edge);
}

CASE(the_library_tells_other_descriptors_as_before)
{
	struct ukevent out;
	int pipe[2];

	pipe_pair(pipe);
	CHECK_ERRNO(kevent_pget_events(pipe[0], 1, 1, NULL, &out, 0, NULL), EINVAL);
	CHECK_ERRNO(kevent_ctl(pipe[0], KEVENT_CTL_ADD, 1, &out), EINVAL);
	CHECK_ERRNO(kevent_commit(-1, 0, 0), EBADF);
	CHECK_ERRNO(kevent_next(pipe[0], 0, 0, 1, NULL), EINVAL);
}

static struct {
	unsigned int kidx;
	unsigned int over;
	struct ukevent event[SLOTS];
} ring __attribute__((aligned(8)));

struct ringed {
	int fd;
};

static void ringed_setup(struct ringed *self)
{
	self->fd = kevent_init((struct kevent_ring *)&ring, SLOTS, 0);
	CHECK_GE(self->fd, 0);
}

static void ringed_teardown(struct ringed *self)
{
	close(self->fd);
}

CASE_ON(ringed, one_short_call_commits_and_waits)
{
	const struct timespec at_once = { 0, 0 };
	struct ukevent entry = user_event(1);
	unsigned int index = 0;

	add_and_fire(self->fd, entry);
	for (int lap = 0; lap < 3 * SLOTS; lap++) {
		CHECK_EQ(kevent_next(self->fd, index, ring.over, 1,
				     lap % 2 ? &at_once : NULL), 1);
		CHECK_SAME(ring.event[index], entry);
		index = (index + 1) % SLOTS;
		CHECK_EQ(ring.kidx, index);
		fire(self->fd, entry);
	}
	CHECK_EQ(ring.over, 2);
}

CASE_ON(ringed, a_wait_that_is_refused_has_committed_nothing)
{
	struct ukevent entry = user_event(1);

	add_and_fire(self->fd, entry);
	CHECK_EQ(kevent_next(self->fd, 0, 0, 1, NULL), 1);
	CHECK_ERRNO(call(self->fd, pair(1, 0), pair(SLOTS + 1, 1),
			 KEVENT_SHORT_RING | KEVENT_SHORT_COMMIT | KEVENT_SHORT_WAIT), EINVAL);
	CHECK_EQ(kevent_commit(self->fd, 1, 0), 1);
}

CASE_ON(ringed, next_with_a_timeout_takes_the_long_way)
{
	const struct timespec moment = { 0, 1000000 };
	struct ukevent entry = user_event(1);

	CHECK_EQ(kevent_next(self->fd, 0, 0, 1, &moment), 0);
	add_and_fire(self->fd, entry);
	CHECK_EQ(kevent_next(self->fd, 0, 0, 1, &moment), 1);
	CHECK_SAME(ring.event[0], entry);
}

/* A reader who always finds events is still told of what it has left unread. */
CASE(a_busy_reader_of_a_mapped_ring_hears_again_of_what_it_left)
{
	const struct timespec at_once = { 0, 0 };
	struct kevent_mapped map;
	struct ukevent busy = user_event(1);
	struct ukevent entry = busy;
	struct ukevent left, event;
	int pair_of[2];
	int again = 0;

	CHECK_GE(kevent_mapped_open(&map, SLOTS, 0), 0);
	unix_pair(SOCK_DGRAM, pair_of);
	left = add(map.fd, KEVENT_SOCKET, (unsigned int)pair_of[0], KEVENT_SOCKET_RECV, 0);
	CHECK_EQ(add_entry(map.fd, &entry), 0);
	put_byte(pair_of[1]);
	for (int turn = 0; turn < 4 * SLOTS; turn++) {
		fire(map.fd, busy);
		CHECK_EQ(kevent_mapped_wait(&map, &event, 1, &at_once, NULL), 1);
		again += event.type == KEVENT_SOCKET && event.user_u64 == left.user_u64;
	}
	CHECK_GE(again, 2);
	kevent_mapped_close(&map);
}
