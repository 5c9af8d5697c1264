// SPDX-License-Identifier: MIT
/* Allocations that fail in other tasks: one that executes, an epoll program, the module's workers. */
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "carried.h"
#include "fail.h"

#define PROGRAM "KEVENT_TEST_PROGRAM"
#define SOMEBODY 12345

/* Most allocations of an exec are the kernel's own. */
#define EXEC_STEP 11

enum { STATUS_ALL_FAILED = 42 };

/* After exec: was there an allocation left to fail? */
static int run_executed(void)
{
	fail_again();
	return fail_left() ? STATUS_ALL_FAILED : 0;
}

/* The calls of an epoll program under the preload library. */
enum epoll_step { STEP_ADD, STEP_MODIFY, STEP_WAIT, STEP_DELETE, STEP_CREATE, STEPS };

struct epoll_program {
	int queue;
	int fd;
	struct epoll_event event;
};

static int do_step(struct epoll_program *self, enum epoll_step step)
{
	self->event = (struct epoll_event){ .events = EPOLLIN, .data.u64 = 7 };
	switch (step) {
	case STEP_CREATE:
		self->queue = epoll_create1(0);
		return self->queue < 0 ? -1 : 0;
	case STEP_ADD:
		return epoll_ctl(self->queue, EPOLL_CTL_ADD, self->fd, &self->event);
	case STEP_MODIFY:
		return epoll_ctl(self->queue, EPOLL_CTL_MOD, self->fd, &self->event);
	case STEP_WAIT:
		self->event.data.u64 = 0;
		return epoll_wait(self->queue, &self->event, 1, SOON_MS) - 1;
	default:
		return epoll_ctl(self->queue, EPOLL_CTL_DEL, self->fd, NULL);
	}
}

/* Runs the program with an allocation failing in one of its calls. True if one did. */
static bool try_epoll(enum epoll_step failing, unsigned int nth, unsigned int *failed)
{
	static const enum epoll_step steps[] = { STEP_CREATE, STEP_ADD, STEP_MODIFY, STEP_WAIT,
						 STEP_DELETE };
	struct epoll_program program = { .fd = eventfd(1, EFD_NONBLOCK) };
	bool used = false;

	for (unsigned int i = 0; i < STEPS; i++) {
		int result;

		if (steps[i] == failing)
			fail_arm(nth);
		result = do_step(&program, steps[i]);
		if (steps[i] == failing)
			used = fail_disarm();
		if (result != 0) {
			CHECK(used);
			CHECK_EQ(errno, ENOMEM);
			++*failed;
			CHECK_EQ(do_step(&program, steps[i]), 0);
		}
		if (steps[i] == STEP_WAIT)
			CHECK_EQ(program.event.data.u64, 7);
	}
	CHECK_EQ(epoll_wait(program.queue, &program.event, 1, 0), 0);
	close(program.queue);
	close(program.fd);
	return used;
}

/* Creation comes last: without memory for its first queue the library leaves all to epoll. */
static int run_epoll(void)
{
	unsigned int tried = 0, failed = 0;

	fail_need();
	/* Whatever is done once for the whole program. */
	CHECK(!try_epoll(STEPS, 1, &failed));
	for (enum epoll_step step = 0; step < STEPS; step++) {
		unsigned int nth = 1;

		while (try_epoll(step, nth, &failed))
			CHECK_LT(nth++, 400);
		tried += nth - 1;
	}
	ktest_note("%u allocations failed in turn, %u of them failed a call", tried, failed);
	return failed == 0;
}

KTEST_TABLE(be_another_program)
{
	const char *program = getenv(PROGRAM);

	if (program)
		exit(strcmp(program, "epoll") == 0 ? run_epoll() : run_executed());
}

/* The loader's allocations fail, too, about which it complains. */
static void be_silent(void)
{
	int nowhere = open("/dev/null", O_WRONLY);

	CHECK_EQ(dup2(nowhere, STDERR_FILENO), STDERR_FILENO);
	close(nowhere);
}

static void run_as(const char *program)
{
	setenv(PROGRAM, program, 1);
	execl("/proc/self/exe", program, NULL);
	_exit(1);
}

CASE_WITHIN(a_queue_survives_an_exec_without_memory, 90)
{
	unsigned int nth = 1;
	int status;

	fail_need();
	do {
		int kept = kevent_init(NULL, 0, 0), closed = kevent_init(NULL, 0,
									 KEVENT_INIT_CLOEXEC);
		struct ukevent entry = add(kept, KEVENT_USER, 1, 1, 0);
		pid_t child;

		add(closed, KEVENT_USER, 1, 1, 0);
		child = fork();
		if (child == 0) {
			be_silent();
			fail_again();
			fail_arm(nth);
			run_as("executed");
		}
		/* It may have failed, or been killed where there was no way back. */
		CHECK_EQ(waitpid(child, &status, 0), child);
		fire(kept, entry);
		CHECK_SAME(take_one(kept), entry);
		close(kept);
		close(closed);
		nth += EXEC_STEP;
		CHECK_LT(nth, 1500);
	} while (!WIFEXITED(status) || WEXITSTATUS(status) != STATUS_ALL_FAILED);
	ktest_note("%u allocations, every %uth of them failed", nth, EXEC_STEP);
}

CASE_WITHIN(an_epoll_program_under_the_library_sees_enomem_and_goes_on, 90)
{
	int status;
	pid_t child;

	fail_need();
	child = fork();
	if (child == 0) {
		setenv("LD_PRELOAD", carried_library(), 1);
		run_as("epoll");
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

#define FAULTS "/sys/kernel/debug/fail_page_alloc/"

/* Workers are marked as tasks whose allocations may fail; new ones inherit it from kthreadd. */
static void mark_workers(const char *mark)
{
	DIR *tasks = opendir("/proc");
	struct dirent *entry;

	CHECK(tasks);
	while ((entry = readdir(tasks))) {
		char path[300], name[32] = "";
		int fd;

		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		fd = open(path, O_RDONLY);
		if (fd < 0)
			continue;
		if (read(fd, name, sizeof(name) - 1) > 0 &&
		    (strncmp(name, "kworker/u", 9) == 0 || strncmp(name, "kthreadd", 8) == 0)) {
			snprintf(path, sizeof(path), "/proc/%s/make-it-fail", entry->d_name);
			fail_write(path, mark);
		}
		close(fd);
	}
	closedir(tasks);
}

/* Sends a file; true if that broke for want of memory. Nothing else may become of it. */
static bool sending_broke(int file, size_t len)
{
	int queue = kevent_init(NULL, 0, 0), pair[2];
	struct transfer transfer;
	struct ukevent event;
	bool broke;

	unix_pair(SOCK_STREAM, pair);
	prepare_aio(&transfer, KEVENT_AIO_SENDFILE, file, NULL, len, 0);
	transfer.what.out_fd = pair[0];
	start(queue, &transfer);
	while (!readable(queue, 0))
		drain(pair[1]);
	event = take_one(queue);
	CHECK_SAME(event, transfer.entry);
	broke = event.ret_flags & KEVENT_RET_BROKEN;
	if (broke)
		CHECK_EQ((int)event.ret_data[1], -ENOMEM);
	else
		CHECK_EQ(event.ret_data[0], len);
	CHECK_EQ(remove_entry(queue, transfer.entry), -1);
	close(queue);
	close(pair[0]);
	close(pair[1]);
	return broke;
}

CASE_WITHIN(a_worker_without_memory_breaks_the_transfer, 90)
{
	size_t len = BLOCK * BLOCKS;
	unsigned int broke = 0;
	int file;

	fail_need();
	file = make_full_file(false, 0);
	CHECK(fail_write(FAULTS "task-filter", "Y"));
	mark_workers("1");
	for (unsigned int interval = 1; interval <= 40; interval++) {
		char text[16];

		snprintf(text, sizeof(text), "%u", interval);
		CHECK(fail_write(FAULTS "interval", text));
		CHECK(fail_write(FAULTS "times", "1"));
		CHECK(fail_write(FAULTS "probability", "100"));
		broke += sending_broke(file, len);
		CHECK(fail_write(FAULTS "probability", "0"));
		CHECK(!sending_broke(file, len));
	}
	mark_workers("0");
	CHECK(fail_write(FAULTS "task-filter", "N"));
	ktest_note("%u of 40 transfers broke", broke);
	CHECK_GT(broke, 0);
}

/* The limit is one ring: one that is not given back shows. */
static void count_locked_memory(void)
{
	struct rlimit limit = { 4096, 4096 };
	unsigned int nth = 1;
	bool used;

	CHECK_EQ(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	do {
		int64_t deadline = now_ms() + SOON_MS;
		struct kevent_mapped map;
		int queue;

		/* The last one is given back some time after it was closed. */
		do {
			CHECK_LT(now_ms(), deadline);
			queue = kevent_mapped_open(&map, 2, 0);
		} while (queue < 0);
		kevent_mapped_close(&map);
		do {
			CHECK_LT(now_ms(), deadline);
			fail_arm(nth);
			queue = kevent_mapped_open(&map, 2, 0);
			used = fail_disarm();
		} while (queue < 0 && !used);
		if (queue >= 0)
			kevent_mapped_close(&map);
		CHECK_LT(nth++, 400);
	} while (used);
}

CASE_WITHIN(locked_memory_is_given_back_when_init_fails, 90)
{
	struct stat device;
	int status;
	pid_t child;

	fail_need();
	CHECK_EQ(stat(KEVENT_DEVICE, &device), 0);
	CHECK_EQ(chmod(KEVENT_DEVICE, 0666), 0);
	child = fork();
	if (child == 0) {
		CHECK_EQ(setgroups(0, NULL), 0);
		CHECK_EQ(setresuid(SOMEBODY, SOMEBODY, SOMEBODY), 0);
		CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0);
		fail_again();
		count_locked_memory();
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(chmod(KEVENT_DEVICE, device.st_mode & 0777), 0);
	CHECK_EQ(status, 0);
}
