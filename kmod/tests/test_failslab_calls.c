// SPDX-License-Identifier: MIT
/* All other calls while allocations fail in turn: fail.h says how. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fail.h"

#define RING_SIZE 4

static void prepare_nothing(struct scene *self)
{
	/* Room for the descriptor, which is not the module's. */
	close(dup(0));
}

static void act_init(struct scene *self)
{
	self->queue = kevent_init(NULL, 0, KEVENT_INIT_CLOEXEC);
	fail_keep(self, self->queue < 0 ? -1 : 0);
}

static void act_init_mapped(struct scene *self)
{
	self->queue = kevent_mapped_open(&self->map, RING_SIZE, 0);
	fail_keep(self, self->queue < 0 ? -1 : 0);
}

static bool returned_0(struct scene *self)
{
	return fail_or(self, 0);
}

static void finish_queue(struct scene *self)
{
	struct ukevent entry = add(self->queue, KEVENT_USER, 1, 1, 0);

	fire(self->queue, entry);
	CHECK_SAME(take_one(self->queue), entry);
	close(self->queue);
}

static void finish_mapped(struct scene *self)
{
	struct ukevent entry = add(self->queue, KEVENT_USER, 1, 1, 0), event;

	fire(self->queue, entry);
	CHECK_EQ(kevent_mapped_take(&self->map, &event, 1), 1);
	CHECK_SAME(event, entry);
	kevent_mapped_close(&self->map);
}

/* A queue, of the kind that `detail` names, in which one event is ready. */
static void prepare_ready(struct scene *self)
{
	const char *kind = self->operation->detail;

	if (strcmp(kind, "mapped") == 0) {
		self->queue = kevent_mapped_open(&self->map, RING_SIZE, 0);
	} else if (strcmp(kind, "ring") == 0) {
		self->ring = ring_memory(RING_SIZE);
		self->queue = kevent_init(self->ring, RING_SIZE, 0);
	} else {
		self->queue = kevent_init(NULL, 0, 0);
	}
	CHECK_GE(self->queue, 0);
	self->entry = add(self->queue, KEVENT_USER, 1, 1, 0);
	fire(self->queue, self->entry);
}

static void act_get_events(struct scene *self)
{
	fail_keep(self,
		  kevent_get_events(self->queue, 1, 1, after_ms(SOON_MS), &self->answer, 0));
}

static void act_wait(struct scene *self)
{
	fail_keep(self, kevent_wait(self->queue, 1, 0, after_ms(SOON_MS), 0));
}

static void act_enter(struct scene *self)
{
	struct ukevent change = request(KEVENT_USER, 2, 1, 0);
	struct timespec limit = after_ms(SOON_MS);
	struct kevent_batch batch = {
		.cmd = KEVENT_CTL_ADD,
		.num = 1,
		.changes = &change,
		.min_nr = 1,
		.max_nr = 1,
		.events = &self->answer,
		.timeout = &limit,
	};

	fail_keep(self, kevent_enter(self->queue, &batch));
	/* The ADD was refused, which is told in its place. */
	if (self->result >= 0 && batch.ctl_result) {
		CHECK_EQ((int)change.ret_data[1], -ENOMEM);
		CHECK_EQ(self->result, 1);
	}
}

static bool returned_1(struct scene *self)
{
	return fail_or(self, 1);
}

static void finish_taken(struct scene *self)
{
	CHECK_SAME(self->answer, self->entry);
	close(self->queue);
}

static void prepare_filled(struct scene *self)
{
	prepare_ready(self);
	CHECK_EQ(kevent_wait(self->queue, 1, 0, after_ms(SOON_MS), 0), 1);
}

static void act_commit(struct scene *self)
{
	fail_keep(self, kevent_commit(self->queue, self->ring ? 1 : 0, 0));
}

static void finish_ring(struct scene *self)
{
	CHECK_SAME(self->ring->event[0], self->entry);
	close(self->queue);
	free(self->ring);
}

static void finish_mapped_ready(struct scene *self)
{
	CHECK_EQ(kevent_mapped_take(&self->map, &self->answer, 1), 1);
	CHECK_SAME(self->answer, self->entry);
	kevent_mapped_close(&self->map);
}

static void prepare_quiet(struct scene *self)
{
	self->queue = kevent_init(NULL, 0, 0);
	self->entry = add(self->queue, KEVENT_USER, 1, 1, 0);
}

static void act_fire(struct scene *self)
{
	self->answer = self->entry;
	fail_keep(self, kevent_ctl(self->queue, KEVENT_CTL_READY, 1, &self->answer));
}

static void finish_fired(struct scene *self)
{
	CHECK_SAME(take_one(self->queue), self->entry);
	close(self->queue);
}

/* A real-time signal is a record of its own, or merged into one that says so. */
static void prepare_signal(struct scene *self)
{
	signal(SIGRTMIN, SIG_IGN);
	self->queue = kevent_init(NULL, 0, 0);
	self->entry = request(KEVENT_SIGNAL, (unsigned int)SIGRTMIN, KEVENT_SIGNAL_DELIVERY, 0);
	self->entry.id.raw_u64 |= KEVENT_SIGNAL_NOMASK;
	CHECK_EQ(add_refusal(self->queue, self->entry), 0);
}

static void act_signal(struct scene *self)
{
	fail_keep(self, sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 7 }));
	if (self->result < 0 && self->error == EAGAIN)
		self->error = ENOMEM;
}

static void finish_signal(struct scene *self)
{
	struct ukevent event = take_one(self->queue);

	CHECK_SAME(event, self->entry);
	if (!(event.ret_flags & KEVENT_RET_COPY_FAILED))
		CHECK_EQ(event.ret_data[1], 7);
	close(self->queue);
}

static void act_close_queue(struct scene *self)
{
	fail_keep(self, close(self->queue));
}

/* Everything a queue can hold at the same time. */
static void prepare_full_queue(struct scene *self)
{
	self->queue = kevent_init(NULL, 0, 0);
	unix_pair(SOCK_STREAM, self->pair);
	add(self->queue, KEVENT_SOCKET, (unsigned int)self->pair[0], KEVENT_SOCKET_RECV, 0);
	add(self->queue, KEVENT_POLL, (unsigned int)self->pair[0], KEVENT_POLL_POLLIN, 0);
	add(self->queue, KEVENT_SIGNAL, SIGUSR1, KEVENT_SIGNAL_DELIVERY, 0);
	add(self->queue, KEVENT_TIMER, 1, KEVENT_TIMER_FIRED, 0);
	prepare_naio(&self->transfer, self->pair[1], KEVENT_NAIO_RECV, &self->answer, 1, 0);
	start(self->queue, &self->transfer);
	put_byte(self->pair[1]);
}

static void finish_pair(struct scene *self)
{
	close(self->pair[0]);
	close(self->pair[1]);
}

static void prepare_socket(struct scene *self)
{
	self->queue = kevent_init(NULL, 0, 0);
	unix_pair(SOCK_STREAM, self->pair);
	self->entry = add(self->queue, KEVENT_SOCKET, (unsigned int)self->pair[0],
			  KEVENT_SOCKET_RECV, 0);
}

static void act_close_socket(struct scene *self)
{
	fail_keep(self, close(self->pair[0]));
}

static void finish_broken(struct scene *self)
{
	broken(self->queue, self->entry, 0);
	close(self->pair[1]);
	close(self->queue);
}

static void act_fork(struct scene *self)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	fail_keep(self, child < 0 ? -1 : 0);
	if (self->result < 0 && self->error == EAGAIN)
		self->error = ENOMEM;
	if (child > 0)
		CHECK_EQ(waitpid(child, &status, 0), child);
}

static void finish_forked(struct scene *self)
{
	fire(self->queue, self->entry);
	finish_fired(self);
}

static void act_epoll(struct scene *self)
{
	struct epoll_event event = { .events = EPOLLIN };

	fail_keep(self, epoll_ctl(self->other, EPOLL_CTL_ADD, self->queue, &event));
}

static void prepare_epoll(struct scene *self)
{
	prepare_quiet(self);
	self->other = epoll_create1(0);
}

static void finish_epoll(struct scene *self)
{
	struct epoll_event event;

	fire(self->queue, self->entry);
	CHECK_EQ(epoll_wait(self->other, &event, 1, SOON_MS), 1);
	close(self->other);
	close(self->queue);
}

#define QUEUE(kind, act, succeeded, finish)                                                        \
	prepare_ready, act, succeeded, finish, false, kind, 0

static const struct fail_operation operations[] = {
	{ "INIT", prepare_nothing, act_init, returned_0, finish_queue, true, NULL, 0 },
	{ "INIT and mmap of a mapped ring", prepare_nothing, act_init_mapped, returned_0,
	  finish_mapped, true, NULL, 0 },
	{ "GET_EVENTS", QUEUE("plain", act_get_events, returned_1, finish_taken) },
	{ "GET_EVENTS with a ring", QUEUE("ring", act_get_events, returned_1, finish_taken) },
	{ "WAIT", QUEUE("ring", act_wait, returned_1, finish_ring) },
	{ "WAIT on a mapped ring", QUEUE("mapped", act_wait, returned_1, finish_mapped_ready) },
	{ "ENTER", QUEUE("plain", act_enter, returned_1, finish_taken) },
	{ "COMMIT", prepare_filled, act_commit, returned_1, finish_ring, false, "ring", 0 },
	{ "COMMIT of a mapped ring",
	  QUEUE("mapped", act_commit, returned_1, finish_mapped_ready) },
	{ "READY", prepare_quiet, act_fire, returned_1, finish_fired, false, NULL, 0 },
	{ "a real-time signal", prepare_signal, act_signal, returned_0, finish_signal, false,
	  NULL, 0 },
	{ "epoll_ctl on a queue", prepare_epoll, act_epoll, returned_0, finish_epoll, true, NULL, 0 },
	{ "close of a full queue", prepare_full_queue, act_close_queue, returned_0, finish_pair,
	  false, NULL, 0 },
	{ "close of a watched socket", prepare_socket, act_close_socket, returned_0, finish_broken,
	  false, NULL, 0 },
	{ "fork", prepare_quiet, act_fork, returned_0, finish_forked, true, NULL, 7 },
};

KTEST_TABLE(register_operations)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		fail_register("without memory:", &operations[i]);
}
