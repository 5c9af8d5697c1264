// SPDX-License-Identifier: MIT
#include "source.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void make_socket(struct source *self)
{
	int pair[2];

	unix_pair(SOCK_STREAM, pair);
	self->near = pair[0];
	self->far = pair[1];
}

static void make_pipe(struct source *self)
{
	int pair[2];

	pipe_pair(pair);
	self->near = pair[0];
	self->far = pair[1];
}

static void make_nothing(struct source *self)
{
	self->near = 0;
}

static void provoke_write(struct source *self)
{
	put_byte(self->far);
}

static void settle_read(struct source *self)
{
	drain(self->near);
}

static void provoke_user(struct source *self)
{
	/* A user event exists only while it is registered. */
	struct ukevent copy = self->entry;

	kevent_ctl(self->queue, KEVENT_CTL_READY, 1, &copy);
}

static long firings(int queue)
{
	return queue_counter(queue, "fired") + queue_counter(queue, "merged");
}

static void provoke_timer(struct source *self)
{
	/* MODIFY arms it anew, so it expires after this call and not once more for a long time. */
	struct ukevent copy = self->entry;
	/* Of which READY gives one before. */
	long due = firings(self->queue) + (copy.req_flags & KEVENT_REQ_READY ? 2 : 1);
	int64_t deadline = now_ms() + SOON_MS;

	copy.event = KEVENT_TIMER_FIRED | KEVENT_TIMER_START;
	copy.ret_data[0] = 0;
	copy.ret_data[1] = 1000;
	kevent_ctl(self->queue, KEVENT_CTL_MODIFY, 1, &copy);
	while (firings(self->queue) < due) {
		CHECK_LT(now_ms(), deadline);
		sched_yield();
	}
}

static void settle_nothing(struct source *self)
{
}

static void make_directory(struct source *self)
{
	char path[] = "/tmp/kevent-table-XXXXXX";

	CHECK(mkdtemp(path));
	self->near = open(path, O_RDONLY | O_DIRECTORY);
	CHECK_GE(self->near, 0);
}

static void provoke_attribute(struct source *self)
{
	static unsigned int mode;

	CHECK_EQ(fchmod(self->near, mode++ & 0777), 0);
}

static void quiet(int number)
{
}

static void make_signal(struct source *self)
{
	self->near = SIGUSR1;
	signal(SIGUSR1, quiet);
}

static void provoke_signal(struct source *self)
{
	CHECK_EQ(raise(self->near), 0);
}

static void make_posix_timer(struct source *self)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };

	signal(SIGRTMIN, SIG_IGN);
	self->second = (unsigned int)SIGRTMIN;
	CHECK_EQ(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &self->near), 0);
}

static void provoke_posix_timer(struct source *self)
{
	struct itimerspec soon = { .it_value.tv_nsec = 1 };

	CHECK_EQ(syscall(SYS_timer_settime, self->near, 0, &soon, NULL), 0);
	while (soon.it_value.tv_nsec || soon.it_value.tv_sec)
		CHECK_EQ(syscall(SYS_timer_gettime, self->near, &soon), 0);
}

const struct type_row type_rows[TYPE_ROWS] = {
	{ "SOCKET", KEVENT_SOCKET, KEVENT_SOCKET_RECV, true, make_socket, provoke_write,
	  settle_read },
	{ "POLL", KEVENT_POLL, KEVENT_POLL_POLLIN, true, make_socket, provoke_write, settle_read },
	{ "PIPE", KEVENT_PIPE, KEVENT_PIPE_RECV, true, make_pipe, provoke_write, settle_read },
	{ "TIMER", KEVENT_TIMER, KEVENT_TIMER_FIRED, false, make_nothing, provoke_timer,
	  settle_nothing },
	{ "INODE", KEVENT_INODE, KEVENT_INODE_ATTRIB, false, make_directory, provoke_attribute,
	  settle_nothing },
	{ "SIGNAL", KEVENT_SIGNAL, KEVENT_SIGNAL_DELIVERY, false, make_signal, provoke_signal,
	  settle_nothing },
	{ "POSIX_TIMER", KEVENT_POSIX_TIMER, KEVENT_POSIX_TIMER_FIRED, false, make_posix_timer,
	  provoke_posix_timer, settle_nothing },
	{ "USER", KEVENT_USER, KEVENT_USER_FIRED, false, make_nothing, provoke_user,
	  settle_nothing },
};

void start_source(const struct type_row *row, struct source *self, unsigned int flags)
{
	self->queue = kevent_init(NULL, 0, 0);
	CHECK_GE(self->queue, 0);
	self->second = 0;
	row->make(self);
	self->entry = request(row->type, (unsigned int)self->near, row->event, flags);
	self->entry.id.raw[1] = self->second;
	/* The timer's own period is never reached. */
	if (row->type == KEVENT_TIMER)
		self->entry.id.raw[0] = 3600;
}
