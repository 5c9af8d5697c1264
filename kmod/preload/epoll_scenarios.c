// SPDX-License-Identifier: MIT
/*
 * An ordinary epoll program: walks through what epoll promises and prints what it saw. It knows
 * nothing of kevent; its output must not depend on who serves the calls. Counts that the kernel is
 * free to choose are not printed.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "epoll_scenarios.h"

/* What a wait that must find something is given; an emulated machine is slow. */
#define SOON_MS 5000

static int watch(int epfd, int op, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = { .events = events, .data.u64 = data };

	return epoll_ctl(epfd, op, fd, &event);
}

static const char *outcome(int result)
{
	static char text[64];

	if (result < 0)
		snprintf(text, sizeof(text), "%s", strerrorname_np(errno));
	else
		snprintf(text, sizeof(text), "%d", result);
	return text;
}

static void say(const char *what, int result)
{
	printf("%s: %s\n", what, outcome(result));
}

static int by_data(const void *left, const void *right)
{
	uint64_t a = ((const struct epoll_event *)left)->data.u64;
	uint64_t b = ((const struct epoll_event *)right)->data.u64;

	return (a > b) - (a < b);
}

static int look(const char *what, int epfd, int timeout)
{
	struct epoll_event events[16];
	int count = epoll_wait(epfd, events, 16, timeout);

	printf("%s: %s", what, outcome(count));
	if (count > 0)
		qsort(events, (size_t)count, sizeof(events[0]), by_data);
	for (int i = 0; i < count; i++)
		printf(" [%llx %x]", (unsigned long long)events[i].data.u64, events[i].events);
	putchar('\n');
	return count;
}

static void put(int fd)
{
	if (write(fd, "x", 1) != 1)
		perror("write");
}

static void drain(int fd)
{
	char bytes[4096];

	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
}

static void make_pipe(int fd[2])
{
	if (pipe2(fd, O_NONBLOCK) != 0)
		exit(2);
}

static void make_pair(int fd[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) != 0)
		exit(2);
}

static void creation(void)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	printf("cloexec: %d\n", fcntl(fd, F_GETFD));
	close(fd);
	fd = epoll_create(1);
	printf("no cloexec: %d\n", fcntl(fd, F_GETFD));
	close(fd);
	say("size 0", epoll_create(0));
	say("unknown flag", epoll_create1(1));
}

static void refusals(void)
{
	int epfd = epoll_create1(0), fd[2];
	struct epoll_event event;
	int file = open("/proc/self/exe", O_RDONLY);
	/* The compiler would refuse the constant. */
	volatile int negative = -1;

	make_pipe(fd);
	say("add", watch(epfd, EPOLL_CTL_ADD, fd[0], EPOLLIN, 1));
	say("add twice", watch(epfd, EPOLL_CTL_ADD, fd[0], EPOLLIN, 1));
	say("mod unknown", watch(epfd, EPOLL_CTL_MOD, fd[1], EPOLLIN, 1));
	say("del unknown", watch(epfd, EPOLL_CTL_DEL, fd[1], EPOLLIN, 1));
	say("add itself", watch(epfd, EPOLL_CTL_ADD, epfd, EPOLLIN, 1));
	say("add a file", watch(epfd, EPOLL_CTL_ADD, file, EPOLLIN, 1));
	say("add nothing", watch(epfd, EPOLL_CTL_ADD, -1, EPOLLIN, 1));
	say("unknown op", watch(epfd, 9, fd[1], EPOLLIN, 1));
	say("not an epoll", watch(fd[0], EPOLL_CTL_ADD, fd[1], EPOLLIN, 1));
	say("bad epoll", watch(-1, EPOLL_CTL_ADD, fd[1], EPOLLIN, 1));
	say("exclusive mod", watch(epfd, EPOLL_CTL_MOD, fd[0], EPOLLIN | EPOLLEXCLUSIVE, 1));
	say("exclusive oneshot",
	    watch(epfd, EPOLL_CTL_ADD, fd[1], EPOLLOUT | EPOLLEXCLUSIVE | EPOLLONESHOT, 1));
	say("wait for 0", epoll_wait(epfd, &event, 0, 0));
	say("wait for -1", epoll_wait(epfd, &event, negative, 0));
	say("wait on a pipe", epoll_wait(fd[0], &event, 1, 0));
	say("wait on nothing", epoll_wait(-1, &event, 1, 0));
	say("del", epoll_ctl(epfd, EPOLL_CTL_DEL, fd[0], NULL));
	say("del twice", epoll_ctl(epfd, EPOLL_CTL_DEL, fd[0], NULL));
	close(file);
	close(fd[0]);
	close(fd[1]);
	close(epfd);
}

static void level(void)
{
	int epfd = epoll_create1(0), fd[2];

	make_pipe(fd);
	watch(epfd, EPOLL_CTL_ADD, fd[0], EPOLLIN, 0xfedcba9876543210);
	look("empty", epfd, 0);
	put(fd[1]);
	look("first", epfd, SOON_MS);
	look("again", epfd, SOON_MS);
	drain(fd[0]);
	look("drained", epfd, 0);
	put(fd[1]);
	look("refilled", epfd, SOON_MS);
	watch(epfd, EPOLL_CTL_MOD, fd[0], 0, 5);
	look("mask empty", epfd, 0);
	watch(epfd, EPOLL_CTL_MOD, fd[0], EPOLLIN | EPOLLOUT, 6);
	look("mask and data changed", epfd, SOON_MS);
	close(fd[1]);
	look("hung up with data", epfd, SOON_MS);
	drain(fd[0]);
	look("hung up", epfd, SOON_MS);
	close(fd[0]);
	look("closed", epfd, 0);
	close(epfd);
}

static void edge(void)
{
	int epfd = epoll_create1(0), fd[2];

	make_pair(fd);
	put(fd[1]);
	watch(epfd, EPOLL_CTL_ADD, fd[0], EPOLLIN | EPOLLET, 1);
	look("ready at add", epfd, SOON_MS);
	look("no new edge", epfd, 0);
	put(fd[1]);
	look("new edge", epfd, SOON_MS);
	watch(epfd, EPOLL_CTL_MOD, fd[0], EPOLLIN | EPOLLET, 2);
	look("re-armed", epfd, SOON_MS);
	look("reported", epfd, 0);
	drain(fd[0]);
	look("drained", epfd, 0);
	shutdown(fd[1], SHUT_WR);
	look("end of stream", epfd, SOON_MS);
	watch(epfd, EPOLL_CTL_MOD, fd[0], EPOLLIN | EPOLLRDHUP | EPOLLET, 3);
	look("end of stream by name", epfd, SOON_MS);
	close(fd[0]);
	close(fd[1]);
	close(epfd);
}

static void oneshot(void)
{
	int epfd = epoll_create1(0), fd[2], again[2];

	make_pair(fd);
	watch(epfd, EPOLL_CTL_ADD, fd[0], EPOLLIN | EPOLLONESHOT, 1);
	put(fd[1]);
	look("fired", epfd, SOON_MS);
	put(fd[1]);
	look("disarmed", epfd, 0);
	say("still there", watch(epfd, EPOLL_CTL_ADD, fd[0], EPOLLIN, 1));
	say("re-arm", watch(epfd, EPOLL_CTL_MOD, fd[0], EPOLLIN | EPOLLONESHOT, 2));
	look("fired again", epfd, SOON_MS);
	say("to level", watch(epfd, EPOLL_CTL_MOD, fd[0], EPOLLIN, 3));
	look("level", epfd, SOON_MS);
	look("level again", epfd, SOON_MS);
	say("to oneshot", watch(epfd, EPOLL_CTL_MOD, fd[0], EPOLLIN | EPOLLONESHOT, 4));
	look("last", epfd, SOON_MS);
	say("del disarmed", watch(epfd, EPOLL_CTL_DEL, fd[0], 0, 0));
	say("mod deleted", watch(epfd, EPOLL_CTL_MOD, fd[0], EPOLLIN, 0));
	say("add deleted", watch(epfd, EPOLL_CTL_ADD, fd[0], EPOLLIN | EPOLLONESHOT, 5));
	look("fired after add", epfd, SOON_MS);
	close(fd[0]);
	make_pair(again);
	printf("number reused: %d\n", again[0] == fd[0]);
	say("disarmed and closed", watch(epfd, EPOLL_CTL_ADD, again[0], EPOLLIN, 6));
	put(again[1]);
	look("reused", epfd, SOON_MS);
	close(again[0]);
	close(again[1]);
	close(fd[1]);
	close(epfd);
}

static void closing(void)
{
	int epfd = epoll_create1(0), fd[2], copy;

	make_pair(fd);
	watch(epfd, EPOLL_CTL_ADD, fd[0], EPOLLIN, 1);
	copy = dup(fd[0]);
	close(fd[0]);
	put(fd[1]);
	look("a copy keeps it", epfd, SOON_MS);
	close(copy);
	look("the last close removes it", epfd, 0);
	close(fd[1]);
	make_pair(fd);
	say("add a ready one", watch(epfd, EPOLL_CTL_ADD, fd[0], EPOLLOUT, 2));
	close(fd[0]);
	look("closed while ready", epfd, 0);
	close(fd[1]);
	copy = dup(epfd);
	make_pair(fd);
	say("add through a copy", watch(copy, EPOLL_CTL_ADD, fd[0], EPOLLOUT | EPOLLONESHOT, 3));
	look("wait on the other", epfd, SOON_MS);
	say("mod through the other", watch(epfd, EPOLL_CTL_MOD, fd[0], EPOLLOUT, 4));
	close(epfd);
	look("wait on the copy", copy, SOON_MS);
	close(copy);
	close(fd[0]);
	close(fd[1]);
}

static void turns(void)
{
	int epfd = epoll_create1(0), fd[5][2], seen = 0;

	for (int i = 0; i < 5; i++) {
		make_pair(fd[i]);
		watch(epfd, EPOLL_CTL_ADD, fd[i][0], EPOLLIN, (uint64_t)i);
		put(fd[i][1]);
	}
	for (int call = 0; call < 3; call++) {
		struct epoll_event events[2];
		int count = epoll_wait(epfd, events, 2, SOON_MS);

		for (int i = 0; i < count; i++)
			seen |= 1 << events[i].data.u64;
	}
	printf("everyone had a turn: %x\n", (unsigned int)seen);
	for (int i = 0; i < 5; i++) {
		close(fd[i][0]);
		close(fd[i][1]);
	}
	close(epfd);
}

static void other_descriptors(void)
{
	struct itimerspec soon = { .it_value.tv_nsec = 1000000 };
	int epfd = epoll_create1(0);
	int counter = eventfd(0, EFD_NONBLOCK), timer = timerfd_create(CLOCK_MONOTONIC, 0);
	uint64_t one = 1;

	watch(epfd, EPOLL_CTL_ADD, counter, EPOLLIN | EPOLLET, 1);
	watch(epfd, EPOLL_CTL_ADD, timer, EPOLLIN, 2);
	look("nothing yet", epfd, 0);
	if (write(counter, &one, sizeof(one)) != sizeof(one))
		perror("write");
	look("eventfd", epfd, SOON_MS);
	timerfd_settime(timer, 0, &soon, NULL);
	look("timerfd", epfd, SOON_MS);
	close(timer);
	close(counter);
	close(epfd);
}

static void nested(void)
{
	int inner = epoll_create1(0), outer = epoll_create1(0), fd[2];
	struct pollfd polled = { .fd = inner, .events = POLLIN };

	make_pipe(fd);
	say("watch the inner", watch(outer, EPOLL_CTL_ADD, inner, EPOLLIN, 7));
	watch(inner, EPOLL_CTL_ADD, fd[0], EPOLLIN, 8);
	look("outer idle", outer, 0);
	put(fd[1]);
	look("outer", outer, SOON_MS);
	look("outer again", outer, SOON_MS);
	say("poll", poll(&polled, 1, SOON_MS));
	printf("revents: %x\n", (unsigned int)polled.revents);
	look("inner", inner, SOON_MS);
	drain(fd[0]);
	look("outer drained", outer, 0);
	say("round", watch(inner, EPOLL_CTL_ADD, outer, EPOLLIN, 9));
	close(fd[0]);
	close(fd[1]);
	close(inner);
	close(outer);
}

static volatile sig_atomic_t handled;

static void count_signal(int number)
{
	(void)number;
	handled++;
}

static void waiting(void)
{
	struct timespec moment = { .tv_nsec = 1000000 }, bad = { .tv_nsec = 1000000000 };
	int epfd = epoll_create1(0), fd[2];
	struct sigaction action = { .sa_handler = count_signal };
	struct epoll_event event;
	sigset_t blocked, none;

	make_pipe(fd);
	watch(epfd, EPOLL_CTL_ADD, fd[0], EPOLLIN, 1);
	say("time out", epoll_wait(epfd, &event, 1, 10));
	say("time out, timespec", epoll_pwait2(epfd, &event, 1, &moment, NULL));
	say("bad timespec", epoll_pwait2(epfd, &event, 1, &bad, NULL));
	sigaction(SIGUSR1, &action, NULL);
	sigemptyset(&none);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	raise(SIGUSR1);
	say("blocked signal", epoll_wait(epfd, &event, 1, 0));
	printf("handled: %d\n", (int)handled);
	say("let in", epoll_pwait(epfd, &event, 1, -1, &none));
	printf("handled: %d\n", (int)handled);
	raise(SIGUSR1);
	say("let in, timespec", epoll_pwait2(epfd, &event, 1, NULL, &none));
	printf("handled: %d\n", (int)handled);
	sigprocmask(SIG_BLOCK, NULL, &none);
	printf("mask back: %d\n", sigismember(&none, SIGUSR1));
	put(fd[1]);
	say("forever, but ready", epoll_wait(epfd, &event, 1, -1));
	say("forever, but ready, timespec", epoll_pwait2(epfd, &event, 1, NULL, NULL));
	close(fd[0]);
	close(fd[1]);
	close(epfd);
}

static void forked(void)
{
	int epfd = epoll_create1(0), fd[2], status = -1;
	pid_t child;

	make_pair(fd);
	watch(epfd, EPOLL_CTL_ADD, fd[0], EPOLLIN, 1);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		struct epoll_event event;
		int count = epoll_wait(epfd, &event, 1, SOON_MS);

		count += watch(epfd, EPOLL_CTL_MOD, fd[0], EPOLLIN | EPOLLONESHOT, 2);
		_exit(count == 1 && event.data.u64 == 1 ? 0 : 1);
	}
	put(fd[1]);
	waitpid(child, &status, 0);
	printf("child: %d\n", status);
	look("changed by the child", epfd, SOON_MS);
	look("by which it fired once", epfd, 0);
	close(fd[0]);
	close(fd[1]);
	close(epfd);
}

int run_epoll_scenarios(void)
{
	static void (*const scenarios[])(void) = {
		creation, refusals,	     level,  edge,    oneshot,	  closing,
		turns,	  other_descriptors, nested, waiting, forked,	  epoll_scenario_tcp,
		epoll_scenario_threads,
	};

	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		printf("-- %zu\n", i);
		scenarios[i]();
	}
	fflush(stdout);
	return 0;
}
