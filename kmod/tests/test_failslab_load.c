// SPDX-License-Identifier: MIT
/* Loading the module while allocations fail in turn. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fail.h"

/* Most allocations are the module loader's own; those of the module come among them. */
#define STEP 3

static int load(const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC), result;

	CHECK_GE(file, 0);
	result = (int)syscall(SYS_finit_module, file, "", 0);
	close(file);
	return result;
}

CASE_WITHIN(a_load_without_memory_fails_and_leaves_nothing, 120)
{
	const char *path = getenv("KEVENT_TEST_MODULE");
	unsigned int nth = 1, refused = 0;
	bool used = true;

	fail_need();
	if (!path)
		SKIP("KEVENT_TEST_MODULE does not say which file the module is");
	for (; used; nth += STEP) {
		int result, error;

		CHECK_LT(nth, 3000);
		CHECK_EQ(syscall(SYS_delete_module, "kevent", 0), 0);
		CHECK(access(KEVENT_DEVICE, F_OK) != 0);
		fail_arm(nth);
		result = load(path);
		error = errno;
		used = fail_disarm();
		if (result != 0) {
			CHECK(used);
			CHECK_EQ(error, ENOMEM);
			CHECK(access(KEVENT_DEVICE, F_OK) != 0);
			refused++;
			CHECK_EQ(load(path), 0);
		}
	}
	ktest_note("%u allocations, every third of them failed, which refused %u loads", nth,
		   refused);
	CHECK_GT(refused, 0);
	CHECK_EQ(access(KEVENT_DEVICE, F_OK), 0);
}
