// SPDX-License-Identifier: MIT
/* The counters of a queue say what happened to it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "queue.h"

CASE_ON(queue, counters_of_a_new_queue_are_0)
{
	static const char *const names[] = { "registered", "ready",    "added",	  "failed",
					     "immediate",  "fired",    "merged",  "spurious",
					     "delivered",  "ringed",   "posted",  "copy-failed",
					     "overflows",  "max-ready" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		CHECK_EQ(queue_counter(self->fd, names[i]), 0);
}

CASE_ON(queue, counters_equal_what_was_seen)
{
	struct ukevent entry[10], events[10], answer;
	int pair[2];

	for (unsigned int i = 0; i < 10; i++)
		entry[i] = add(self->fd, KEVENT_USER, i, 1, 0);
	CHECK_EQ(add_refusal(self->fd, entry[3]), EEXIST);
	CHECK_EQ(queue_counter(self->fd, "registered"), 10);
	CHECK_EQ(queue_counter(self->fd, "added"), 11);
	CHECK_EQ(queue_counter(self->fd, "failed"), 1);
	for (int i = 0; i < 6; i++)
		fire(self->fd, entry[i]);
	fire(self->fd, entry[0]);
	CHECK_EQ(queue_counter(self->fd, "ready"), 6);
	CHECK_EQ(queue_counter(self->fd, "fired"), 6);
	CHECK_EQ(queue_counter(self->fd, "merged"), 1);
	CHECK_EQ(take(self->fd, events, 10, SOON_MS), 6);
	CHECK_EQ(queue_counter(self->fd, "delivered"), 6);
	CHECK_EQ(queue_counter(self->fd, "ready"), 0);
	CHECK_EQ(queue_counter(self->fd, "max-ready"), 6);
	unix_pair(SOCK_STREAM, pair);
	put_byte(pair[1]);
	answer = request(KEVENT_SOCKET, (unsigned int)pair[0], KEVENT_SOCKET_RECV, 0);
	CHECK_EQ(add_entry(self->fd, &answer), 1);
	CHECK_EQ(queue_counter(self->fd, "immediate"), 1);
	CHECK_EQ(remove_entry(self->fd, entry[0]), 0);
	CHECK_EQ(queue_counter(self->fd, "registered"), 9);
}

CASE_ON(queue, dropped_checks_are_counted)
{
	int pair[2];

	unix_pair(SOCK_STREAM, pair);
	add(self->fd, KEVENT_SOCKET, (unsigned int)pair[0], KEVENT_SOCKET_RECV,
	    KEVENT_REQ_ET | KEVENT_REQ_LAST_CHECK);
	put_byte(pair[1]);
	drain(pair[0]);
	take_none(self->fd);
	CHECK_EQ(queue_counter(self->fd, "spurious"), 1);
	CHECK_EQ(queue_counter(self->fd, "delivered"), 0);
}

CASE(counters_of_rings_equal_what_was_seen)
{
	_Alignas(8) static char memory[8 + 2 * sizeof(struct ukevent)];
	int queue = kevent_init((struct kevent_ring *)(void *)memory, 2, 0);
	struct kevent_mapped map;
	struct ukevent entry, event;

	for (unsigned int i = 0; i < 3; i++)
		fire(queue, add(queue, KEVENT_USER, i, 1, 0));
	CHECK_EQ(kevent_wait(queue, 2, 0, after_ms(SOON_MS), 0), 2);
	CHECK_EQ(queue_counter(queue, "ringed"), 2);
	CHECK_EQ(fcntl(queue, F_SETFL, O_NONBLOCK), 0);
	CHECK_EQ(kevent_get_events(queue, 1, 1, after_ms(0), &event, 0), 1);
	CHECK_EQ(queue_counter(queue, "copy-failed"), 1);

	CHECK_GE(kevent_mapped_open(&map, 2, 0), 0);
	entry = add(map.fd, KEVENT_USER, 1, 1, KEVENT_REQ_ET);
	for (int i = 0; i < 3; i++)
		fire(map.fd, entry);
	CHECK_EQ(queue_counter(map.fd, "posted"), 2);
	CHECK_EQ(queue_counter(map.fd, "unread"), 2);
	CHECK_EQ(queue_counter(map.fd, "overflows"), 1);
	CHECK_EQ(queue_counter(map.fd, "mapped-size"), 2);
}

CASE_ON(queue, debugfs_lists_the_queues)
{
	char line[128];
	long queues = 0;
	FILE *file;

	if (geteuid() != 0)
		SKIP("not root");
	if (mount("none", "/sys/kernel/debug", "debugfs", 0, NULL) != 0 && errno != EBUSY)
		SKIP("no debugfs: %s", strerror(errno));
	kevent_init(NULL, 0, 0);
	file = fopen("/sys/kernel/debug/kevent/queues", "r");
	CHECK(file);
	while (fgets(line, sizeof(line), file))
		queues += strncmp(line, "queue:", 6) == 0;
	CHECK_GE(queues, 2);
}
