// SPDX-License-Identifier: MIT
/* The ways to wait: epoll, and kevent's four. Each is used as its manual says. */
#include <sys/epoll.h>
#include <unistd.h>

#include "count.h"

#define SLOTS 256

static const struct timespec at_once;

static int queue;
static struct kevent_mapped mapped;
static unsigned int index_of_ring;
static struct {
	unsigned int kidx;
	unsigned int over;
	struct ukevent event[SLOTS];
} ring __attribute__((aligned(64)));

static void close_queue(void)
{
	close(queue);
}

static void epoll_open(const struct consumer *self)
{
	(void)self;
	queue = epoll_create1(0);
	MUST(queue >= 0);
}

static void epoll_add(const struct consumer *self, enum kind kind, int fd, uint32_t tag)
{
	struct epoll_event event = { EPOLLIN | (self->edge ? EPOLLET : 0), { .u32 = tag } };

	(void)kind;
	MUST(epoll_ctl(queue, EPOLL_CTL_ADD, fd, &event) == 0);
}

static unsigned int epoll_take(uint32_t *tags, unsigned int max, bool block)
{
	struct epoll_event events[ACTIVE];
	int count = epoll_wait(queue, events, (int)max, block ? -1 : 0);

	MUST(count >= 0);
	for (int i = 0; i < count; i++)
		tags[i] = events[i].data.u32;
	return (unsigned int)count;
}

static void kevent_add_one(const struct consumer *self, enum kind kind, int fd, uint32_t tag)
{
	static const unsigned int types[KINDS] = { KEVENT_SOCKET, KEVENT_SOCKET, KEVENT_PIPE,
						   KEVENT_POLL };
	struct ukevent entry = kevent_request(types[kind], (unsigned int)fd, KEVENT_SOCKET_RECV,
					      self->edge ? KEVENT_REQ_ET : 0, tag);

	_Static_assert(KEVENT_SOCKET_RECV == KEVENT_POLL_POLLIN, "one mask for all");
	MUST(kevent_ctl(queue, KEVENT_CTL_ADD, 1, &entry) == 0);
}

static unsigned int tags_of(const struct ukevent *events, int count, uint32_t *tags)
{
	MUST(count >= 0);
	for (int i = 0; i < count; i++)
		tags[i] = events[i].user[0];
	return (unsigned int)count;
}

static void get_open(const struct consumer *self)
{
	(void)self;
	queue = kevent_init(NULL, 0, 0);
	MUST(queue >= 0);
}

static unsigned int get_take(uint32_t *tags, unsigned int max, bool block)
{
	struct ukevent events[ACTIVE];

	return tags_of(events,
		       kevent_pget_events(queue, 1, max, block ? NULL : &at_once, events, 0, NULL),
		       tags);
}

static void ring_open(const struct consumer *self)
{
	(void)self;
	ring.kidx = ring.over = index_of_ring = 0;
	queue = kevent_init((struct kevent_ring *)&ring, SLOTS, 0);
	MUST(queue >= 0);
}

static unsigned int ring_take(uint32_t *tags, unsigned int max, bool block)
{
	int count = kevent_next(queue, index_of_ring, ring.over, max, block ? NULL : &at_once);

	MUST(count >= 0);
	for (int i = 0; i < count; i++)
		tags[i] = ring.event[(index_of_ring + (unsigned int)i) % SLOTS].user[0];
	index_of_ring = (index_of_ring + (unsigned int)count) % SLOTS;
	return (unsigned int)count;
}

static void mapped_open(const struct consumer *self)
{
	(void)self;
	queue = kevent_mapped_open(&mapped, SLOTS, 0);
	MUST(queue >= 0);
}

static void small_open(const struct consumer *self)
{
	(void)self;
	queue = kevent_mapped_open(&mapped, ACTIVE / 4, 0);
	MUST(queue >= 0);
}

static unsigned int mapped_wait(uint32_t *tags, unsigned int max, bool block)
{
	struct ukevent events[ACTIVE];

	return tags_of(
		events,
		kevent_mapped_wait(&mapped, events, max, block ? NULL : &at_once, NULL), tags);
}

/* Edge-triggered events need no looking again: the call can wait until the ring is empty. */
static unsigned int mapped_take(uint32_t *tags, unsigned int max, bool block)
{
	struct ukevent events[ACTIVE];
	unsigned int count = kevent_mapped_take(&mapped, events, max);

	return count ? tags_of(events, (int)count, tags) : mapped_wait(tags, max, block);
}

static void mapped_close(void)
{
	kevent_mapped_close(&mapped);
}

const struct consumer consumers[] = {
	{ "epoll", NULL, false, epoll_open, epoll_add, epoll_take, close_queue },
	{ "epoll", NULL, true, epoll_open, epoll_add, epoll_take, close_queue },
	{ "get", "epoll", false, get_open, kevent_add_one, get_take, close_queue },
	{ "get", "epoll", true, get_open, kevent_add_one, get_take, close_queue },
	{ "ring", "epoll", false, ring_open, kevent_add_one, ring_take, close_queue },
	{ "ring", "epoll", true, ring_open, kevent_add_one, ring_take, close_queue },
	{ "mapped", "epoll", false, mapped_open, kevent_add_one, mapped_wait, mapped_close },
	{ "mapped", "epoll", true, mapped_open, kevent_add_one, mapped_take, mapped_close },
};
const unsigned int consumer_count = sizeof(consumers) / sizeof(*consumers);

const struct consumer full_consumers[2] = {
	{ "full", "epoll", false, small_open, kevent_add_one, mapped_wait, mapped_close },
	{ "full", "epoll", true, small_open, kevent_add_one, mapped_take, mapped_close },
};

void kevent_add_remove(int to, const int *fds, unsigned int count, unsigned int batch)
{
	static struct ukevent entries[SLOTS];

	for (unsigned int i = 0; i < count; i++)
		entries[i] = kevent_request(KEVENT_SOCKET, (unsigned int)fds[i], KEVENT_SOCKET_RECV,
					    0, i);
	for (unsigned int i = 0; i < count; i += batch)
		MUST(kevent_ctl(to, KEVENT_CTL_ADD, batch, &entries[i]) == 0);
	for (unsigned int i = 0; i < count; i += batch)
		MUST(kevent_ctl(to, KEVENT_CTL_REMOVE, batch, &entries[i]) == (int)batch);
}

void epoll_add_remove(int to, const int *fds, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		struct epoll_event event = { EPOLLIN, { .u32 = i } };

		MUST(epoll_ctl(to, EPOLL_CTL_ADD, fds[i], &event) == 0);
	}
	for (unsigned int i = 0; i < count; i++)
		MUST(epoll_ctl(to, EPOLL_CTL_DEL, fds[i], NULL) == 0);
}
