// SPDX-License-Identifier: MIT
/* What the module hears closes with, and that others who trace do not get in its way. */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "queue.h"

#define TRACING "/sys/kernel/tracing"
#define SWITCH "/proc/sys/kernel/ftrace_enabled"
#define HOOKED_FUNCTION "__fput"

static bool is_way(const char *wanted)
{
	char way[16] = "";
	FILE *file = fopen("/sys/module/kevent/parameters/close_watch", "r");

	CHECK(file);
	CHECK_EQ(fscanf(file, "%15s", way), 1);
	fclose(file);
	return !strcmp(way, wanted);
}

static void need_hook(void)
{
	if (!is_way("ftrace"))
		SKIP("the module was loaded with close_watch=fsnotify");
	if (geteuid() != 0)
		SKIP("not root");
	if (mount("none", TRACING, "tracefs", 0, NULL) != 0 && errno != EBUSY)
		SKIP("no tracefs: %s", strerror(errno));
}

/* Returns 0 or errno. */
static int put_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);
	int error = 0;

	CHECK_GE(fd, 0);
	if (write(fd, text, strlen(text)) < 0)
		error = errno;
	close(fd);
	return error;
}

static bool is_traced(void)
{
	char line[512];
	bool found = false;
	FILE *file = fopen(TRACING "/enabled_functions", "r");

	CHECK(file);
	while (!found && fgets(line, sizeof(line), file))
		found = !strncmp(line, HOOKED_FUNCTION " ", strlen(HOOKED_FUNCTION) + 1);
	fclose(file);
	return found;
}

static void check_close_is_heard(int queue)
{
	struct ukevent entry, event;
	int pair[2];

	pipe_pair(pair);
	entry = add(queue, KEVENT_PIPE, (unsigned int)pair[0], KEVENT_PIPE_RECV, KEVENT_REQ_ET);
	close(pair[0]);
	event = take_one(queue);
	CHECK_SAME(event, entry);
	CHECK_EQ(event.ret_flags, KEVENT_RET_BROKEN | KEVENT_RET_DONE);
	close(pair[1]);
}

/* Nothing tells of that but the list itself. */
static bool is_traced_no_more(int64_t milliseconds)
{
	int64_t end = now_ms() + milliseconds;

	while (is_traced()) {
		if (now_ms() > end)
			return false;
		poll(NULL, 0, 200);
	}
	return true;
}

/* Leaves a file watched through the hook: while that is being taken off, marks stand in for it. */
static void watch_by_hook(int queue)
{
	int pair[2];

	do {
		check_close_is_heard(queue);
		pipe_pair(pair);
		add(queue, KEVENT_PIPE, (unsigned int)pair[0], KEVENT_PIPE_RECV, 0);
	} while (!is_traced());
}

CASE(the_way_closes_are_heard_is_the_one_asked_for_at_load)
{
	const char *asked = getenv("KEVENT_TEST_CLOSE_WATCH");

	/* Every kernel of the test guests lets the hook hear; "auto" must not fall back in silence. */
	CHECK(is_way(asked ? asked : "ftrace"));
}

CASE_ON(queue, a_file_is_hooked_while_it_is_watched)
{
	need_hook();
	watch_by_hook(self->fd);
	CHECK(is_traced());
}

CASE_ON(queue, tracing_cannot_be_switched_off_under_a_watched_file)
{
	need_hook();
	watch_by_hook(self->fd);
	CHECK_EQ(put_text(SWITCH, "0"), EBUSY);
	check_close_is_heard(self->fd);
}

CASE_ON(queue, closes_are_heard_beside_a_function_tracer)
{
	need_hook();
	check_close_is_heard(self->fd);
	CHECK_EQ(put_text(TRACING "/set_ftrace_filter", HOOKED_FUNCTION), 0);
	CHECK_EQ(put_text(TRACING "/current_tracer", "function"), 0);
	check_close_is_heard(self->fd);
	/*
	 * Only this function: emulated processors execute breakpoints that are long gone when the
	 * code of all functions is patched while they run.
	 */
	CHECK_EQ(put_text(TRACING "/current_tracer", "nop"), 0);
	check_close_is_heard(self->fd);
}

CASE_ON_WITHIN(queue, the_hook_goes_some_time_after_the_last_watch, 120)
{
	need_hook();
	check_close_is_heard(self->fd);
	CHECK(is_traced_no_more(90000 * (int64_t)ktest_slowness()));
	watch_by_hook(self->fd);
	CHECK(is_traced());
}
