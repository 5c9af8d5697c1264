// SPDX-License-Identifier: MIT
/*
 * Random calls on a shared pool of queues and descriptors, from several threads, as root and as a
 * user without privileges. What may not happen is seen elsewhere: in the kernel's log, in what the
 * watchdog kills, in the module that must unload afterwards. Here it is checked that the calls were
 * worth making: enough of them succeed, and each command met each type.
 *
 * Settings: seed, calls (all threads together).
 */
#include "fuzz.h"

#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ktest.h"

#define NOBODY 65534
#define NORMAL_CALLS 50000
/* Where checkers watch each of them. */
#define SLOW_CALLS 20000
#define LONG_CALLS 500000

static unsigned long calls_each;

static void nothing(int number)
{
}

static void catch_signals(void)
{
	/* Without SA_RESTART: a wait without end is over at the next tick. */
	struct sigaction action = { .sa_handler = nothing };

	for (int number = SIGRTMIN; number <= SIGRTMIN + 3; number++)
		sigaction(number, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

/* Interrupts this thread again and again, so that no wait lasts. */
static void start_tick(void)
{
	struct itimerspec period = { { 0, 10000000 }, { 0, 10000000 } };
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM };
	timer_t timer;

	event._sigev_un._tid = gettid();
	CHECK_EQ(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	CHECK_EQ(timer_settime(timer, 0, &period, NULL), 0);
}

static void *run_thread(void *argument)
{
	struct fuzz *self = argument;
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 2 };

	start_tick();
	self->memory = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);
	CHECK(self->memory != MAP_FAILED);
	CHECK_EQ(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &self->posix_timer), 0);
	for (unsigned long call = 0; call < calls_each; call++)
		fuzz_call(self);
	return NULL;
}

static void make_pool(struct fuzz *self)
{
	char name[] = "/tmp/kevent-fuzz-XXXXXX";
	struct rlimit small = { 1 << 20, 1 << 20 };

	CHECK(mkdtemp(name));
	snprintf(fuzz_directory, sizeof(fuzz_directory), "%s", name);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (int i = 0; i < FUZZ_POOL; i++) {
		fuzz_pool[i] = dup(0);
		CHECK_GE(fuzz_pool[i], 0);
	}
	for (unsigned int i = 0; i < FUZZ_POOL; i++) {
		int fd = fuzz_make(self, i);

		CHECK_GE(fd, 0);
		CHECK_GE(dup2(fd, fuzz_pool[i]), 0);
		close(fd);
	}
}

static void report(const struct fuzz_counts *counts)
{
	static const char *const commands[FUZZ_COMMANDS] = { "ADD", "REMOVE", "MODIFY", "READY" };
	char line[256];

	ktest_note("%lu calls, %lu succeeded (%lu %%)", counts->calls, counts->succeeded,
		   counts->succeeded * 100 / counts->calls);
	for (int i = 0; i < FUZZ_COMMANDS; i++) {
		int used = snprintf(line, sizeof(line), "%-6s by type, done/tried:", commands[i]);

		for (int type = 0; type < KEVENT_MAX && used < (int)sizeof(line) - 32; type++)
			used += snprintf(line + used, sizeof(line) - (size_t)used, " %lu/%lu",
					 counts->done[i][type], counts->tried[i][type]);
		ktest_note("%s", line);
	}
}

static void run(void)
{
	static struct fuzz threads[FUZZ_THREADS];
	struct fuzz_counts sum = { 0 };
	pthread_t handle[FUZZ_THREADS];
	unsigned long seed = ktest_setting("seed", 1);
	struct kevent_info info;

	catch_signals();
	calls_each = ktest_setting("calls", ktest_slowness() > 1 ? SLOW_CALLS : NORMAL_CALLS) /
		     FUZZ_THREADS;
	for (unsigned int i = 0; i < FUZZ_THREADS; i++) {
		/* Any odd number: 0 would stay 0. */
		threads[i].random = (seed * FUZZ_THREADS + i) * 2 + 1;
		fuzz_draw(&threads[i]);
	}
	threads[0].memory = calloc(1, 65536);
	make_pool(&threads[0]);
	for (int i = 0; i < FUZZ_THREADS; i++)
		CHECK_EQ(pthread_create(&handle[i], NULL, run_thread, &threads[i]), 0);
	for (int i = 0; i < FUZZ_THREADS; i++) {
		CHECK_EQ(pthread_join(handle[i], NULL), 0);
		sum.calls += threads[i].counts.calls;
		sum.succeeded += threads[i].counts.succeeded;
		for (int cmd = 0; cmd < FUZZ_COMMANDS; cmd++) {
			for (int type = 0; type < KEVENT_MAX; type++) {
				sum.tried[cmd][type] += threads[i].counts.tried[cmd][type];
				sum.done[cmd][type] += threads[i].counts.done[cmd][type];
			}
		}
	}
	report(&sum);
	CHECK_GE(sum.calls, FUZZ_THREADS * calls_each);
	CHECK_GE(sum.succeeded * 100, sum.calls * 30);
	for (int cmd = 0; cmd < FUZZ_COMMANDS; cmd++)
		for (int type = 0; type < KEVENT_MAX; type++)
			CHECK_GT(sum.tried[cmd][type], 0);
	/* In a long run each command must also have been carried out on each type. */
	for (int cmd = 0; sum.calls >= LONG_CALLS && cmd < FUZZ_COMMANDS; cmd++)
		for (int type = 0; type < KEVENT_MAX; type++)
			CHECK_GT(sum.done[cmd][type], 0);
	/* A type that is there must have been registered, or nothing was tried on it. */
	CHECK_EQ(kevent_get_info(&info), 0);
	for (int type = 0; type < KEVENT_MAX; type++)
		if (info.types & 1U << type)
			CHECK_GT(sum.done[KEVENT_CTL_ADD][type], 0);
}

CASE_WITHIN(random_calls_as_root_do_no_harm, 290)
{
	if (geteuid() != 0)
		SKIP("not root");
	run();
}

CASE_WITHIN(random_calls_without_privileges_do_no_harm, 290)
{
	struct stat device;
	int status;
	pid_t child;

	if (geteuid() != 0) {
		run();
		return;
	}
	CHECK_EQ(stat(KEVENT_DEVICE, &device), 0);
	CHECK_EQ(chmod(KEVENT_DEVICE, 0666), 0);
	child = fork();
	if (child == 0) {
		CHECK_EQ(setgroups(0, NULL), 0);
		CHECK_EQ(setresgid(NOBODY, NOBODY, NOBODY), 0);
		CHECK_EQ(setresuid(NOBODY, NOBODY, NOBODY), 0);
		run();
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(chmod(KEVENT_DEVICE, device.st_mode & 0777), 0);
	/* What failed has said so. */
	CHECK_EQ(status, 0);
}
