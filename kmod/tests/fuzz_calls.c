// SPDX-License-Identifier: MIT
/* One random call after the other. */
#include "fuzz.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct timespec brief(struct fuzz *self)
{
	struct timespec time = { .tv_nsec = fuzz_below(self, 300000) };

	if (fuzz_rarely(self, 30))
		time.tv_nsec = (long)fuzz_draw(self);
	/* What need not wait has a shorter way into the module. */
	else if (fuzz_rarely(self, 3))
		time.tv_nsec = 0;
	return time;
}

static int queue(struct fuzz *self)
{
	/* Sometimes something that is no queue. */
	return fuzz_pool[fuzz_below(self, fuzz_rarely(self, 20) ? FUZZ_POOL : FUZZ_QUEUES)];
}

static unsigned int random_flags(struct fuzz *self)
{
	unsigned int flags = fuzz_below(self, KEVENT_REQ_ALL + 1);

	return fuzz_rarely(self, 40) ? (unsigned int)fuzz_draw(self) : flags;
}

static unsigned int random_event(struct fuzz *self, unsigned int type)
{
	if (fuzz_rarely(self, 20))
		return (unsigned int)fuzz_draw(self);
	switch (type) {
	case KEVENT_INODE:
		return (1U << fuzz_below(self, 16)) & KEVENT_INODE_EVENTS ?: KEVENT_INODE_CREATE;
	case KEVENT_POLL:
		return (unsigned int)fuzz_draw(self) & KEVENT_POLL_ALL;
	case KEVENT_SOCKET:
		return 1 + fuzz_below(self, 7);
	case KEVENT_PIPE:
	case KEVENT_NAIO:
		return fuzz_rarely(self, 2) ? KEVENT_SOCKET_RECV : KEVENT_SOCKET_SEND;
	default:
		return 1;
	}
}

/* A place of the pool; mostly one whose descriptor suits the type. */
static unsigned int suitable(struct fuzz *self, unsigned int type)
{
	/* By what fuzz_make() puts at place % FUZZ_KINDS. */
	static const unsigned int kinds[KEVENT_MAX] = {
		[KEVENT_SOCKET] = 0x1f, [KEVENT_INODE] = 0x1800, [KEVENT_POLL] = 0x7ff,
		[KEVENT_NAIO] = 0x1f,	[KEVENT_AIO] = 0x1060,	 [KEVENT_PIPE] = 0x60,
	};
	unsigned int place = fuzz_below(self, FUZZ_POOL);

	if (type >= KEVENT_MAX || !kinds[type] || fuzz_rarely(self, 8))
		return place;
	while (place < FUZZ_QUEUES || !(kinds[type] & 1U << place % FUZZ_KINDS))
		place = (place + 1) % FUZZ_POOL;
	return place;
}

struct ukevent fuzz_request(struct fuzz *self, unsigned int type)
{
	struct kevent_aio *operation = (struct kevent_aio *)(void *)(self->memory + 1024);
	unsigned int place = suitable(self, type);
	struct ukevent entry = kevent_request(type, (unsigned int)fuzz_pool[place],
					      random_event(self, type), random_flags(self),
					      fuzz_below(self, 4));
	uint64_t address = (uintptr_t)operation;

	switch (type) {
	case KEVENT_TIMER:
		entry.id.raw[0] = 0;
		entry.id.raw[1] = 200000 + 1000 * fuzz_below(self, 100);
		break;
	case KEVENT_USER:
		entry.id.raw[0] = fuzz_below(self, 8);
		break;
	case KEVENT_SIGNAL:
		entry.id.raw[0] = (unsigned int)(fuzz_rarely(self, 2) ? SIGUSR1 : SIGRTMIN + 1);
		if (fuzz_rarely(self, 4))
			entry.id.raw_u64 |= KEVENT_SIGNAL_NOMASK;
		break;
	case KEVENT_POSIX_TIMER:
		entry.id.raw[0] = (unsigned int)self->posix_timer;
		entry.id.raw[1] = (unsigned int)SIGRTMIN + 2;
		break;
	case KEVENT_AIO:
	case KEVENT_NAIO:
		memset(operation, 0, sizeof(*operation));
		operation->op = fuzz_below(self, fuzz_rarely(self, 30) ? 5 : 3);
		operation->fd = fuzz_pool[place];
		operation->out_fd = fuzz_pool[fuzz_below(self, FUZZ_POOL)];
		operation->buf = (uintptr_t)(self->memory + 4096);
		operation->len = fuzz_below(self, 2048);
		operation->offset = fuzz_rarely(self, 4) ? -1 : (int)fuzz_below(self, 4096);
		if (fuzz_rarely(self, 40))
			operation->buf = fuzz_draw(self);
		entry.ret_data[0] = (unsigned int)address;
		entry.ret_data[1] = (unsigned int)(address >> 32);
		if (type == KEVENT_AIO)
			entry.id.raw_u64 = fuzz_below(self, 8);
		else
			entry.id.raw[1] = fuzz_below(self, 2);
		break;
	}
	if (fuzz_rarely(self, 50))
		entry.id.raw_u64 = fuzz_draw(self);
	return entry;
}

static unsigned int random_type(struct fuzz *self)
{
	return fuzz_rarely(self, 40) ? (unsigned int)fuzz_draw(self) : fuzz_below(self, KEVENT_MAX);
}

static void note(struct fuzz *self, unsigned int cmd, unsigned int type, bool done)
{
	if (cmd >= FUZZ_COMMANDS || type >= KEVENT_MAX)
		return;
	self->counts.tried[cmd][type]++;
	self->counts.done[cmd][type] += done;
}

static unsigned int fill_entries(struct fuzz *self, unsigned int cmd, struct ukevent *entries,
				 unsigned int most)
{
	unsigned int count = 1 + (fuzz_rarely(self, 3) ? fuzz_below(self, most) : 0);

	for (unsigned int i = 0; i < count; i++) {
		if (cmd != KEVENT_CTL_ADD && !fuzz_rarely(self, 4))
			entries[i] = self->known[fuzz_below(self, 32)];
		else
			entries[i] = fuzz_request(self, random_type(self));
		if (cmd == KEVENT_CTL_ADD)
			self->known[self->known_next++ % 32] = entries[i];
		if (cmd == KEVENT_CTL_MODIFY && fuzz_rarely(self, 2)) {
			entries[i].req_flags = random_flags(self);
			entries[i].event = random_event(self, entries[i].type);
		}
		if (cmd == KEVENT_CTL_BATCH)
			entries[i].ret_flags = fuzz_below(self, 5);
	}
	return count;
}

/* Whether the call did something: an ADD that refused every entry did not. */
static bool call_ctl(struct fuzz *self)
{
	unsigned int cmd = fuzz_below(self, fuzz_rarely(self, 30) ? 8 : 5);
	struct ukevent entries[8], asked[8];
	unsigned int count = fill_entries(self, cmd, entries, 8);
	unsigned int num = fuzz_rarely(self, 100) ? (unsigned int)fuzz_draw(self) : count;
	struct ukevent *where = fuzz_rarely(self, 100) ? (void *)(uintptr_t)fuzz_draw(self) :
							 entries;
	int result;

	memcpy(asked, entries, sizeof(asked));
	/* Only as many as there are may be written back. */
	if (num > count && where == entries)
		num = count;
	result = kevent_ctl(queue(self), cmd, num, where);
	if (result < 0 || where != entries)
		return result >= 0;
	for (unsigned int i = 0; i < num; i++) {
		bool found = cmd == KEVENT_CTL_ADD || cmd == KEVENT_CTL_READY ?
				     num == 1 && result == (cmd == KEVENT_CTL_READY) :
				     !(entries[i].ret_flags & KEVENT_RET_BROKEN);

		note(self, cmd, asked[i].type, found);
	}
	if (cmd == KEVENT_CTL_ADD && (unsigned int)result == num)
		return !(entries[0].ret_flags & KEVENT_RET_BROKEN);
	return true;
}

/* Sometimes a set of signals to block while waiting: never SIGALRM, whose tick ends long waits. */
static const sigset_t *some_signals(struct fuzz *self, sigset_t *set)
{
	if (!fuzz_rarely(self, 4))
		return NULL;
	sigemptyset(set);
	sigaddset(set, fuzz_rarely(self, 2) ? SIGUSR1 : SIGUSR2);
	if (fuzz_rarely(self, 2))
		sigaddset(set, SIGRTMIN + (int)fuzz_below(self, 4));
	return set;
}

static bool call_get_events(struct fuzz *self)
{
	struct ukevent *buf = (struct ukevent *)(void *)(self->memory + 8192);
	struct timespec limit = brief(self);
	sigset_t set;

	if (fuzz_rarely(self, 60))
		buf = (void *)(uintptr_t)fuzz_draw(self);
	return kevent_pget_events(queue(self), fuzz_below(self, 3), 1 + fuzz_below(self, 32),
				  fuzz_rarely(self, 20) ? NULL : &limit, buf,
				  fuzz_rarely(self, 20) ? fuzz_below(self, 64) & ~4U : 0,
				  some_signals(self, &set)) >= 0;
}

static bool call_wait(struct fuzz *self)
{
	struct timespec limit = brief(self);
	sigset_t set;

	return kevent_pwait(queue(self), fuzz_below(self, 8), fuzz_below(self, 32),
			    fuzz_rarely(self, 20) ? NULL : &limit,
			    fuzz_rarely(self, 20) ? fuzz_below(self, 64) & ~4U : 0,
			    some_signals(self, &set), NULL) >= 0;
}

static bool call_commit(struct fuzz *self)
{
	unsigned int index = fuzz_rarely(self, 2) ? 0 : fuzz_below(self, 32);

	return kevent_commit(queue(self), index, index ? fuzz_below(self, 3) : 0) >= 0;
}

static bool call_enter(struct fuzz *self)
{
	struct ukevent changes[4];
	struct timespec limit = brief(self);
	struct kevent_batch batch = {
		.cmd = fuzz_below(self, 5),
		.changes = changes,
		.new_uidx = fuzz_below(self, 8),
		.max_nr = 1 + fuzz_below(self, 4),
		.events = fuzz_rarely(self, 2) ?
				  (struct ukevent *)(void *)(self->memory + 8192) :
				  NULL,
		.timeout = &limit,
		.flags = fuzz_rarely(self, 2) ? KEVENT_FLAGS_NOWAIT : 0,
	};
	sigset_t set;

	batch.sigmask = some_signals(self, &set);
	batch.num = fill_entries(self, batch.cmd, changes, 4);
	if (fuzz_rarely(self, 3))
		batch.flags |= KEVENT_FLAGS_COMMIT;
	return kevent_enter(queue(self), &batch) >= 0;
}

static uint64_t pair_of(unsigned int high, unsigned int low)
{
	return (uint64_t)high << 32 | low;
}

/* The calls that go by way of advice; the tick ends those that wait without end. */
static bool call_short(struct fuzz *self)
{
	unsigned int flags = fuzz_below(self, fuzz_rarely(self, 8) ? 16 : 8);
	unsigned int cmd = fuzz_below(self, 5), count;
	struct ukevent entries[8];
	uint64_t first, second;
	unsigned int op;

	switch (fuzz_below(self, 3)) {
	case 0:
		op = KEVENT_SHORT_GET | (flags & KEVENT_SHORT_FOREVER);
		first = (uintptr_t)(self->memory + 8192);
		second = pair_of(fuzz_below(self, 3), fuzz_below(self, 64));
		break;
	case 1:
		count = fill_entries(self, cmd, entries, 8);
		op = KEVENT_SHORT_CTL;
		first = (uintptr_t)entries;
		second = pair_of(cmd, count);
		break;
	default:
		op = KEVENT_SHORT_RING | flags;
		first = pair_of(fuzz_below(self, 3), fuzz_below(self, 32));
		second = pair_of(fuzz_below(self, 32), fuzz_below(self, 16));
	}
	if (fuzz_rarely(self, 20))
		op ^= 1U << fuzz_below(self, 5);
	if (fuzz_rarely(self, 60))
		first = 8;
	return syscall(SYS_fadvise64, queue(self), first, second, op) >= 0;
}

static bool call_renew(struct fuzz *self)
{
	unsigned int place = fuzz_below(self, FUZZ_POOL);
	int fd = fuzz_make(self, place);

	if (fd < 0)
		return false;
	dup2(fd, fuzz_pool[place]);
	close(fd);
	return true;
}

static bool call_ioctl(struct fuzz *self)
{
	unsigned long number = _IOC(fuzz_below(self, 4), KEVENT_IOC_MAGIC, fuzz_below(self, 12),
				    fuzz_below(self, 128));
	uint64_t words[32];

	for (int i = 0; i < 32; i++)
		words[i] = fuzz_rarely(self, 2) ? 0 : fuzz_draw(self);
	return ioctl(queue(self), number, words) >= 0;
}

static bool call_map(struct fuzz *self)
{
	size_t size = 4096UL << fuzz_below(self, 3);
	/* Nothing but a queue: memory of a file would end where the file does. */
	int fd = fuzz_pool[fuzz_below(self, FUZZ_QUEUES)];
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			    fuzz_rarely(self, 10) ? 4096 : 0);
	struct kevent_mring *ring = memory;

	if (memory == MAP_FAILED)
		return false;
	ring->head = fuzz_rarely(self, 4) ? (unsigned int)fuzz_draw(self) : ring->tail;
	munmap(memory, size);
	return true;
}

static bool call_poll(struct fuzz *self)
{
	struct pollfd watched[2] = { { .fd = queue(self), .events = POLLIN },
				     { .fd = queue(self), .events = POLLIN } };

	return poll(watched, 2, 0) >= 0;
}

void fuzz_call(struct fuzz *self)
{
	bool succeeded;

	switch (fuzz_below(self, 32)) {
	case 0 ... 11:
		succeeded = call_ctl(self);
		break;
	case 12 ... 13:
		succeeded = call_short(self);
		break;
	case 14 ... 17:
		succeeded = call_get_events(self);
		break;
	case 18 ... 20:
		succeeded = call_wait(self);
		break;
	case 21 ... 22:
		succeeded = call_commit(self);
		break;
	case 23 ... 26:
		succeeded = call_enter(self);
		break;
	case 27:
		succeeded = call_renew(self);
		break;
	case 28:
		succeeded = call_ioctl(self);
		break;
	case 29:
		succeeded = call_map(self);
		break;
	case 30:
		succeeded = call_poll(self);
		break;
	default: {
		struct kevent_info info;

		succeeded = kevent_get_info(&info) == 0;
	}
	}
	self->counts.calls++;
	self->counts.succeeded += succeeded;
	if (fuzz_rarely(self, 2))
		fuzz_provoke(self);
}
