// SPDX-License-Identifier: MIT
/* io_uring watches a queue as it watches any descriptor. */
#include <liburing.h>
#include <poll.h>
#include <unistd.h>

#include "queue.h"

static void start_ring(struct io_uring *ring)
{
	int result = io_uring_queue_init(8, ring, 0);

	if (result == -ENOSYS || result == -EPERM)
		SKIP("io_uring: %s", strerror(-result));
	CHECK_EQ(result, 0);
}

static void watch(struct io_uring *ring, int fd, bool again)
{
	struct io_uring_sqe *request = io_uring_get_sqe(ring);

	if (again)
		io_uring_prep_poll_multishot(request, fd, POLLIN);
	else
		io_uring_prep_poll_add(request, fd, POLLIN);
	CHECK_EQ(io_uring_submit(ring), 1);
}

/* The result of the next completion, which must come soon. */
static int completion(struct io_uring *ring)
{
	struct __kernel_timespec limit = { .tv_sec = SOON_MS / 1000 };
	struct io_uring_cqe *done;
	int result;

	CHECK_EQ(io_uring_wait_cqe_timeout(ring, &done, &limit), 0);
	result = done->res;
	io_uring_cqe_seen(ring, done);
	return result;
}

CASE_ON(queue, io_uring_polls_a_queue_once)
{
	struct ukevent entry = add(self->fd, KEVENT_USER, 1, 1, 0);
	struct io_uring_cqe *none;
	struct io_uring ring;

	start_ring(&ring);
	watch(&ring, self->fd, false);
	CHECK_EQ(io_uring_peek_cqe(&ring, &none), -EAGAIN);
	fire(self->fd, entry);
	CHECK_EQ(completion(&ring) & POLLIN, POLLIN);
	CHECK_SAME(take_one(self->fd), entry);
}

CASE_ON(queue, io_uring_polls_a_queue_again_and_again)
{
	struct ukevent entry = add(self->fd, KEVENT_USER, 1, 1, 0);
	struct io_uring ring;

	start_ring(&ring);
	watch(&ring, self->fd, true);
	for (int i = 0; i < 5; i++) {
		fire(self->fd, entry);
		CHECK_EQ(completion(&ring) & POLLIN, POLLIN);
		CHECK_SAME(take_one(self->fd), entry);
	}
}

CASE_ON(queue, io_uring_polls_a_mapped_queue)
{
	struct kevent_mapped map;
	struct ukevent entry, event;
	struct io_uring ring;

	CHECK_GE(kevent_mapped_open(&map, 8, 0), 0);
	entry = add(map.fd, KEVENT_USER, 1, 1, KEVENT_REQ_ET);
	start_ring(&ring);
	watch(&ring, map.fd, false);
	fire(map.fd, entry);
	CHECK_EQ(completion(&ring) & POLLIN, POLLIN);
	CHECK_EQ(kevent_mapped_take(&map, &event, 1), 1);
	CHECK_SAME(event, entry);
}

CASE_ON(queue, a_queue_watches_an_io_uring)
{
	struct io_uring ring;
	struct ukevent entry;

	start_ring(&ring);
	entry = add(self->fd, KEVENT_POLL, (unsigned int)ring.ring_fd, KEVENT_POLL_POLLIN,
		    KEVENT_REQ_ET);
	io_uring_prep_nop(io_uring_get_sqe(&ring));
	CHECK_EQ(io_uring_submit(&ring), 1);
	CHECK_SAME(take_one(self->fd), entry);
	CHECK_EQ(completion(&ring), 0);
}

CASE_ON(queue, a_queue_that_is_closed_under_io_uring_is_harmless)
{
	struct io_uring ring;
	int queue = kevent_init(NULL, 0, 0);
	struct ukevent entry = add(queue, KEVENT_USER, 1, 1, 0);
	int copy = dup(queue);

	start_ring(&ring);
	watch(&ring, queue, true);
	close(queue);
	fire(copy, entry);
	CHECK_EQ(completion(&ring) & POLLIN, POLLIN);
	close(copy);
	io_uring_queue_exit(&ring);
}
