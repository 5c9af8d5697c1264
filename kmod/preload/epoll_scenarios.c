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

static void creation(void)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	printf("cloexec: %d\n", fcntl(fd, F_GETFD));
	close(fd);
	fd = epoll_create(1);
	printf("no cloexec: %d\n", fcntl(fd, F_GETFD));
	close(fd);
	scene_say("size 0", epoll_create(0));
	scene_say("unknown flag", epoll_create1(1));
}

static void refusals(void)
{
	int epfd = epoll_create1(0), fd[2];
	struct epoll_event event;
	int file = open("/proc/self/exe", O_RDONLY);
	/* The compiler would refuse the constant. */
	volatile int negative = -1;

	scene_make_pipe(fd);
	scene_say("add", scene_watch(epfd, EPOLL_CTL_ADD, fd[0], EPOLLIN, 1));
	scene_say("add twice", scene_watch(epfd, EPOLL_CTL_ADD, fd[0], EPOLLIN, 1));
	scene_say("mod unknown", scene_watch(epfd, EPOLL_CTL_MOD, fd[1], EPOLLIN, 1));
	scene_say("del unknown", scene_watch(epfd, EPOLL_CTL_DEL, fd[1], EPOLLIN, 1));
	scene_say("add itself", scene_watch(epfd, EPOLL_CTL_ADD, epfd, EPOLLIN, 1));
	scene_say("add a file", scene_watch(epfd, EPOLL_CTL_ADD, file, EPOLLIN, 1));
	scene_say("add nothing", scene_watch(epfd, EPOLL_CTL_ADD, -1, EPOLLIN, 1));
	scene_say("unknown op", scene_watch(epfd, 9, fd[1], EPOLLIN, 1));
	scene_say("not an epoll", scene_watch(fd[0], EPOLL_CTL_ADD, fd[1], EPOLLIN, 1));
	scene_say("bad epoll", scene_watch(-1, EPOLL_CTL_ADD, fd[1], EPOLLIN, 1));
	scene_say("exclusive mod", scene_watch(epfd, EPOLL_CTL_MOD, fd[0], EPOLLIN | EPOLLEXCLUSIVE, 1));
	scene_say("exclusive oneshot",
	    scene_watch(epfd, EPOLL_CTL_ADD, fd[1], EPOLLOUT | EPOLLEXCLUSIVE | EPOLLONESHOT, 1));
	scene_say("wait for 0", epoll_wait(epfd, &event, 0, 0));
	scene_say("wait for -1", epoll_wait(epfd, &event, negative, 0));
	scene_say("wait on a pipe", epoll_wait(fd[0], &event, 1, 0));
	scene_say("wait on nothing", epoll_wait(-1, &event, 1, 0));
	scene_say("del", epoll_ctl(epfd, EPOLL_CTL_DEL, fd[0], NULL));
	scene_say("del twice", epoll_ctl(epfd, EPOLL_CTL_DEL, fd[0], NULL));
	close(file);
	close(fd[0]);
	close(fd[1]);
	close(epfd);
}

static void level(void)
{
	int epfd = epoll_create1(0), fd[2];

	scene_make_pipe(fd);
	scene_watch(epfd, EPOLL_CTL_ADD, fd[0], EPOLLIN, 0xfedcba9876543210);
	scene_look("empty", epfd, 0);
	scene_put(fd[1]);
	scene_look("first", epfd, SOON_MS);
	scene_look("again", epfd, SOON_MS);
	scene_drain(fd[0]);
	scene_look("drained", epfd, 0);
	scene_put(fd[1]);
	scene_look("refilled", epfd, SOON_MS);
	scene_watch(epfd, EPOLL_CTL_MOD, fd[0], 0, 5);
	scene_look("mask empty", epfd, 0);
	scene_watch(epfd, EPOLL_CTL_MOD, fd[0], EPOLLIN | EPOLLOUT, 6);
	scene_look("mask and data changed", epfd, SOON_MS);
	close(fd[1]);
	scene_look("hung up with data", epfd, SOON_MS);
	scene_drain(fd[0]);
	scene_look("hung up", epfd, SOON_MS);
	close(fd[0]);
	scene_look("closed", epfd, 0);
	close(epfd);
}

static void edge(void)
{
	int epfd = epoll_create1(0), fd[2];

	scene_make_pair(fd);
	scene_put(fd[1]);
	scene_watch(epfd, EPOLL_CTL_ADD, fd[0], EPOLLIN | EPOLLET, 1);
	scene_look("ready at add", epfd, SOON_MS);
	scene_look("no new edge", epfd, 0);
	scene_put(fd[1]);
	scene_look("new edge", epfd, SOON_MS);
	scene_watch(epfd, EPOLL_CTL_MOD, fd[0], EPOLLIN | EPOLLET, 2);
	scene_look("re-armed", epfd, SOON_MS);
	scene_look("reported", epfd, 0);
	scene_drain(fd[0]);
	scene_look("drained", epfd, 0);
	shutdown(fd[1], SHUT_WR);
	scene_look("end of stream", epfd, SOON_MS);
	scene_watch(epfd, EPOLL_CTL_MOD, fd[0], EPOLLIN | EPOLLRDHUP | EPOLLET, 3);
	scene_look("end of stream by name", epfd, SOON_MS);
	close(fd[0]);
	close(fd[1]);
	close(epfd);
}

static void oneshot(void)
{
	int epfd = epoll_create1(0), fd[2], again[2];

	scene_make_pair(fd);
	scene_watch(epfd, EPOLL_CTL_ADD, fd[0], EPOLLIN | EPOLLONESHOT, 1);
	scene_put(fd[1]);
	scene_look("fired", epfd, SOON_MS);
	scene_put(fd[1]);
	scene_look("disarmed", epfd, 0);
	scene_say("still there", scene_watch(epfd, EPOLL_CTL_ADD, fd[0], EPOLLIN, 1));
	scene_say("re-arm", scene_watch(epfd, EPOLL_CTL_MOD, fd[0], EPOLLIN | EPOLLONESHOT, 2));
	scene_look("fired again", epfd, SOON_MS);
	scene_say("to level", scene_watch(epfd, EPOLL_CTL_MOD, fd[0], EPOLLIN, 3));
	scene_look("level", epfd, SOON_MS);
	scene_look("level again", epfd, SOON_MS);
	scene_say("to oneshot", scene_watch(epfd, EPOLL_CTL_MOD, fd[0], EPOLLIN | EPOLLONESHOT, 4));
	scene_look("last", epfd, SOON_MS);
	scene_say("del disarmed", scene_watch(epfd, EPOLL_CTL_DEL, fd[0], 0, 0));
	scene_say("mod deleted", scene_watch(epfd, EPOLL_CTL_MOD, fd[0], EPOLLIN, 0));
	scene_say("add deleted", scene_watch(epfd, EPOLL_CTL_ADD, fd[0], EPOLLIN | EPOLLONESHOT, 5));
	scene_look("fired after add", epfd, SOON_MS);
	close(fd[0]);
	scene_make_pair(again);
	printf("number reused: %d\n", again[0] == fd[0]);
	scene_say("disarmed and closed", scene_watch(epfd, EPOLL_CTL_ADD, again[0], EPOLLIN, 6));
	scene_put(again[1]);
	scene_look("reused", epfd, SOON_MS);
	close(again[0]);
	close(again[1]);
	close(fd[1]);
	close(epfd);
}

static void closing(void)
{
	int epfd = epoll_create1(0), fd[2], copy;

	scene_make_pair(fd);
	scene_watch(epfd, EPOLL_CTL_ADD, fd[0], EPOLLIN, 1);
	copy = dup(fd[0]);
	close(fd[0]);
	scene_put(fd[1]);
	scene_look("a copy keeps it", epfd, SOON_MS);
	close(copy);
	scene_look("the last close removes it", epfd, 0);
	close(fd[1]);
	scene_make_pair(fd);
	scene_say("add a ready one", scene_watch(epfd, EPOLL_CTL_ADD, fd[0], EPOLLOUT, 2));
	close(fd[0]);
	scene_look("closed while ready", epfd, 0);
	close(fd[1]);
	copy = dup(epfd);
	scene_make_pair(fd);
	scene_say("add through a copy", scene_watch(copy, EPOLL_CTL_ADD, fd[0], EPOLLOUT | EPOLLONESHOT, 3));
	scene_look("wait on the other", epfd, SOON_MS);
	scene_say("mod through the other", scene_watch(epfd, EPOLL_CTL_MOD, fd[0], EPOLLOUT, 4));
	close(epfd);
	scene_look("wait on the copy", copy, SOON_MS);
	close(copy);
	close(fd[0]);
	close(fd[1]);
}

static void turns(void)
{
	int epfd = epoll_create1(0), fd[5][2], seen = 0;

	for (int i = 0; i < 5; i++) {
		scene_make_pair(fd[i]);
		scene_watch(epfd, EPOLL_CTL_ADD, fd[i][0], EPOLLIN, (uint64_t)i);
		scene_put(fd[i][1]);
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

	scene_watch(epfd, EPOLL_CTL_ADD, counter, EPOLLIN | EPOLLET, 1);
	scene_watch(epfd, EPOLL_CTL_ADD, timer, EPOLLIN, 2);
	scene_look("nothing yet", epfd, 0);
	if (write(counter, &one, sizeof(one)) != sizeof(one))
		perror("write");
	scene_look("eventfd", epfd, SOON_MS);
	timerfd_settime(timer, 0, &soon, NULL);
	scene_look("timerfd", epfd, SOON_MS);
	close(timer);
	close(counter);
	close(epfd);
}

static void nested(void)
{
	int inner = epoll_create1(0), outer = epoll_create1(0), fd[2];
	struct pollfd polled = { .fd = inner, .events = POLLIN };

	scene_make_pipe(fd);
	scene_say("watch the inner", scene_watch(outer, EPOLL_CTL_ADD, inner, EPOLLIN, 7));
	scene_watch(inner, EPOLL_CTL_ADD, fd[0], EPOLLIN, 8);
	scene_look("outer idle", outer, 0);
	scene_put(fd[1]);
	scene_look("outer", outer, SOON_MS);
	scene_look("outer again", outer, SOON_MS);
	scene_say("poll", poll(&polled, 1, SOON_MS));
	printf("revents: %x\n", (unsigned int)polled.revents);
	scene_look("inner", inner, SOON_MS);
	scene_drain(fd[0]);
	scene_look("outer drained", outer, 0);
	scene_say("round", scene_watch(inner, EPOLL_CTL_ADD, outer, EPOLLIN, 9));
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

	scene_make_pipe(fd);
	scene_watch(epfd, EPOLL_CTL_ADD, fd[0], EPOLLIN, 1);
	scene_say("time out", epoll_wait(epfd, &event, 1, 10));
	scene_say("time out, timespec", epoll_pwait2(epfd, &event, 1, &moment, NULL));
	scene_say("bad timespec", epoll_pwait2(epfd, &event, 1, &bad, NULL));
	sigaction(SIGUSR1, &action, NULL);
	sigemptyset(&none);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	raise(SIGUSR1);
	scene_say("blocked signal", epoll_wait(epfd, &event, 1, 0));
	printf("handled: %d\n", (int)handled);
	scene_say("let in", epoll_pwait(epfd, &event, 1, -1, &none));
	printf("handled: %d\n", (int)handled);
	raise(SIGUSR1);
	scene_say("let in, timespec", epoll_pwait2(epfd, &event, 1, NULL, &none));
	printf("handled: %d\n", (int)handled);
	sigprocmask(SIG_BLOCK, NULL, &none);
	printf("mask back: %d\n", sigismember(&none, SIGUSR1));
	scene_put(fd[1]);
	scene_say("forever, but ready", epoll_wait(epfd, &event, 1, -1));
	scene_say("forever, but ready, timespec", epoll_pwait2(epfd, &event, 1, NULL, NULL));
	close(fd[0]);
	close(fd[1]);
	close(epfd);
}

static void forked(void)
{
	int epfd = epoll_create1(0), fd[2], status = -1;
	pid_t child;

	scene_make_pair(fd);
	scene_watch(epfd, EPOLL_CTL_ADD, fd[0], EPOLLIN, 1);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		struct epoll_event event;
		int count = epoll_wait(epfd, &event, 1, SOON_MS);

		count += scene_watch(epfd, EPOLL_CTL_MOD, fd[0], EPOLLIN | EPOLLONESHOT, 2);
		_exit(count == 1 && event.data.u64 == 1 ? 0 : 1);
	}
	scene_put(fd[1]);
	waitpid(child, &status, 0);
	printf("child: %d\n", status);
	scene_look("changed by the child", epfd, SOON_MS);
	scene_look("by which it fired once", epfd, 0);
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
