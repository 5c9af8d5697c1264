// SPDX-License-Identifier: MIT
/* The mapped ring: making one, and waiting for it. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"

int kevent_mapped_open(struct kevent_mapped *mapped, unsigned int entries, unsigned int flags)
{
	struct kevent_init_args arguments = {
		.version = KEVENT_VERSION,
		.flags = flags,
		.mapped = entries,
	};
	void *memory;
	int queue;

	if (entries == 0) {
		errno = EINVAL;
		return -1;
	}
	queue = kevent_make_queue_(&arguments);
	if (queue < 0)
		return -1;
	memory = mmap(NULL, arguments.mapped_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, queue, 0);
	if (memory == MAP_FAILED) {
		int error = errno;

		close(queue);
		errno = error;
		return -1;
	}
	*mapped = (struct kevent_mapped){
		.ring = memory,
		.mask = entries - 1,
		.fd = queue,
		.bytes = arguments.mapped_bytes,
	};
	return queue;
}

void kevent_mapped_close(struct kevent_mapped *mapped)
{
	munmap(mapped->ring, mapped->bytes);
	close(mapped->fd);
	mapped->fd = -1;
	mapped->ring = NULL;
}

int kevent_mapped_wait(struct kevent_mapped *mapped, struct ukevent *events, unsigned int max,
		       const struct timespec *timeout, const sigset_t *sigmask)
{
	unsigned int count;
	int result;

	/*
	 * Events that are there go first. What was read before and may still hold, and what found the
	 * ring full, is asked for when the ring is empty, and by a reader whose ring never is, once
	 * in a lap: so both wait for no more events than the ring has slots.
	 */
	if (mapped->since_asked > mapped->mask && kevent_mapped_flags(mapped)) {
		if (kevent_commit(mapped->fd, 0, 0) < 0)
			return -1;
		mapped->since_asked = 0;
	}
	count = kevent_mapped_take(mapped, events, max);
	mapped->since_asked += count;
	if (count)
		return (int)count;
	mapped->since_asked = 0;
	result = kevent_pwait(mapped->fd, 1, 0, timeout, 0, sigmask, NULL);
	return result < 0 ? result : (int)kevent_mapped_take(mapped, events, max);
}
