// SPDX-License-Identifier: MIT
/* ADD, MODIFY and REMOVE of each type while allocations fail in turn: fail.h says how. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Not in the table of types: sources whose registration takes other ways. */
static void make_tcp(struct source *self)
{
	int pair[2];

	tcp_pair(pair);
	self->near = pair[0];
	self->far = pair[1];
}

/* Two wait queues, and a file system on which nothing has been watched before. */
static void make_fifo(struct source *self)
{
	char folder[] = "/tmp/kevent-fifo-XXXXXX", path[64];

	CHECK(mkdtemp(folder));
	CHECK_EQ(mount("fresh", folder, "tmpfs", 0, NULL), 0);
	snprintf(path, sizeof(path), "%s/fifo", folder);
	CHECK_EQ(mkfifo(path, 0600), 0);
	self->near = open(path, O_RDWR | O_NONBLOCK);
	self->far = dup(self->near);
	CHECK_EQ(umount2(folder, MNT_DETACH), 0);
	CHECK_EQ(rmdir(folder), 0);
}

static struct ukevent inner;

static void make_inner_queue(struct source *self)
{
	self->near = kevent_init(NULL, 0, 0);
	self->far = dup(self->near);
	inner = add(self->near, KEVENT_USER, 1, 1, 0);
}

static void fire_inner(struct source *self)
{
	fire(self->near, inner);
}

static void take_inner(struct source *self)
{
	take_one(self->near);
}

static int fed[2];

static void make_epoll(struct source *self)
{
	struct epoll_event event = { .events = EPOLLIN };

	unix_pair(SOCK_STREAM, fed);
	self->near = epoll_create1(0);
	self->far = dup(self->near);
	CHECK_EQ(epoll_ctl(self->near, EPOLL_CTL_ADD, fed[0], &event), 0);
}

static void feed_epoll(struct source *self)
{
	put_byte(fed[1]);
}

static void drain_epoll(struct source *self)
{
	drain(fed[0]);
	close(fed[0]);
	close(fed[1]);
}

static void quiet(int number)
{
}

static void make_muted(struct source *self)
{
	self->near = SIGUSR2;
	self->second = (unsigned int)(KEVENT_SIGNAL_NOMASK >> 32);
	signal(SIGUSR2, quiet);
}

static void make_realtime(struct source *self)
{
	self->near = SIGRTMIN + 3;
	signal(self->near, quiet);
}

static void raise_it(struct source *self)
{
	CHECK_EQ(raise(self->near), 0);
}

static void settle_nothing(struct source *self)
{
}

static void write_far(struct source *self)
{
	put_byte(self->far);
}

static void drain_near(struct source *self)
{
	drain(self->near);
}

static const struct type_row more_rows[] = {
	{ "SOCKET tcp", KEVENT_SOCKET, KEVENT_SOCKET_RECV, true, make_tcp, write_far, drain_near },
	{ "POLL fifo", KEVENT_POLL, KEVENT_POLL_POLLIN, true, make_fifo, write_far, drain_near },
	{ "POLL queue", KEVENT_POLL, KEVENT_POLL_POLLIN, true, make_inner_queue, fire_inner,
	  take_inner },
	{ "POLL epoll", KEVENT_POLL, KEVENT_POLL_POLLIN, true, make_epoll, feed_epoll,
	  drain_epoll },
	{ "SIGNAL nomask", KEVENT_SIGNAL, KEVENT_SIGNAL_DELIVERY, false, make_muted, raise_it,
	  settle_nothing },
	{ "SIGNAL realtime", KEVENT_SIGNAL, KEVENT_SIGNAL_DELIVERY, false, make_realtime, raise_it,
	  settle_nothing },
};

static void prepare_add(struct scene *self)
{
	start_source(self->operation->detail, &self->source, KEVENT_REQ_ET);
}

static void act_add(struct scene *self)
{
	self->answer = self->source.entry;
	fail_keep(self, kevent_ctl(self->source.queue, KEVENT_CTL_ADD, 1, &self->answer));
}

/* One entry was refused for want of memory, and nothing is left of it. */
static bool added(struct scene *self, int queue)
{
	if (!fail_or(self, self->result == 1 ? 1 : 0))
		return false;
	if (self->result == 0)
		return true;
	CHECK_EQ(self->answer.ret_flags, KEVENT_RET_BROKEN | KEVENT_RET_DONE);
	CHECK_EQ((int)self->answer.ret_data[1], -ENOMEM);
	CHECK_EQ(queue_counter(queue, "registered"), 0);
	return false;
}

static bool add_succeeded(struct scene *self)
{
	return added(self, self->source.queue);
}

static void finish_source(struct scene *self)
{
	const struct type_row *row = self->operation->detail;
	struct source *source = &self->source;

	CHECK_EQ(queue_counter(source->queue, "registered"), 1);
	row->provoke(source);
	CHECK_SAME(take_one(source->queue), source->entry);
	row->settle(source);
	CHECK_EQ(remove_entry(source->queue, source->entry), 0);
	CHECK_EQ(queue_counter(source->queue, "registered"), 0);
	close(source->queue);
	if (source->far > 0) {
		close(source->near);
		close(source->far);
	}
}

static void prepare_registered(struct scene *self)
{
	prepare_add(self);
	CHECK_EQ(add_refusal(self->source.queue, self->source.entry), 0);
}

/* Another way of waking makes it hook itself anew. */
static void act_modify(struct scene *self)
{
	self->answer = self->source.entry;
	self->answer.req_flags = KEVENT_REQ_ET | KEVENT_REQ_WAKEUP_ALL;
	fail_keep(self, kevent_ctl(self->source.queue, KEVENT_CTL_MODIFY, 1, &self->answer));
}

static bool modify_succeeded(struct scene *self)
{
	if (!fail_or(self, 1))
		return false;
	CHECK_EQ(queue_counter(self->source.queue, "registered"), 1);
	if (self->answer.ret_flags == KEVENT_RET_DONE)
		return true;
	CHECK_EQ(self->answer.ret_flags, KEVENT_RET_DONE | KEVENT_RET_BROKEN);
	CHECK_EQ((int)self->answer.ret_data[1], -ENOMEM);
	return false;
}

static void act_remove(struct scene *self)
{
	self->answer = self->source.entry;
	fail_keep(self, kevent_ctl(self->source.queue, KEVENT_CTL_REMOVE, 1, &self->answer));
}

/* Nothing keeps a registration from being removed. */
static bool remove_succeeded(struct scene *self)
{
	CHECK_EQ(self->result, 1);
	CHECK_EQ(self->answer.ret_flags, KEVENT_RET_DONE);
	CHECK_EQ(queue_counter(self->source.queue, "registered"), 0);
	return true;
}

static void finish_removed(struct scene *self)
{
	CHECK_EQ(add_refusal(self->source.queue, self->source.entry), 0);
	finish_source(self);
}

static void close_transfer(struct scene *self)
{
	close(self->queue);
	close(self->other);
	close(self->pair[0]);
	close(self->pair[1]);
}

static char memory[BLOCK];

static void prepare_transfer(struct scene *self)
{
	self->queue = kevent_init(NULL, 0, 0);
	self->other = make_file(false, 0);
	CHECK_EQ(pwrite(self->other, "data", 4, 0), 4);
	unix_pair(SOCK_STREAM, self->pair);
}

static void prepare_recv(struct scene *self)
{
	prepare_transfer(self);
	prepare_naio(&self->transfer, self->pair[0], KEVENT_NAIO_RECV, memory, 4, 0);
}

static void prepare_read(struct scene *self)
{
	prepare_transfer(self);
	prepare_aio(&self->transfer, KEVENT_AIO_READ, self->other, memory, 4, 0);
}

static void prepare_write(struct scene *self)
{
	prepare_transfer(self);
	prepare_aio(&self->transfer, KEVENT_AIO_WRITE, self->other, memory, 4, 0);
}

static void prepare_sendfile(struct scene *self)
{
	prepare_transfer(self);
	prepare_aio(&self->transfer, KEVENT_AIO_SENDFILE, self->other, NULL, 4, 0);
	self->transfer.what.out_fd = self->pair[0];
}

static void act_transfer(struct scene *self)
{
	self->transfer.entry.req_flags = KEVENT_REQ_ALWAYS_QUEUE;
	self->answer = self->transfer.entry;
	fail_keep(self, kevent_ctl(self->queue, KEVENT_CTL_ADD, 1, &self->answer));
}

static bool transfer_succeeded(struct scene *self)
{
	return added(self, self->queue);
}

static void finish_transfer(struct scene *self)
{
	if (self->transfer.entry.type == KEVENT_NAIO)
		CHECK_EQ(write(self->pair[1], "data", 4), 4);
	done(self->queue, self->transfer.entry, 4);
	close_transfer(self);
}

/* More than fits: a part is moved before anything is kept of the operation. */
static unsigned char much[1 << 20];

static void prepare_send(struct scene *self)
{
	prepare_transfer(self);
	fill_pattern(much, sizeof(much), 0);
	prepare_naio(&self->transfer, self->pair[0], KEVENT_NAIO_SEND, much, sizeof(much), 0);
}

static void act_send(struct scene *self)
{
	self->answer = self->transfer.entry;
	fail_keep(self, kevent_ctl(self->queue, KEVENT_CTL_ADD, 1, &self->answer));
}

/* What a failure says was moved is what the peer has got. */
static bool send_succeeded(struct scene *self)
{
	int error = -(int)self->answer.ret_data[1];

	if (!fail_or(self, self->result == 1 ? 1 : 0))
		return false;
	if (self->result == 0)
		return true;
	CHECK(self->answer.ret_flags & KEVENT_RET_BROKEN);
	CHECK(error == ENOMEM || error == ENOBUFS);
	read_pattern(self->pair[1], self->answer.ret_data[0], 0);
	CHECK(!readable(self->pair[1], 0));
	CHECK_EQ(queue_counter(self->queue, "registered"), 0);
	return false;
}

static void finish_send(struct scene *self)
{
	read_pattern(self->pair[1], sizeof(much), 0);
	done(self->queue, self->transfer.entry, sizeof(much));
	close_transfer(self);
}

static const struct fail_operation transfers[] = {
	{ "NAIO send of much", prepare_send, act_send, send_succeeded, finish_send, true, NULL, 0 },
	{ "NAIO receive", prepare_recv, act_transfer, transfer_succeeded, finish_transfer, true,
	  NULL, 0 },
	{ "AIO read", prepare_read, act_transfer, transfer_succeeded, finish_transfer, true, NULL, 0 },
	{ "AIO write", prepare_write, act_transfer, transfer_succeeded, finish_transfer, true,
	  NULL, 0 },
	{ "AIO sendfile", prepare_sendfile, act_transfer, transfer_succeeded, finish_transfer, true,
	  NULL, 0 },
};

static void register_row(const struct type_row *row)
{
	struct fail_operation *operations = calloc(3, sizeof(*operations));

	if (!operations)
		abort();
	operations[0] = (struct fail_operation){ row->name,	prepare_add, act_add, add_succeeded,
						 finish_source, true,	     row, 0 };
	operations[1] = (struct fail_operation){
		row->name,     prepare_registered, act_modify, modify_succeeded,
		finish_source, false,		   row, 0
	};
	operations[2] = (struct fail_operation){
		row->name,	prepare_registered, act_remove, remove_succeeded,
		finish_removed, false,		    row, 0
	};
	fail_register("ADD without memory:", &operations[0]);
	fail_register("MODIFY without memory:", &operations[1]);
	fail_register("REMOVE without memory:", &operations[2]);
}

KTEST_TABLE(register_operations)
{
	for (size_t i = 0; i < TYPE_ROWS; i++)
		register_row(&type_rows[i]);
	for (size_t i = 0; i < COUNT(more_rows); i++)
		register_row(&more_rows[i]);
	for (size_t i = 0; i < COUNT(transfers); i++)
		fail_register("ADD without memory:", &transfers[i]);
}
