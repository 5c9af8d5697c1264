// SPDX-License-Identifier: MIT
/* The framework itself: each way a case can end, seen from a program run as a child. */
#include "ktest.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Set in the child, whose cases end as their names say; without it they do not exist. */
#define CHILD "KTEST_FRAMEWORK_CHILD"

static void passes(const void *argument)
{
	CHECK_EQ(1, 1);
	CHECK_ERRNO(close(-1), EBADF);
}

static void fails(const void *argument)
{
	CHECK_EQ(1, 2);
}

static void *fail_in_thread(void *argument)
{
	CHECK(false);
	return argument;
}

static void fails_in_a_thread(const void *argument)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, fail_in_thread, NULL), 0);
	for (;;)
		pause();
}

static void skips(const void *argument)
{
	SKIP("because");
}

static void hangs(const void *argument)
{
	/* A helper of a hanging case must die with it, or the pipe of its output stays open. */
	fork();
	for (;;)
		pause();
}

static void crashes(const void *argument)
{
	raise(SIGSEGV);
}

static void fails_in_a_helper(const void *argument)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(3);
	JOIN(pid);
}

KTEST_TABLE(child_cases)
{
	if (!getenv(CHILD))
		return;
	ktest_register_cell("child", "passes", passes, NULL, 5);
	ktest_register_cell("child", "fails", fails, NULL, 5);
	ktest_register_cell("child", "fails in a thread", fails_in_a_thread, NULL, 20);
	ktest_register_cell("child", "skips", skips, NULL, 5);
	ktest_register_cell("child", "hangs", hangs, NULL, 1);
	ktest_register_cell("child", "crashes", crashes, NULL, 5);
	ktest_register_cell("child", "fails in a helper", fails_in_a_helper, NULL, 5);
}

static int run_child(const char *part, char *output, size_t size)
{
	char command[256], self[200];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int status;
	FILE *pipe;

	CHECK_GT(length, 0);
	self[length] = '\0';
	snprintf(command, sizeof(command), CHILD "=1 %s %s", self, part);
	pipe = popen(command, "r");
	CHECK(pipe);
	length = (ssize_t)fread(output, 1, size - 1, pipe);
	output[length] = '\0';
	status = pclose(pipe);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

CASE(every_way_to_end_is_counted_and_reported)
{
	char output[4096], killed[64];

	CHECK_EQ(run_child("child", output, sizeof(output)), 1);
	CHECK(strstr(output, "ok child passes\n"));
	CHECK(strstr(output, "FAIL child fails: test_framework.c:"));
	CHECK(strstr(output, "1 == 2: 1 and 2\n"));
	CHECK(strstr(output, "FAIL child fails in a thread: test_framework.c:"));
	CHECK(strstr(output, "SKIP child skips: because\n"));
	snprintf(killed, sizeof(killed), "FAIL child hangs: killed after %u s\n", ktest_slowness());
	CHECK(strstr(output, killed));
	CHECK(strstr(output, "FAIL child crashes: killed by signal 11"));
	CHECK(strstr(output, "helper process left with status 3\n"));
	CHECK(strstr(output, "\n1 passed, 5 failed, 1 skipped\n"));
}

CASE(a_name_that_selects_nothing_fails)
{
	char output[4096];

	CHECK_EQ(run_child("nonesuch", output, sizeof(output)), 1);
	CHECK(strstr(output, "0 passed, 1 failed, 0 skipped\n"));
}

CASE(a_run_without_failures_ends_with_status_0)
{
	char output[4096];

	CHECK_EQ(run_child("passes skips", output, sizeof(output)), 0);
	CHECK(strstr(output, "1 passed, 0 failed, 1 skipped\n"));
}
