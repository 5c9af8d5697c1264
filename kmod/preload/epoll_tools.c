// SPDX-License-Identifier: MIT
/* Steps of the epoll program, each of which prints what it saw. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "epoll_scenarios.h"

int scene_watch(int epfd, int op, int fd, uint32_t events, uint64_t data)
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

void scene_say(const char *what, int result)
{
	printf("%s: %s\n", what, outcome(result));
}

static int by_data(const void *left, const void *right)
{
	uint64_t a = ((const struct epoll_event *)left)->data.u64;
	uint64_t b = ((const struct epoll_event *)right)->data.u64;

	return (a > b) - (a < b);
}

int scene_look(const char *what, int epfd, int timeout)
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

void scene_put(int fd)
{
	if (write(fd, "x", 1) != 1)
		perror("write");
}

void scene_drain(int fd)
{
	char bytes[4096];

	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
}

void scene_make_pipe(int fd[2])
{
	if (pipe2(fd, O_NONBLOCK) != 0)
		exit(2);
}

void scene_make_pair(int fd[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd) != 0)
		exit(2);
}
