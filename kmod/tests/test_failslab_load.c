// SPDX-License-Identifier: MIT
/*
 * Loading the module while allocations fail in turn. It takes long and is run on its own.
 *
 * Settings: load (every how many allocations one fails; without it nothing is done).
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fail.h"

static int load(int file)
{
	return (int)syscall(SYS_finit_module, file, "", 0);
}

static void load_again_and_again(int file, unsigned int step)
{
	unsigned int nth = 1, refused = 0;
	bool used = true;

	fail_again();
	for (; used; nth += step) {
		int result, error;

		CHECK_LT(nth, 3000);
		CHECK_EQ(syscall(SYS_delete_module, "kevent", 0), 0);
		CHECK(access(KEVENT_DEVICE, F_OK) != 0);
		fail_arm(nth);
		result = load(file);
		error = errno;
		used = fail_disarm();
		if (result != 0) {
			CHECK(used);
			CHECK_EQ(error, ENOMEM);
			CHECK(access(KEVENT_DEVICE, F_OK) != 0);
			refused++;
			CHECK_EQ(load(file), 0);
		}
	}
	ktest_note("%u allocations, every %uth of them failed, which refused %u loads", nth, step,
		   refused);
	CHECK_GT(refused, 0);
	CHECK_EQ(access(KEVENT_DEVICE, F_OK), 0);
}

CASE_WITHIN(a_load_without_memory_fails_and_leaves_nothing, 120)
{
	unsigned int step = (unsigned int)ktest_setting("load", 0);
	const char *path = getenv("KEVENT_TEST_MODULE");
	int file, status;
	pid_t child;

	fail_need();
	if (!step)
		SKIP("every load takes seconds on such a kernel: ask for it with load=1");
	if (!path)
		SKIP("KEVENT_TEST_MODULE does not say which file the module is");
	file = open(path, O_RDONLY | O_CLOEXEC);
	CHECK_GE(file, 0);
	child = fork();
	if (child == 0) {
		load_again_and_again(file, step);
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	/* The programs after this one need it, whatever has failed here. */
	if (access(KEVENT_DEVICE, F_OK) != 0)
		CHECK_EQ(load(file), 0);
	CHECK_EQ(status, 0);
}
