// SPDX-License-Identifier: MIT
/*
 * Takes events out of a ring that the kernel fills the moment they happen: while there are some, no
 * system call is made for them. A child writes lines into sockets, the parent reads them.
 *
 *	cc -o ring ring.c $(pkg-config --cflags --libs kevent)
 *	./ring [SOCKETS [LINES]]
 */
#include <fcntl.h>
#include <kevent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENTRIES 64
#define MOST 256

static int peer[MOST];

static void talk(unsigned int sockets, unsigned int lines)
{
	for (unsigned int line = 0; line < lines; line++)
		for (unsigned int i = 0; i < sockets; i++)
			if (write(peer[i], "a line\n", 7) != 7)
				_exit(1);
	_exit(0);
}

/* An edge says that something has come: read until there is nothing left. */
static int drain(int fd, unsigned long *bytes)
{
	char buffer[256];
	ssize_t count;

	while ((count = read(fd, buffer, sizeof(buffer))) > 0)
		*bytes += (unsigned long)count;
	return count == 0;
}

int main(int argc, char **argv)
{
	unsigned int sockets = argc > 1 ? (unsigned int)atoi(argv[1]) : 8;
	unsigned int lines = argc > 2 ? (unsigned int)atoi(argv[2]) : 1000;
	unsigned long bytes = 0, taken = 0, slept = 0;
	unsigned int open_ends = 0;
	struct kevent_mapped ring;
	int status;

	if (sockets > MOST || kevent_mapped_open(&ring, ENTRIES, KEVENT_INIT_CLOEXEC) < 0) {
		perror("kevent_mapped_open");
		return 1;
	}
	for (; open_ends < sockets; open_ends++) {
		struct ukevent entry;
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 ||
		    fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0) {
			perror("socketpair");
			return 1;
		}
		peer[open_ends] = pair[1];
		entry = kevent_request(KEVENT_SOCKET, (unsigned int)pair[0], KEVENT_SOCKET_RECV,
				       KEVENT_REQ_ET, (uint64_t)pair[0]);
		if (kevent_add(ring.fd, &entry) != 0) {
			perror("kevent_add");
			return 1;
		}
	}
	if (fork() == 0)
		talk(sockets, lines);
	for (unsigned int i = 0; i < sockets; i++)
		close(peer[i]);

	while (open_ends) {
		struct ukevent events[ENTRIES];
		int count = (int)kevent_mapped_take(&ring, events, ENTRIES);

		if (count == 0) {
			slept++;
			count = kevent_mapped_wait(&ring, events, ENTRIES, NULL, NULL);
		}
		if (count < 0) {
			perror("kevent_mapped_wait");
			return 1;
		}
		taken += (unsigned long)count;
		for (int i = 0; i < count; i++) {
			int fd = (int)events[i].user_u64;

			/* Closing makes one more event, marked as broken. */
			if (!(events[i].ret_flags & KEVENT_RET_BROKEN) && drain(fd, &bytes)) {
				close(fd);
				open_ends--;
			}
		}
	}
	wait(&status);
	printf("%lu bytes, %lu events, %lu waits\n", bytes, taken, slept);
	kevent_mapped_close(&ring);
	return bytes != 7UL * sockets * lines || status != 0;
}
