// SPDX-License-Identifier: MIT
/* The larger scenarios of the epoll program: an echo server, and threads on one descriptor. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "epoll_scenarios.h"

#define CLIENTS 20
#define MESSAGES 5
#define PATIENCE_MS 20000

struct server {
	int epfd;
	int listener;
	unsigned int accepted;
	unsigned int echoed;
	unsigned int ended;
};

static void serve_one(struct server *server, const struct epoll_event *event)
{
	int fd = event->data.fd;
	char bytes[64];
	ssize_t count;

	if (fd == server->listener) {
		while ((fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
			struct epoll_event wanted = { .data.fd = fd };

			/* Every trigger mode has its share of the connections. */
			wanted.events = EPOLLIN | EPOLLRDHUP;
			if (server->accepted % 3 == 1)
				wanted.events |= EPOLLET;
			else if (server->accepted % 3 == 2)
				wanted.events |= EPOLLONESHOT;
			if (epoll_ctl(server->epfd, EPOLL_CTL_ADD, fd, &wanted) != 0)
				perror("epoll_ctl");
			server->accepted++;
		}
		return;
	}
	while ((count = read(fd, bytes, sizeof(bytes))) > 0) {
		if (write(fd, bytes, (size_t)count) != count)
			perror("write");
		server->echoed += (unsigned int)count;
	}
	if (count == 0 || errno != EAGAIN) {
		server->ended++;
		close(fd);
	} else {
		struct epoll_event again = { .events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT,
					     .data.fd = fd };

		epoll_ctl(server->epfd, EPOLL_CTL_MOD, fd, &again);
	}
}

static void *serve(void *argument)
{
	struct server *server = argument;
	struct epoll_event events[8];

	while (server->ended < CLIENTS) {
		int count = epoll_wait(server->epfd, events, 8, PATIENCE_MS);

		if (count <= 0) {
			printf("server waited in vain: %d\n", count);
			break;
		}
		for (int i = 0; i < count; i++)
			serve_one(server, &events[i]);
	}
	return NULL;
}

void epoll_scenario_tcp(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct server server = { .epfd = epoll_create1(EPOLL_CLOEXEC) };
	struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE };
	socklen_t length = sizeof(address);
	unsigned int answered = 0;
	int client[CLIENTS];
	pthread_t thread;

	server.listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (bind(server.listener, (struct sockaddr *)&address, length) != 0 ||
	    listen(server.listener, CLIENTS) != 0 ||
	    getsockname(server.listener, (struct sockaddr *)&address, &length) != 0) {
		perror("listen");
		return;
	}
	event.data.fd = server.listener;
	epoll_ctl(server.epfd, EPOLL_CTL_ADD, server.listener, &event);
	if (pthread_create(&thread, NULL, serve, &server) != 0)
		return;
	for (int i = 0; i < CLIENTS; i++) {
		client[i] = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(client[i], (struct sockaddr *)&address, length) != 0)
			perror("connect");
	}
	for (int round = 0; round < MESSAGES; round++) {
		char byte = (char)('a' + round), back = 0;

		for (int i = 0; i < CLIENTS; i++)
			if (send(client[i], &byte, 1, 0) != 1)
				perror("send");
		for (int i = 0; i < CLIENTS; i++)
			answered += recv(client[i], &back, 1, 0) == 1 && back == byte;
	}
	for (int i = 0; i < CLIENTS; i++)
		close(client[i]);
	pthread_join(thread, NULL);
	printf("accepted %u, echoed %u, answered %u, ended %u\n", server.accepted, server.echoed,
	       answered, server.ended);
	close(server.listener);
	close(server.epfd);
}

#define WORKERS 4
#define COUNTERS 16
#define ROUNDS 50

static int shared_epfd;
static int counters[COUNTERS];
static unsigned int taken;

/* Takes one unit of a semaphore at each event, re-arms it, and ends at the event of the last. */
static void *take(void *argument)
{
	struct epoll_event event;
	uint64_t value;

	(void)argument;
	while (epoll_wait(shared_epfd, &event, 1, PATIENCE_MS) == 1) {
		if (event.data.u64 == COUNTERS)
			break;
		while (read(counters[event.data.u64], &value, sizeof(value)) == sizeof(value))
			__atomic_add_fetch(&taken, (unsigned int)value, __ATOMIC_RELAXED);
		event.events = EPOLLIN | EPOLLONESHOT;
		epoll_ctl(shared_epfd, EPOLL_CTL_MOD, counters[event.data.u64], &event);
	}
	return NULL;
}

void epoll_scenario_threads(void)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = COUNTERS };
	int stop = eventfd(0, 0);
	pthread_t worker[WORKERS];
	uint64_t one = 1;

	taken = 0;
	shared_epfd = epoll_create1(0);
	for (unsigned int i = 0; i < COUNTERS; i++) {
		struct epoll_event wanted = { .events = EPOLLIN | EPOLLONESHOT, .data.u64 = i };

		counters[i] = eventfd(0, EFD_NONBLOCK);
		epoll_ctl(shared_epfd, EPOLL_CTL_ADD, counters[i], &wanted);
	}
	for (int i = 0; i < WORKERS; i++)
		if (pthread_create(&worker[i], NULL, take, NULL) != 0)
			exit(2);
	for (int round = 0; round < ROUNDS; round++)
		for (int i = 0; i < COUNTERS; i++)
			if (write(counters[i], &one, sizeof(one)) != sizeof(one))
				perror("write");
	for (int waited = 0; waited < PATIENCE_MS; waited++) {
		if (__atomic_load_n(&taken, __ATOMIC_RELAXED) == ROUNDS * COUNTERS)
			break;
		usleep(1000);
	}
	epoll_ctl(shared_epfd, EPOLL_CTL_ADD, stop, &event);
	if (write(stop, &one, sizeof(one)) != sizeof(one))
		perror("write");
	for (int i = 0; i < WORKERS; i++)
		pthread_join(worker[i], NULL);
	printf("taken %u of %u\n", taken, ROUNDS * COUNTERS);
	for (int i = 0; i < COUNTERS; i++)
		close(counters[i]);
	close(stop);
	close(shared_epfd);
}
