// SPDX-License-Identifier: MIT
/* What the random-call program watches, and what happens to it. */
#include "fuzz.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

int fuzz_pool[FUZZ_POOL];
char fuzz_directory[64] = "/tmp";

uint64_t fuzz_draw(struct fuzz *self)
{
	/* xorshift64* */
	self->random ^= self->random >> 12;
	self->random ^= self->random << 25;
	self->random ^= self->random >> 27;
	return self->random * 0x2545f4914f6cdd1d;
}

unsigned int fuzz_below(struct fuzz *self, unsigned int below)
{
	return (unsigned int)(fuzz_draw(self) >> 33) % below;
}

bool fuzz_rarely(struct fuzz *self, unsigned int chance)
{
	return fuzz_below(self, chance) == 0;
}

static int make_queue(struct fuzz *self, unsigned int place)
{
	unsigned int flags = KEVENT_INIT_CLOEXEC;
	struct kevent_mapped map;
	int queue;

	switch (place % 3) {
	case 0:
		return kevent_init(NULL, 0, flags);
	case 1:
		return kevent_init((struct kevent_ring *)(void *)self->memory,
				   2 + fuzz_below(self, 30), flags);
	default:
		queue = kevent_mapped_open(&map, 2U << fuzz_below(self, 6), flags);
		/* Left mapped now and then, and written to by whoever draws it. */
		if (queue >= 0 && !fuzz_rarely(self, 8)) {
			int copy = dup(queue);

			kevent_mapped_close(&map);
			return copy;
		}
		if (queue >= 0)
			map.ring->head = (unsigned int)fuzz_draw(self);
		return queue;
	}
}

static int make_pair(int domain, int type, int other_place)
{
	int pair[2];

	if (socketpair(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	if (dup2(pair[1], fuzz_pool[other_place]) < 0)
		close(pair[0]);
	close(pair[1]);
	return pair[0];
}

static int make_tcp(struct fuzz *self)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	/* Either a listener, or a connection to itself or to some listener of the pool. */
	if (fuzz_rarely(self, 2)) {
		if (bind(fd, (struct sockaddr *)&address, length) != 0 || listen(fd, 8) != 0)
			perror("listen");
		return fd;
	}
	for (int i = FUZZ_QUEUES; i < FUZZ_POOL; i++) {
		int listening = 0;
		socklen_t size = sizeof(listening);

		length = sizeof(address);
		if (getsockopt(fuzz_pool[i], SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 ||
		    !listening)
			continue;
		if (getsockname(fuzz_pool[i], (struct sockaddr *)&address, &length) == 0)
			if (connect(fd, (struct sockaddr *)&address, length) == 0)
				break;
		break;
	}
	return fd;
}

static int make_file(struct fuzz *self)
{
	char path[100];

	snprintf(path, sizeof(path), "%s/f%u", fuzz_directory, fuzz_below(self, 4));
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

int fuzz_make(struct fuzz *self, unsigned int place)
{
	int pair[2];
	sigset_t set;

	if (place < FUZZ_QUEUES)
		return make_queue(self, place);
	switch (place % FUZZ_KINDS) {
	case 0:
		return make_pair(AF_UNIX, SOCK_STREAM, (int)(place + 1) % FUZZ_POOL);
	case 1:
		return make_pair(AF_UNIX, SOCK_DGRAM, (int)place);
	case 2:
	case 3:
		return make_tcp(self);
	case 4:
		return socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	case 5:
	case 6:
		if (pipe2(pair, O_NONBLOCK | O_CLOEXEC) != 0)
			return -1;
		if (place + 1 < FUZZ_POOL && dup2(pair[1], fuzz_pool[place + 1]) < 0)
			perror("dup2");
		close(pair[1]);
		return pair[0];
	case 7:
		return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	case 8:
		return timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	case 9:
		sigemptyset(&set);
		sigaddset(&set, SIGUSR2);
		return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	case 10:
		return epoll_create1(EPOLL_CLOEXEC);
	case 11:
		return open(fuzz_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	default:
		return make_file(self);
	}
}

static int any(struct fuzz *self)
{
	return fuzz_pool[FUZZ_QUEUES + fuzz_below(self, FUZZ_POOL - FUZZ_QUEUES)];
}

static void touch_names(struct fuzz *self)
{
	char path[100], other[100];
	int fd;

	snprintf(path, sizeof(path), "%s/n%u", fuzz_directory, fuzz_below(self, 4));
	snprintf(other, sizeof(other), "%s/n%u", fuzz_directory, fuzz_below(self, 4));
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	if (fuzz_rarely(self, 2))
		rename(path, other);
	else
		unlink(path);
}

void fuzz_provoke(struct fuzz *self)
{
	struct itimerspec soon = { .it_value.tv_nsec = 100000 };
	struct epoll_event event = { .events = EPOLLIN };
	int fd = any(self);
	ssize_t ignored;

	switch (fuzz_below(self, 14)) {
	case 0 ... 3:
		ignored = write(fd, self->memory, 8);
		break;
	case 4 ... 5:
		ignored = read(fd, self->memory + 2048, 1 + fuzz_below(self, 512));
		break;
	case 6:
		/* A write to a pipe that nobody reads would otherwise end the program. */
		ignored = send(fd, self->memory, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		break;
	case 7:
		raise(fuzz_rarely(self, 2) ? SIGUSR1 : SIGRTMIN + 1);
		break;
	case 8:
		timerfd_settime(fd, 0, &soon, NULL);
		syscall(SYS_timer_settime, self->posix_timer, 0, &soon, NULL);
		break;
	case 9:
		touch_names(self);
		break;
	case 10:
		epoll_ctl(fd, EPOLL_CTL_ADD, fuzz_pool[fuzz_below(self, FUZZ_POOL)], &event);
		break;
	case 11: {
		int accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (accepted >= 0)
			close(accepted);
		break;
	}
	case 12:
		shutdown(fd, (int)fuzz_below(self, 3));
		break;
	default:
		if (ftruncate(fd, fuzz_below(self, 8192)) != 0)
			return;
	}
	(void)ignored;
}
