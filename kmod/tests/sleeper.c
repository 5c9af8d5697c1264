// SPDX-License-Identifier: MIT
#include "sleeper.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

static void *sleep_in_wait(void *argument)
{
	struct sleeper *self = argument;

	__atomic_store_n(&self->tid, gettid(), __ATOMIC_RELEASE);
	self->result = kevent_pget_events(self->fd, self->min, self->max ? self->max : 4,
					  self->timeout, self->events, self->flags, NULL);
	self->error = errno;
	return NULL;
}

char sleeper_state(int tid)
{
	char path[64], stat[512], *end;
	ssize_t length;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	fd = open(path, O_RDONLY);
	length = fd < 0 ? -1 : read(fd, stat, sizeof(stat) - 1);
	close(fd);
	if (length <= 0)
		return 'X';
	stat[length] = '\0';
	end = strrchr(stat, ')');
	return end ? end[2] : 'X';
}

void sleeper_asleep(int tid)
{
	int64_t deadline = now_ms() + SOON_MS;

	while (sleeper_state(tid) != 'S') {
		CHECK_LT(now_ms(), deadline);
		sched_yield();
	}
}

void sleeper_start(struct sleeper *self, int fd)
{
	int64_t deadline = now_ms() + SOON_MS;

	self->fd = fd;
	self->tid = 0;
	CHECK_EQ(pthread_create(&self->thread, NULL, sleep_in_wait, self), 0);
	/* One whose time is over already is gone. */
	while (!__atomic_load_n(&self->tid, __ATOMIC_ACQUIRE) ||
	       !strchr("SX", sleeper_state(self->tid))) {
		CHECK_LT(now_ms(), deadline);
		sched_yield();
	}
}

int sleeper_finish(struct sleeper *self)
{
	CHECK_EQ(pthread_join(self->thread, NULL), 0);
	errno = self->error;
	return self->result;
}

long sleeper_sleeps(int tid)
{
	char path[64], line[128];
	long count = -1;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
	status = fopen(path, "r");
	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "voluntary_ctxt_switches: %ld", &count) == 1)
			break;
	if (status)
		fclose(status);
	return count;
}

void sleepers_woke(const struct sleeper *sleepers, const long *before, unsigned int count)
{
	int64_t deadline = now_ms() + SOON_MS;

	for (unsigned int i = 0; i < count; i++) {
		/* One that has ended is not to be found any more. */
		while (sleeper_sleeps(sleepers[i].tid) == before[i]) {
			CHECK_LT(now_ms(), deadline);
			sched_yield();
		}
	}
}
