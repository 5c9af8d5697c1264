// SPDX-License-Identifier: MIT
/*
 * The table of flags and types: each of the 64 sets of request flags on each type that can be
 * provoked from user space goes through the same steps, and a model of the flags says what must be
 * seen. What the model says is what the manual page's table says.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "queue.h"

#define FLAG_SETS 64

/* A source of events, private to a case. */
struct source {
	int near;
	int far;
	unsigned int second;	/* the other half of the id */
	struct ukevent entry;
	int queue;
};

struct type_row {
	const char *name;
	unsigned int type;
	unsigned int event;
	/* Events say that something holds, which can be looked at again; else they just happen. */
	bool condition;
	void (*make)(struct source *self);
	void (*provoke)(struct source *self);
	void (*settle)(struct source *self);
};

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

static void provoke_timer(struct source *self)
{
	/* MODIFY arms it anew, so it expires after this call and not once more for a long time. */
	struct ukevent copy = self->entry;

	copy.event = KEVENT_TIMER_FIRED | KEVENT_TIMER_START;
	copy.ret_data[0] = 0;
	copy.ret_data[1] = 1000;
	kevent_ctl(self->queue, KEVENT_CTL_MODIFY, 1, &copy);
	usleep(3000);
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

static const struct type_row rows[] = {
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

struct cell {
	const struct type_row *row;
	unsigned int flags;
};

/* Is the source asked before a report? */
static bool asked_before_report(const struct cell *cell)
{
	if (!cell->row->condition)
		return false;
	if (cell->flags & KEVENT_REQ_LAST_CHECK)
		return true;
	return !(cell->flags & (KEVENT_REQ_ONESHOT | KEVENT_REQ_ET));
}

/* Does a report repeat while the condition holds? */
static bool repeats(const struct cell *cell)
{
	return cell->row->condition && !(cell->flags & (KEVENT_REQ_ONESHOT | KEVENT_REQ_ET));
}

static bool ends_with_report(const struct cell *cell)
{
	return cell->flags & KEVENT_REQ_ONESHOT;
}

static void start(const struct cell *cell, struct source *self)
{
	self->queue = kevent_init(NULL, 0, 0);
	CHECK_GE(self->queue, 0);
	self->second = 0;
	cell->row->make(self);
	self->entry = request(cell->row->type, (unsigned int)self->near, cell->row->event,
			      cell->flags);
	self->entry.id.raw[1] = self->second;
	/* The timer's own period is never reached. */
	if (cell->row->type == KEVENT_TIMER)
		self->entry.id.raw[0] = 3600;
}

/* One report is there; returns whether the registration still is. */
static bool reported(const struct cell *cell, struct source *self)
{
	struct ukevent event = take_one(self->queue);

	CHECK_SAME(event, self->entry);
	CHECK_EQ(event.ret_flags, KEVENT_RET_DONE);
	CHECK_EQ(event.req_flags, cell->flags);
	if (!ends_with_report(cell))
		return true;
	take_none(self->queue);
	CHECK_EQ(remove_entry(self->queue, self->entry), -1);
	return false;
}

static void quiet_at_add(const struct cell *cell)
{
	struct source self;
	bool there = true;

	start(cell, &self);
	CHECK_EQ(add_refusal(self.queue, self.entry), 0);
	if (cell->flags & KEVENT_REQ_READY && !asked_before_report(cell))
		there = reported(cell, &self);
	take_none(self.queue);
	if (!there)
		return;

	cell->row->provoke(&self);
	there = reported(cell, &self);
	if (there && repeats(cell)) {
		reported(cell, &self);
		reported(cell, &self);
	}
	if (there && !repeats(cell))
		take_none(self.queue);
	cell->row->settle(&self);
	take_none(self.queue);
	if (!there)
		return;

	cell->row->provoke(&self);
	cell->row->settle(&self);
	if (!asked_before_report(cell))
		reported(cell, &self);
	take_none(self.queue);
	CHECK_EQ(remove_entry(self.queue, self.entry), 0);
}

static void ready_at_add(const struct cell *cell)
{
	struct source self;
	struct ukevent answer;
	bool queued = cell->flags & (KEVENT_REQ_ALWAYS_QUEUE | KEVENT_REQ_READY);

	if (!cell->row->condition)
		return;
	start(cell, &self);
	cell->row->provoke(&self);
	answer = self.entry;
	CHECK_EQ(add_entry(self.queue, &answer), queued ? 0 : 1);
	if (!queued) {
		CHECK_SAME(answer, self.entry);
		CHECK_EQ(answer.ret_flags, KEVENT_RET_DONE);
		take_none(self.queue);
		CHECK_EQ(remove_entry(self.queue, self.entry), -1);
		return;
	}
	if (!reported(cell, &self))
		return;
	if (repeats(cell))
		reported(cell, &self);
	else
		take_none(self.queue);
	CHECK_EQ(remove_entry(self.queue, self.entry), 0);
}

static void two_queues(const struct cell *cell)
{
	int other, told;
	struct source self;
	struct ukevent event;

	/* READY reports without an event; that is not what is counted here. */
	if (!cell->row->condition || cell->flags & KEVENT_REQ_READY)
		return;
	start(cell, &self);
	other = kevent_init(NULL, 0, 0);
	CHECK_EQ(add_refusal(self.queue, self.entry), 0);
	CHECK_EQ(add_refusal(other, self.entry), 0);
	cell->row->provoke(&self);
	told = (int)take(self.queue, &event, 1, 0) + (int)take(other, &event, 1, 0);
	CHECK_EQ(told, cell->flags & KEVENT_REQ_WAKEUP_ALL ? 2 : 1);
}

static void run_cell(const void *argument)
{
	const struct cell *cell = argument;

	quiet_at_add(cell);
	ready_at_add(cell);
	two_queues(cell);
}

static void run_unknown_flag(const void *argument)
{
	struct cell cell = { .row = argument };
	struct source self;

	for (unsigned int bit = 0x40; bit; bit <<= 1) {
		start(&cell, &self);
		self.entry.req_flags = bit;
		CHECK_EQ(add_refusal(self.queue, self.entry), EINVAL);
		self.entry.req_flags = 0;
		CHECK_EQ(add_refusal(self.queue, self.entry), 0);
		self.entry.req_flags = bit;
		CHECK_LE(kevent_ctl(self.queue, KEVENT_CTL_MODIFY, 1, &self.entry), 1);
		CHECK(!(self.entry.ret_flags & KEVENT_RET_DONE) ||
		      self.entry.ret_flags & KEVENT_RET_BROKEN);
		close(self.queue);
	}
}

static void name_of(unsigned int flags, char *text, size_t size)
{
	static const char *const names[] = { "ONESHOT",	   "WAKEUP_ALL",   "ET",
					     "LAST_CHECK", "ALWAYS_QUEUE", "READY" };

	text[0] = '\0';
	for (int i = 0; i < 6; i++) {
		if (!(flags & 1U << i))
			continue;
		strncat(text, text[0] ? "|" : "", size - strlen(text) - 1);
		strncat(text, names[i], size - strlen(text) - 1);
	}
	if (!flags)
		strncat(text, "none", size - 1);
}

KTEST_TABLE(register_cells)
{
	static struct cell cells[sizeof(rows) / sizeof(rows[0])][FLAG_SETS];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (unsigned int flags = 0; flags < FLAG_SETS; flags++) {
			char what[96];

			name_of(flags, what, sizeof(what));
			cells[i][flags] = (struct cell){ &rows[i], flags };
			ktest_register_cell(rows[i].name, what, run_cell, &cells[i][flags],
					    KTEST_SECONDS);
		}
		ktest_register_cell(rows[i].name, "unknown flags", run_unknown_flag, &rows[i],
				    KTEST_SECONDS);
	}
}
