// SPDX-License-Identifier: MIT
/* The calls, each one ioctl. */
#include "kevent.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"

int kevent_call_(int fd, unsigned long request, void *arguments)
{
	int result = ioctl(fd, request, arguments);

	/* Other kinds of descriptors do not know the request. */
	if (result < 0 && errno == ENOTTY)
		errno = EINVAL;
	return result;
}

#ifdef __LP64__
bool kevent_short_(int fd, uint64_t offset, uint64_t len, int advice, int *result)
{
	*result = (int)syscall(SYS_fadvise64, fd, offset, len, advice);
	/* Not a queue, an older module, or a filter of system calls: the ioctl gives the answer. */
	return *result >= 0 ||
	       (errno != EINVAL && errno != ENOSYS && errno != EPERM && errno != ESPIPE);
}
#else
bool kevent_short_(int fd, uint64_t offset, uint64_t len, int advice, int *result)
{
	(void)fd, (void)offset, (void)len, (void)advice, (void)result;
	return false;
}
#endif

bool kevent_short_wait_(const struct timespec *timeout, unsigned int flags,
			const sigset_t *sigmask, int *advice)
{
	if (flags || sigmask || (timeout && (timeout->tv_sec || timeout->tv_nsec)))
		return false;
	if (!timeout)
		*advice |= KEVENT_SHORT_FOREVER;
	return true;
}

static uint64_t pair(unsigned int low, unsigned int high)
{
	return (uint64_t)high << 32 | low;
}

uint64_t kevent_sigmask_(const sigset_t *set, unsigned int *flags)
{
	uint64_t mask;

	if (!set)
		return 0;
	*flags |= KEVENT_FLAGS_SIGMASK;
	memcpy(&mask, set, sizeof(mask));
	return mask;
}

struct kevent_timespec kevent_timeout_(const struct timespec *timeout, unsigned int *flags)
{
	if (timeout)
		return (struct kevent_timespec){ timeout->tv_sec, timeout->tv_nsec };
	*flags |= KEVENT_FLAGS_FOREVER;
	return (struct kevent_timespec){ 0, 0 };
}

int kevent_open_device_(void)
{
	int device = open(KEVENT_DEVICE, O_RDWR | O_CLOEXEC);

	/* What a kernel without the system call of 2006 would have said. */
	if (device < 0 && (errno == ENOENT || errno == ENXIO || errno == ENODEV))
		errno = ENOSYS;
	return device;
}

int kevent_make_queue_(struct kevent_init_args *arguments)
{
	int device = kevent_open_device_();
	int queue, error;

	if (device < 0)
		return -1;
	queue = ioctl(device, KEVENT_IOC_INIT, arguments);
	error = errno;
	close(device);
	errno = error;
	return queue;
}

int kevent_init(struct kevent_ring *ring, unsigned int ring_size, unsigned int flags)
{
	struct kevent_init_args arguments = {
		.version = KEVENT_VERSION,
		.flags = flags,
		.ring = (uintptr_t)ring,
		.ring_size = ring_size,
	};

	return kevent_make_queue_(&arguments);
}

int kevent_ctl(int fd, unsigned int cmd, unsigned int num, struct ukevent *arg)
{
	struct kevent_ctl_args arguments = { .cmd = cmd, .num = num, .arg = (uintptr_t)arg };
	int result;

	if (kevent_short_(fd, (uintptr_t)arg, pair(num, cmd), KEVENT_SHORT_CTL, &result))
		return result;
	return kevent_call_(fd, KEVENT_IOC_CTL, &arguments);
}

int kevent_pget_events(int fd, unsigned int min_nr, unsigned int max_nr,
		       const struct timespec *timeout, struct ukevent *buf, unsigned int flags,
		       const sigset_t *sigmask)
{
	struct kevent_get_args arguments = {
		.min_nr = min_nr,
		.max_nr = max_nr,
		.buf = (uintptr_t)buf,
	};
	int advice = KEVENT_SHORT_GET;
	int result;

	if (kevent_short_wait_(timeout, flags, sigmask, &advice) &&
	    kevent_short_(fd, (uintptr_t)buf, pair(max_nr, min_nr), advice, &result))
		return result;
	arguments.timeout = kevent_timeout_(timeout, &flags);
	arguments.sigmask = kevent_sigmask_(sigmask, &flags);
	arguments.flags = flags;
	return kevent_call_(fd, KEVENT_IOC_GET_EVENTS, &arguments);
}

int kevent_get_events(int ctl_fd, unsigned int min_nr, unsigned int max_nr,
		      struct timespec timeout, struct ukevent *buf, unsigned int flags)
{
	return kevent_pget_events(ctl_fd, min_nr, max_nr, &timeout, buf, flags, NULL);
}

int kevent_pwait(int fd, unsigned int num, unsigned int old_uidx, const struct timespec *timeout,
		 unsigned int flags, const sigset_t *sigmask, unsigned int *start)
{
	struct kevent_wait_args arguments = {
		.num = num,
		.old_uidx = old_uidx,
	};
	int advice = KEVENT_SHORT_RING | KEVENT_SHORT_WAIT;
	int result;

	/* The short entry has no place for start. */
	if (!start && kevent_short_wait_(timeout, flags, sigmask, &advice) &&
	    kevent_short_(fd, 0, pair(num, old_uidx), advice, &result))
		return result;
	arguments.timeout = kevent_timeout_(timeout, &flags);
	arguments.sigmask = kevent_sigmask_(sigmask, &flags);
	arguments.flags = flags;
	result = kevent_call_(fd, KEVENT_IOC_WAIT, &arguments);
	if (start && result >= 0)
		*start = arguments.start;
	return result;
}

int kevent_wait(int ctl_fd, unsigned int num, unsigned int old_uidx, struct timespec timeout,
		unsigned int flags)
{
	return kevent_pwait(ctl_fd, num, old_uidx, &timeout, flags, NULL, NULL);
}

int kevent_commit(int ctl_fd, unsigned int new_uidx, unsigned int over)
{
	struct kevent_commit_args arguments = { .new_uidx = new_uidx, .over = over };
	int result;

	if (kevent_short_(ctl_fd, pair(new_uidx, over), 0, KEVENT_SHORT_RING | KEVENT_SHORT_COMMIT,
			  &result))
		return result;
	return kevent_call_(ctl_fd, KEVENT_IOC_COMMIT, &arguments);
}

int kevent_next(int fd, unsigned int new_uidx, unsigned int over, unsigned int num,
		const struct timespec *timeout)
{
	struct kevent_batch batch = {
		.new_uidx = new_uidx,
		.over = over,
		.max_nr = num,
		.timeout = timeout,
		.flags = KEVENT_FLAGS_COMMIT,
		.old_uidx = new_uidx,
	};
	int advice = KEVENT_SHORT_RING | KEVENT_SHORT_COMMIT | KEVENT_SHORT_WAIT;
	int result;

	if (kevent_short_wait_(timeout, 0, NULL, &advice) &&
	    kevent_short_(fd, pair(new_uidx, over), pair(num, new_uidx), advice, &result))
		return result;
	return kevent_enter(fd, &batch);
}

int kevent_enter(int fd, struct kevent_batch *batch)
{
	unsigned int flags = batch->flags;
	struct kevent_enter_args arguments = {
		.cmd = batch->cmd,
		.num = batch->num,
		.arg = (uintptr_t)batch->changes,
		.new_uidx = batch->new_uidx,
		.over = batch->over,
		.min_nr = batch->min_nr,
		.max_nr = batch->max_nr,
		.buf = (uintptr_t)batch->events,
		.timeout = kevent_timeout_(batch->timeout, &flags),
		.sigmask = kevent_sigmask_(batch->sigmask, &flags),
		.old_uidx = batch->old_uidx,
	};
	int result;

	arguments.flags = flags;
	result = kevent_call_(fd, KEVENT_IOC_ENTER, &arguments);
	batch->ctl_result = arguments.ctl_ret;
	batch->commit_result = arguments.commit_ret;
	batch->start = arguments.start;
	return result;
}

int kevent_get_info(struct kevent_info *info)
{
	int device = kevent_open_device_();
	int result, error;

	if (device < 0)
		return -1;
	result = ioctl(device, KEVENT_IOC_INFO, info);
	error = errno;
	close(device);
	errno = error;
	return result;
}

int kevent_add(int fd, const struct ukevent *entry)
{
	struct ukevent answer = *entry;
	int result;

	answer.req_flags |= KEVENT_REQ_ALWAYS_QUEUE;
	result = kevent_ctl(fd, KEVENT_CTL_ADD, 1, &answer);
	if (result != 1)
		return result;
	errno = -(int)answer.ret_data[1];
	return -1;
}

int kevent_remove(int fd, const struct ukevent *entry)
{
	struct ukevent answer = *entry;
	int result = kevent_ctl(fd, KEVENT_CTL_REMOVE, 1, &answer);

	if (result < 0)
		return result;
	if (answer.ret_flags & KEVENT_RET_BROKEN) {
		errno = ENOENT;
		return -1;
	}
	return 0;
}
