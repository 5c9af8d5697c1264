// SPDX-License-Identifier: MIT
/*
 * The preload library under an ordinary epoll program. The program is linked in here, and this
 * program runs itself as that one; the library is carried inside, too.
 */
#include <fcntl.h>
#include <kevent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../preload/epoll_scenarios.h"
#include "carried.h"
#include "ktest.h"

#define PROGRAM "KEVENT_TEST_EPOLL_PROGRAM"
#define OUTPUT_SIZE 16384

/*
 * A circle of queues, of which kevent refuses the last link and epoll does not: it knows nothing of
 * kevent's descriptors. What epoll_wait() says of it is printed.
 */
static int run_circle(void)
{
	struct ukevent entry = kevent_request(KEVENT_USER, 1, KEVENT_USER_FIRED, 0, 0), watch;
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 77 };
	int queue = kevent_init(NULL, 0, 0), epfd = epoll_create1(0), count;

	watch = kevent_request(KEVENT_POLL, (unsigned int)epfd, KEVENT_POLL_POLLIN, 0, 0);
	if (kevent_add(queue, &watch) != 0 || kevent_add(queue, &entry) != 0)
		return 1;
	printf("added: %d\n", epoll_ctl(epfd, EPOLL_CTL_ADD, queue, &event));
	printf("again: %d\n", epoll_ctl(epfd, EPOLL_CTL_ADD, queue, &event));
	kevent_ctl(queue, KEVENT_CTL_READY, 1, &entry);
	event.data.u64 = 0;
	count = epoll_wait(epfd, &event, 1, 5000);
	printf("count %d, data %d\n", count, (int)event.data.u64);
	printf("changed: %d\n", epoll_ctl(epfd, EPOLL_CTL_MOD, queue, &event));
	printf("removed: %d\n", epoll_ctl(epfd, EPOLL_CTL_DEL, queue, NULL));
	printf("then: %d\n", epoll_wait(epfd, &event, 1, 0));
	return 0;
}

KTEST_TABLE(be_the_epoll_program)
{
	const char *which = getenv(PROGRAM);

	if (which)
		exit(strcmp(which, "circle") == 0 ? run_circle() : run_epoll_scenarios());
}

/* Runs the epoll program; what it prints, with standard error apart. */
static void run_which(const char *which, bool preload, const char *variable, char *output,
		      char *errors)
{
	char error_path[] = "/tmp/kevent-errors-XXXXXX";
	int error_fd = mkstemp(error_path), out[2], status;
	size_t used = 0;
	ssize_t count;
	pid_t child;

	if (preload)
		carried_library();
	CHECK_EQ(pipe(out), 0);
	child = fork();
	if (child == 0) {
		dup2(out[1], STDOUT_FILENO);
		dup2(error_fd, STDERR_FILENO);
		close(out[0]);
		close(out[1]);
		close(error_fd);
		setenv(PROGRAM, which, 1);
		if (variable)
			setenv(variable, "1", 1);
		if (preload)
			setenv("LD_PRELOAD", carried_library(), 1);
		execl("/proc/self/exe", "epoll-program", NULL);
		_exit(1);
	}
	close(out[1]);
	while ((count = read(out[0], output + used, OUTPUT_SIZE - 1 - used)) > 0)
		used += (size_t)count;
	output[used] = '\0';
	close(out[0]);
	CHECK_EQ(waitpid(child, &status, 0), child);
	count = pread(error_fd, errors, OUTPUT_SIZE - 1, 0);
	CHECK_GE(count, 0);
	errors[count] = '\0';
	unlink(error_path);
	close(error_fd);
	if (status != 0)
		ktest_fail(__FILE__, __LINE__, "the program left with status %x: %s%s", status,
			   output, errors);
}

static void run(bool preload, const char *variable, char *output, char *errors)
{
	run_which("scenarios", preload, variable, output, errors);
}

static char plain[OUTPUT_SIZE], served[OUTPUT_SIZE], errors[OUTPUT_SIZE];

static void check_equal(void)
{
	const char *a = plain, *b = served;

	CHECK_GT(strlen(plain), 1000);
	while (*a || *b) {
		int left = (int)strcspn(a, "\n"), right = (int)strcspn(b, "\n");

		if (left != right || strncmp(a, b, (size_t)left) != 0)
			ktest_fail(__FILE__, __LINE__, "epoll: %.*s, preloaded: %.*s", left, a,
				   right, b);
		a += left + (a[left] != '\0');
		b += right + (b[right] != '\0');
	}
}

CASE_WITHIN(an_epoll_program_sees_the_same_with_and_without, 120)
{
	unsigned long by_kevent = 0, by_epoll = 0;
	char *line;

	run(false, NULL, plain, errors);
	run(true, "KEVENT_PRELOAD_COUNT", served, errors);
	check_equal();
	line = strstr(errors, "kevent-preload: ");
	CHECK(line);
	line = strstr(errors, " events by kevent");
	CHECK(line);
	while (line > errors && line[-1] >= '0' && line[-1] <= '9')
		line--;
	CHECK_EQ(sscanf(line, "%lu events by kevent, %lu by epoll", &by_kevent, &by_epoll), 2);
	ktest_note("%lu by kevent, %lu by epoll", by_kevent, by_epoll);
	CHECK_GE(by_kevent * 100, (by_kevent + by_epoll) * 99);
}

CASE_WITHIN(switched_off_it_leaves_all_to_epoll, 120)
{
	run(false, NULL, plain, errors);
	run(true, "KEVENT_PRELOAD_OFF", served, errors);
	check_equal();
	CHECK_EQ(errors[0], '\0');
}

CASE_WITHIN(without_the_device_it_falls_back_aloud_or_quietly, 120)
{
	bool away;

	run(false, NULL, plain, errors);
	away = rename("/dev/kevent", "/dev/kevent.away") == 0;
	run(true, NULL, served, errors);
	check_equal();
	CHECK(strstr(errors, "kevent-preload: epoll serves this program: "));
	run(true, "KEVENT_PRELOAD_QUIET", served, errors);
	check_equal();
	CHECK_EQ(errors[0], '\0');
	if (away)
		CHECK_EQ(rename("/dev/kevent.away", "/dev/kevent"), 0);
}

CASE(what_kevent_refuses_is_given_to_epoll_aloud)
{
	int queue = kevent_init(NULL, 0, 0);

	if (queue < 0)
		SKIP("no queue: %s", strerror(errno));
	close(queue);
	run_which("circle", true, "KEVENT_PRELOAD_COUNT", served, errors);
	CHECK_EQ(strcmp(served, "added: 0\nagain: -1\ncount 1, data 77\nchanged: 0\nremoved: 0\n"
				"then: 0\n"),
		 0);
	CHECK(strstr(errors, "kevent-preload: epoll serves a descriptor that kevent cannot watch"));
	CHECK(strstr(errors, "0 events by kevent, 1 by epoll"));
}
