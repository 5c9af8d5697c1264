// SPDX-License-Identifier: MIT
/* What events come from. */
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "count.h"

const char *const kind_names[KINDS] = { "unix-dgram", "tcp", "pipe", "eventfd" };

static void tcp_pair(int pair[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	MUST(bind(listener, (struct sockaddr *)&address, length) == 0);
	MUST(listen(listener, 1) == 0);
	MUST(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
	pair[0] = socket(AF_INET, SOCK_STREAM, 0);
	MUST(connect(pair[0], (struct sockaddr *)&address, length) == 0);
	pair[1] = accept(listener, NULL, NULL);
	MUST(pair[1] >= 0);
	close(listener);
}

void channel_open(struct channel *channel, enum kind kind)
{
	int there[2], back[2];

	switch (kind) {
	case UNIX_DGRAM:
		MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, there) == 0);
		break;
	case TCP:
		tcp_pair(there);
		break;
	case PIPE:
		MUST(pipe(there) == 0 && pipe(back) == 0);
		*channel = (struct channel){ there[0], there[1], back[1], back[0] };
		return;
	default:
		there[0] = eventfd(0, 0);
		back[0] = eventfd(0, 0);
		MUST(there[0] >= 0 && back[0] >= 0);
		*channel = (struct channel){ there[0], there[0], back[0], back[0] };
		return;
	}
	*channel = (struct channel){ there[0], there[1], there[0], there[1] };
}

void channel_close(const struct channel *channel)
{
	close(channel->in);
	if (channel->feed != channel->in)
		close(channel->feed);
	if (channel->back == channel->in)
		return;
	close(channel->back);
	if (channel->answer != channel->back)
		close(channel->answer);
}

void put(int fd, enum kind kind)
{
	const uint64_t one = 1;

	if (kind <= TCP)
		MUST(send(fd, "x", 1, 0) == 1);
	else if (kind == PIPE)
		MUST(write(fd, "x", 1) == 1);
	else
		MUST(write(fd, &one, sizeof(one)) == sizeof(one));
}

void get(int fd, enum kind kind)
{
	uint64_t space;

	if (kind <= TCP)
		MUST(recv(fd, &space, 1, 0) == 1);
	else if (kind == PIPE)
		MUST(read(fd, &space, 1) == 1);
	else
		MUST(read(fd, &space, sizeof(space)) == sizeof(space));
}
