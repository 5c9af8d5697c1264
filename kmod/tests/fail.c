// SPDX-License-Identifier: MIT
#include "fail.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

/* No call of the module has so many allocations, with all that it calls. */
#define MOST 400

/* What is allowed to the user while a case runs: a registration that is not given back shows. */
#define WATCHES 6
#define WATCHES_FILE "/sys/module/kevent/parameters/max_user_watches"

#define DEBUGFS "/sys/kernel/debug"

static int fail_nth = -1;

bool fail_write(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY);
	ssize_t written = fd < 0 ? -1 : write(fd, value, strlen(value));

	if (fd >= 0)
		close(fd);
	return written >= 0;
}

void fail_again(void)
{
	if (fail_nth >= 0)
		close(fail_nth);
	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	CHECK_GE(fail_nth, 0);
}

void fail_need(void)
{
	if (access("/proc/thread-self/fail-nth", W_OK) != 0)
		SKIP("the kernel injects no faults: it has no /proc/thread-self/fail-nth");
	if (access(DEBUGFS "/failslab", F_OK) != 0)
		mount("debugfs", DEBUGFS, "debugfs", 0, NULL);
	/* Allocations that may sleep fail, too, and single pages. Nothing is said of each. */
	CHECK(fail_write(DEBUGFS "/failslab/ignore-gfp-wait", "N"));
	CHECK(fail_write(DEBUGFS "/failslab/verbose", "0"));
	CHECK(fail_write(DEBUGFS "/fail_page_alloc/ignore-gfp-wait", "N"));
	CHECK(fail_write(DEBUGFS "/fail_page_alloc/min-order", "0"));
	CHECK(fail_write(DEBUGFS "/fail_page_alloc/verbose", "0"));
	fail_again();
}

void fail_arm(unsigned int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", nth);

	CHECK_EQ(pwrite(fail_nth, text, (size_t)length, 0), length);
}

bool fail_left(void)
{
	char text[16] = "";

	CHECK_GT(pread(fail_nth, text, sizeof(text) - 1, 0), 0);
	return strtoul(text, NULL, 10) != 0;
}

bool fail_disarm(void)
{
	bool left = fail_left();

	CHECK_EQ(pwrite(fail_nth, "0", 1, 0), 1);
	return !left;
}

void fail_keep(struct scene *self, int result)
{
	self->error = errno;
	self->result = result;
}

bool fail_or(struct scene *self, int wanted)
{
	if (self->result == wanted)
		return true;
	if (self->result != -1 || self->error != ENOMEM)
		ktest_fail(__FILE__, __LINE__, "returned %d (%s), wanted %d or ENOMEM",
			   self->result, strerror(self->error), wanted);
	return false;
}

/* How many queues there are on this machine. */
static unsigned int count_queues(void)
{
	FILE *list = fopen(DEBUGFS "/kevent/queues", "r");
	unsigned int count = 0;
	char line[128];

	CHECK(list);
	while (fgets(line, sizeof(line), list))
		count += strncmp(line, "queue:", 6) == 0;
	fclose(list);
	return count;
}

/* As many as are allowed can be registered, so all that was has been given back. */
static void check_watches(void)
{
	int queue = kevent_init(NULL, 0, 0);

	CHECK_GE(queue, 0);
	for (unsigned int i = 0; i < WATCHES; i++)
		add(queue, KEVENT_USER, i, 1, 0);
	CHECK_EQ(add_refusal(queue, request(KEVENT_USER, WATCHES, 1, 0)), ENOSPC);
	close(queue);
}

/* One after the other; returns how many of the failures were errors of the call. */
static unsigned int fail_each(const struct fail_operation *operation, unsigned int *tried)
{
	unsigned int refused = 0, step = operation->step ? operation->step : 1;

	for (unsigned int nth = 1;; nth += step) {
		struct scene scene = { .operation = operation };
		bool used;

		CHECK_LE(nth, MOST);
		operation->prepare(&scene);
		fail_arm(nth);
		operation->act(&scene);
		used = fail_disarm();
		if (!operation->succeeded(&scene)) {
			if (!used)
				ktest_fail(__FILE__, __LINE__, "fails without a fault");
			refused++;
			operation->act(&scene);
			if (!operation->succeeded(&scene))
				ktest_fail(__FILE__, __LINE__,
					   "fails again after allocation %u had failed", nth);
		}
		operation->finish(&scene);
		if (!used) {
			*tried = (nth - 1) / step;
			return refused;
		}
	}
}

static void run_operation(const void *argument)
{
	const struct fail_operation *operation = argument;
	unsigned int queues, tried, refused;
	char before[32] = "", limit[16];
	FILE *file;

	fail_need();
	queues = count_queues();
	file = fopen(WATCHES_FILE, "r");
	CHECK(file && fgets(before, sizeof(before), file));
	fclose(file);
	snprintf(limit, sizeof(limit), "%u", WATCHES);
	CHECK(fail_write(WATCHES_FILE, limit));
	refused = fail_each(operation, &tried);
	check_watches();
	CHECK(fail_write(WATCHES_FILE, before));
	CHECK_EQ(count_queues(), queues);
	ktest_note("%u allocations failed in turn, %u of them failed the call", tried, refused);
	if (operation->can_fail)
		CHECK_GT(refused, 0);
}

void fail_register(const char *name, const struct fail_operation *operation)
{
	ktest_register_cell(name, operation->name, run_operation, operation, 60);
}
