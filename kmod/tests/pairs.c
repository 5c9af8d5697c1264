// SPDX-License-Identifier: MIT
/* Descriptors that tests watch. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "queue.h"

static struct sockaddr_in loopback(void)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static void nonblocking(int fd)
{
	CHECK_EQ(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), 0);
}

void unix_pair(int type, int pair[2])
{
	CHECK_EQ(socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
}

void pipe_pair(int pair[2])
{
	CHECK_EQ(pipe2(pair, O_NONBLOCK | O_CLOEXEC), 0);
}

int tcp_listener(void)
{
	struct sockaddr_in address = loopback();
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	CHECK_EQ(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_EQ(listen(listener, 128), 0);
	return listener;
}

int tcp_connect(int listener)
{
	struct sockaddr_in address;
	socklen_t length = sizeof(address);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK_EQ(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	CHECK_EQ(connect(client, (struct sockaddr *)&address, length), 0);
	return client;
}

void tcp_pair(int pair[2])
{
	int listener = tcp_listener();

	pair[1] = tcp_connect(listener);
	CHECK(readable(listener, SOON_MS));
	pair[0] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	CHECK_GE(pair[0], 0);
	nonblocking(pair[1]);
	close(listener);
}

void udp_pair(int pair[2])
{
	struct sockaddr_in address[2];

	for (int i = 0; i < 2; i++) {
		socklen_t length = sizeof(address[i]);

		address[i] = loopback();
		pair[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		CHECK_EQ(bind(pair[i], (struct sockaddr *)&address[i], length), 0);
		CHECK_EQ(getsockname(pair[i], (struct sockaddr *)&address[i], &length), 0);
	}
	for (int i = 0; i < 2; i++)
		CHECK_EQ(connect(pair[i], (struct sockaddr *)&address[!i], sizeof(address[0])), 0);
}

void put_byte(int fd)
{
	CHECK_EQ(write(fd, "x", 1), 1);
}

unsigned int drain(int fd)
{
	unsigned int total = 0;
	char bytes[4096];
	ssize_t count;

	while ((count = read(fd, bytes, sizeof(bytes))) > 0)
		total += (unsigned int)count;
	return total;
}

void fill(int fd)
{
	static const char bytes[4096];

	while (write(fd, bytes, sizeof(bytes)) > 0)
		;
	while (write(fd, bytes, 1) > 0)
		;
	CHECK_EQ(errno, EAGAIN);
}
