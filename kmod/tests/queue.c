// SPDX-License-Identifier: MIT
#include "queue.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct kevent_ring *ring_memory(unsigned int size)
{
	size_t bytes = sizeof(struct kevent_ring) + size * sizeof(struct ukevent);
	struct kevent_ring *ring = aligned_alloc(_Alignof(struct ukevent), bytes);

	CHECK(ring);
	memset(ring, 0, bytes);
	return ring;
}

void queue_setup(struct queue *self)
{
	self->fd = kevent_init(NULL, 0, KEVENT_INIT_CLOEXEC);
	CHECK_GE(self->fd, 0);
}

void queue_teardown(struct queue *self)
{
	CHECK_EQ(close(self->fd), 0);
}

struct timespec after_ms(long milliseconds)
{
	return (struct timespec){ .tv_sec = milliseconds / 1000,
				  .tv_nsec = milliseconds % 1000 * 1000000 };
}

struct ukevent request(unsigned int type, unsigned int id, unsigned int event, unsigned int flags)
{
	static unsigned int serial;
	struct ukevent entry = { .type = type, .event = event, .req_flags = flags };

	entry.id.raw[0] = id;
	entry.user[0] = __atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED);
	entry.user[1] = 0x5eed;
	return entry;
}

int add_entry(int queue, struct ukevent *entry)
{
	return kevent_ctl(queue, KEVENT_CTL_ADD, 1, entry);
}

struct ukevent add(int queue, unsigned int type, unsigned int id, unsigned int event,
		   unsigned int flags)
{
	struct ukevent entry = request(type, id, event, flags), answer = entry;
	int result = add_entry(queue, &answer);

	if (result == 1)
		ktest_fail(__FILE__, __LINE__, "type %u id %u handed back: ret_flags %x, data %d",
			   type, id, answer.ret_flags, (int)answer.ret_data[1]);
	CHECK_EQ(result, 0);
	return entry;
}

int add_refusal(int queue, struct ukevent entry)
{
	int result = add_entry(queue, &entry);

	CHECK_GE(result, 0);
	if (result == 0)
		return 0;
	if (!(entry.ret_flags & KEVENT_RET_BROKEN))
		ktest_fail(__FILE__, __LINE__, "type %u id %u handed back as ready", entry.type,
			   entry.id.raw[0]);
	CHECK_EQ(entry.ret_flags, KEVENT_RET_BROKEN | KEVENT_RET_DONE);
	return -(int)entry.ret_data[1];
}

int remove_entry(int queue, struct ukevent entry)
{
	int result = kevent_ctl(queue, KEVENT_CTL_REMOVE, 1, &entry);

	CHECK(entry.ret_flags & KEVENT_RET_DONE || result < 0);
	return result < 0 || entry.ret_flags & KEVENT_RET_BROKEN ? -1 : 0;
}

unsigned int modify(int queue, struct ukevent entry, unsigned int event, unsigned int flags)
{
	entry.event = event;
	entry.req_flags = flags;
	CHECK_EQ(kevent_ctl(queue, KEVENT_CTL_MODIFY, 1, &entry), 1);
	return entry.ret_flags;
}

void fire(int queue, struct ukevent entry)
{
	CHECK_EQ(kevent_ctl(queue, KEVENT_CTL_READY, 1, &entry), 1);
}

unsigned int take(int queue, struct ukevent *events, unsigned int max, long milliseconds)
{
	int count = kevent_get_events(queue, 1, max, after_ms(milliseconds), events, 0);

	CHECK_GE(count, 0);
	CHECK_LE(count, max);
	return (unsigned int)count;
}

struct ukevent take_one(int queue)
{
	struct ukevent events[2];

	CHECK_EQ(take(queue, events, 2, SOON_MS), 1);
	return events[0];
}

void take_none(int queue)
{
	struct ukevent event;

	if (take(queue, &event, 1, 0) != 0)
		ktest_fail(__FILE__, __LINE__,
			   "unwanted event: type %u id %x:%x event %x ret_flags %x data %x %x",
			   event.type, event.id.raw[0], event.id.raw[1], event.event,
			   event.ret_flags, event.ret_data[0], event.ret_data[1]);
}

void check_same(const char *file, int line, struct ukevent event, struct ukevent wanted)
{
	if (event.type == wanted.type && event.id.raw_u64 == wanted.id.raw_u64 &&
	    event.user[0] == wanted.user[0] && event.user[1] == wanted.user[1])
		return;
	ktest_fail(file, line, "event is type %u id %llx user %x:%x, wanted %u %llx %x:%x",
		   event.type, (unsigned long long)event.id.raw_u64, event.user[0], event.user[1],
		   wanted.type, (unsigned long long)wanted.id.raw_u64, wanted.user[0],
		   wanted.user[1]);
}

bool readable(int fd, int milliseconds)
{
	struct pollfd watched = { .fd = fd, .events = POLLIN };
	int ready = poll(&watched, 1, milliseconds);

	CHECK_GE(ready, 0);
	return ready == 1 && watched.revents & POLLIN;
}

int64_t now_ms(void)
{
	struct timespec now;

	CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

long queue_counter(int queue, const char *name)
{
	char path[64], line[128];
	size_t length = strlen(name);
	long value = -1;
	FILE *info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", queue);
	info = fopen(path, "r");
	CHECK(info);
	while (fgets(line, sizeof(line), info))
		if (strncmp(line, name, length) == 0 && line[length] == ':')
			value = strtol(line + length + 1, NULL, 10);
	fclose(info);
	if (value < 0)
		ktest_fail(__FILE__, __LINE__, "fdinfo has no %s", name);
	return value;
}
