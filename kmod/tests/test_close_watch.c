// SPDX-License-Identifier: MIT
/* What the module hears closes with, and that others who trace do not get in its way. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "queue.h"

#define TRACING "/sys/kernel/tracing"
#define SWITCH "/proc/sys/kernel/ftrace_enabled"
#define HOOKED_FUNCTION "__fput"

/* The word after "close-watch:" in the queue's fdinfo. */
static void read_way(int queue, char way[16])
{
	char path[64], line[128];
	FILE *file;

	way[0] = 0;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", queue);
	file = fopen(path, "r");
	CHECK(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "close-watch: %15s", way) == 1)
			break;
	}
	fclose(file);
}

static bool hooked(int queue)
{
	char way[16];

	read_way(queue, way);
	return !strcmp(way, "ftrace");
}

static void need_hook(int queue)
{
	if (!hooked(queue))
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

CASE_ON(queue, the_way_closes_are_heard_is_the_one_asked_for_at_load)
{
	const char *asked = getenv("KEVENT_TEST_CLOSE_WATCH");
	char way[16];

	read_way(self->fd, way);
	/* Every kernel of the test guests lets the hook hear; "auto" must not fall back in silence. */
	CHECK(!strcmp(way, asked ? asked : "ftrace"));
}

CASE_ON(queue, a_file_is_hooked_while_it_is_watched)
{
	need_hook(self->fd);
	watch_by_hook(self->fd);
	CHECK(is_traced());
}

CASE_ON(queue, tracing_cannot_be_switched_off_under_a_watched_file)
{
	need_hook(self->fd);
	watch_by_hook(self->fd);
	CHECK_EQ(put_text(SWITCH, "0"), EBUSY);
	check_close_is_heard(self->fd);
}

CASE_ON(queue, closes_are_heard_beside_a_function_tracer)
{
	need_hook(self->fd);
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
	need_hook(self->fd);
	check_close_is_heard(self->fd);
	while (is_traced())
		usleep(200000);
	watch_by_hook(self->fd);
}
