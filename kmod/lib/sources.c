// SPDX-License-Identifier: MIT
/* Signals, POSIX timers and asynchronous operations as single calls. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"

static struct ukevent signal_entry(int number, int only_event)
{
	struct ukevent entry = kevent_request(KEVENT_SIGNAL, (unsigned int)number,
					      KEVENT_SIGNAL_DELIVERY, 0, 0);

	if (only_event)
		entry.id.raw_u64 |= KEVENT_SIGNAL_NOMASK;
	return entry;
}

int kevent_signal_add(int fd, int number, int only_event, unsigned int req_flags, uint64_t user)
{
	struct ukevent entry = signal_entry(number, only_event);

	entry.req_flags = req_flags;
	entry.user_u64 = user;
	return kevent_add(fd, &entry);
}

int kevent_signal_remove(int fd, int number, int only_event)
{
	struct ukevent entry = signal_entry(number, only_event);

	return kevent_remove(fd, &entry);
}

static struct ukevent timer_entry(const struct kevent_posix_timer *timer)
{
	struct ukevent entry = kevent_request(KEVENT_POSIX_TIMER, (unsigned int)timer->id,
					      KEVENT_POSIX_TIMER_FIRED, 0, 0);

	entry.id.raw[1] = (unsigned int)timer->number;
	return entry;
}

int kevent_posix_timer_create(struct kevent_posix_timer *timer, int fd, clockid_t clock,
			      union sigval value, int number, uint64_t user)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigevent notify = { .sigev_notify = SIGEV_SIGNAL, .sigev_value = value };
	struct ukevent entry;

	timer->fd = fd;
	timer->number = number ? number : SIGRTMAX;
	notify.sigev_signo = timer->number;
	if (sigaction(timer->number, &ignore, NULL) != 0)
		return -1;
	/* The C library's timer_t may be an address; the event carries the kernel's number. */
	if (syscall(SYS_timer_create, clock, &notify, &timer->id) != 0)
		return -1;
	entry = timer_entry(timer);
	entry.user_u64 = user;
	if (kevent_add(fd, &entry) != 0) {
		int error = errno;

		syscall(SYS_timer_delete, timer->id);
		errno = error;
		return -1;
	}
	return 0;
}

int kevent_posix_timer_settime(const struct kevent_posix_timer *timer, int flags,
			       const struct itimerspec *value, struct itimerspec *old)
{
	return (int)syscall(SYS_timer_settime, timer->id, flags, value, old);
}

int kevent_posix_timer_delete(struct kevent_posix_timer *timer)
{
	struct ukevent entry = timer_entry(timer);
	int result = (int)syscall(SYS_timer_delete, timer->id);

	if (kevent_remove(timer->fd, &entry) != 0 && errno != ENOENT)
		return -1;
	return result;
}

static int submit(int fd, struct ukevent *entry, const struct kevent_aio *operation)
{
	uint64_t address = (uintptr_t)operation;

	entry->ret_data[0] = (uint32_t)address;
	entry->ret_data[1] = (uint32_t)(address >> 32);
	return kevent_add(fd, entry);
}

static int submit_aio(int fd, uint64_t id, const struct kevent_aio *operation, uint64_t user)
{
	struct ukevent entry = kevent_request(KEVENT_AIO, 0, KEVENT_AIO_BIO, KEVENT_REQ_ONESHOT,
					      user);

	entry.id.raw_u64 = id;
	return submit(fd, &entry, operation);
}

int kevent_aio_read(int fd, uint64_t id, int file, void *buf, size_t len, off_t offset,
		    uint64_t user)
{
	struct kevent_aio operation = {
		.op = KEVENT_AIO_READ,
		.fd = file,
		.buf = (uintptr_t)buf,
		.len = len,
		.offset = offset,
	};

	return submit_aio(fd, id, &operation, user);
}

int kevent_aio_write(int fd, uint64_t id, int file, const void *buf, size_t len, off_t offset,
		     uint64_t user)
{
	struct kevent_aio operation = {
		.op = KEVENT_AIO_WRITE,
		.fd = file,
		.buf = (uintptr_t)buf,
		.len = len,
		.offset = offset,
	};

	return submit_aio(fd, id, &operation, user);
}

int kevent_aio_sendfile(int fd, uint64_t id, int out, int file, off_t offset, size_t len,
			uint64_t user)
{
	struct kevent_aio operation = {
		.op = KEVENT_AIO_SENDFILE,
		.fd = file,
		.out_fd = out,
		.len = len,
		.offset = offset,
	};

	return submit_aio(fd, id, &operation, user);
}

static int submit_naio(int fd, unsigned int number, int sock, unsigned int event, const void *buf,
		       size_t len, int flags, uint64_t user)
{
	struct kevent_aio operation = {
		.flags = (unsigned int)flags,
		.buf = (uintptr_t)buf,
		.len = len,
	};
	struct ukevent entry = kevent_request(KEVENT_NAIO, (unsigned int)sock, event,
					      KEVENT_REQ_ONESHOT, user);

	entry.id.raw[1] = number;
	return submit(fd, &entry, &operation);
}

int kevent_naio_recv(int fd, unsigned int number, int sock, void *buf, size_t len, int flags,
		     uint64_t user)
{
	return submit_naio(fd, number, sock, KEVENT_NAIO_RECV, buf, len, flags, user);
}

int kevent_naio_send(int fd, unsigned int number, int sock, const void *buf, size_t len, int flags,
		     uint64_t user)
{
	return submit_naio(fd, number, sock, KEVENT_NAIO_SEND, buf, len, flags, user);
}
