// SPDX-License-Identifier: MIT
/*
 * The calls a program makes, as it finds them when this library is preloaded.
 *
 * Environment: KEVENT_PRELOAD_QUIET=1 keeps fall-backs to itself; KEVENT_PRELOAD_COUNT=1 prints at
 * exit how many events came from where; KEVENT_PRELOAD_OFF=1 leaves everything to epoll.
 */
#include "preload.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <kevent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))

static unsigned long events_by_kevent, events_by_epoll;

/* Read when the library is loaded: a server may clear its environment later. */
static bool quiet, counting, off;

static bool switched_on(const char *name)
{
	const char *value = getenv(name);

	return value && *value && strcmp(value, "0") != 0;
}

static __attribute__((constructor)) void read_environment(void)
{
	quiet = switched_on("KEVENT_PRELOAD_QUIET");
	counting = switched_on("KEVENT_PRELOAD_COUNT");
	off = switched_on("KEVENT_PRELOAD_OFF");
}

static void *next_symbol(const char *name)
{
	void *symbol = dlsym(RTLD_NEXT, name);

	if (!symbol) {
		fprintf(stderr, "kevent-preload: the C library has no %s\n", name);
		abort();
	}
	return symbol;
}

static struct real_calls calls;
static pthread_once_t calls_once = PTHREAD_ONCE_INIT;

static void after_fork_in_child(void)
{
	sets_in_child();
	/* What came before is the parent's. */
	events_by_kevent = 0;
	events_by_epoll = 0;
}

static void find_calls(void)
{
	calls.epoll_create1 = next_symbol("epoll_create1");
	calls.epoll_ctl = next_symbol("epoll_ctl");
	calls.epoll_wait = next_symbol("epoll_wait");
	calls.epoll_pwait = next_symbol("epoll_pwait");
	calls.epoll_pwait2 = next_symbol("epoll_pwait2");
	calls.close = next_symbol("close");
	calls.close_range = next_symbol("close_range");
	calls.dup = next_symbol("dup");
	calls.dup2 = next_symbol("dup2");
	calls.dup3 = next_symbol("dup3");
	calls.fcntl = next_symbol("fcntl64");
	pthread_atfork(sets_before_fork, sets_after_fork, after_fork_in_child);
}

const struct real_calls *real_calls(void)
{
	pthread_once(&calls_once, find_calls);
	return &calls;
}

void tell_fallback(const char *what, int error)
{
	static int told[2];
	int *before = &told[strcmp(what, "this program") == 0];

	if (__atomic_exchange_n(before, 1, __ATOMIC_RELAXED) || quiet)
		return;
	fprintf(stderr, "kevent-preload: epoll serves %s: %s\n", what, strerror(error));
}

void count_events(unsigned int by_kevent, unsigned int by_epoll)
{
	if (by_kevent)
		__atomic_add_fetch(&events_by_kevent, by_kevent, __ATOMIC_RELAXED);
	if (by_epoll)
		__atomic_add_fetch(&events_by_epoll, by_epoll, __ATOMIC_RELAXED);
}

static __attribute__((destructor)) void print_counts(void)
{
	if (counting)
		fprintf(stderr, "kevent-preload: %lu events by kevent, %lu by epoll\n",
			events_by_kevent, events_by_epoll);
}

PUBLIC int epoll_create1(int flags)
{
	int queue;

	if (flags & ~EPOLL_CLOEXEC || off)
		return real_calls()->epoll_create1(flags);
	queue = kevent_init(NULL, 0, flags & EPOLL_CLOEXEC ? KEVENT_INIT_CLOEXEC : 0);
	if (queue >= 0 && set_begin(queue))
		return queue;
	if (queue < 0 && (errno == EMFILE || errno == ENFILE))
		return -1;
	tell_fallback("this program", queue < 0 ? errno : ENOMEM);
	if (queue >= 0)
		real_calls()->close(queue);
	return real_calls()->epoll_create1(flags);
}

PUBLIC int epoll_create(int size)
{
	if (size <= 0) {
		errno = EINVAL;
		return -1;
	}
	return epoll_create1(0);
}

/* The set of a descriptor; one that came from another program as a queue gets a set now. */
static struct set *set_of(int fd)
{
	struct set *set = set_find(fd);
	int error = errno;

	if (set || fd < 0)
		return set;
	/* A call that changes nothing on a queue without a ring. */
	if (kevent_commit(fd, 0, 0) == 0 && set_begin(fd)) {
		set = set_find(fd);
		set->shared = true;
	}
	errno = error;
	return set;
}

PUBLIC int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
	struct set *set = set_find(epfd);
	int result;

	if (set)
		return ctl_watch(epfd, set, op, fd, event);
	result = real_calls()->epoll_ctl(epfd, op, fd, event);
	set = result < 0 && errno == EINVAL ? set_of(epfd) : NULL;
	return set ? ctl_watch(epfd, set, op, fd, event) : result;
}

static int count_real(int result)
{
	if (result > 0)
		count_events(0, (unsigned int)result);
	return result;
}

PUBLIC int epoll_pwait2(int epfd, struct epoll_event *events, int max,
			const struct timespec *timeout, const sigset_t *sigmask)
{
	struct set *set = set_find(epfd);
	int result;

	if (set)
		return wait_for_events(epfd, set, events, max, timeout, sigmask);
	result = count_real(real_calls()->epoll_pwait2(epfd, events, max, timeout, sigmask));
	set = result < 0 && errno == EINVAL ? set_of(epfd) : NULL;
	return set ? wait_for_events(epfd, set, events, max, timeout, sigmask) : result;
}

PUBLIC int epoll_pwait(int epfd, struct epoll_event *events, int max, int timeout,
		       const sigset_t *sigmask)
{
	struct timespec time = { timeout / 1000, timeout % 1000 * 1000000 };
	struct set *set = set_find(epfd);
	int result;

	if (!set) {
		result = count_real(
			real_calls()->epoll_pwait(epfd, events, max, timeout, sigmask));
		set = result < 0 && errno == EINVAL ? set_of(epfd) : NULL;
		if (!set)
			return result;
	}
	return wait_for_events(epfd, set, events, max, timeout < 0 ? NULL : &time, sigmask);
}

PUBLIC int epoll_wait(int epfd, struct epoll_event *events, int max, int timeout)
{
	return epoll_pwait(epfd, events, max, timeout, NULL);
}

/* Descriptors come and go; what is known about a number ends with it. */
static void forget(int fd)
{
	int error = errno;

	set_end(fd);
	sets_forget(fd);
	errno = error;
}

PUBLIC int close(int fd)
{
	forget(fd);
	return real_calls()->close(fd);
}

PUBLIC int close_range(unsigned int first, unsigned int last, int flags)
{
	/* CLOSE_RANGE_CLOEXEC closes nothing now. */
	if (!(flags & 4))
		for (unsigned int fd = first; fd <= last && fd < SET_MAX; fd++)
			forget((int)fd);
	return real_calls()->close_range(first, last, flags);
}

static int copied(int from, int to)
{
	if (to >= 0 && to != from)
		set_share(from, to);
	return to;
}

PUBLIC int dup(int fd)
{
	return copied(fd, real_calls()->dup(fd));
}

PUBLIC int dup2(int from, int to)
{
	if (from != to)
		forget(to);
	return copied(from, real_calls()->dup2(from, to));
}

PUBLIC int dup3(int from, int to, int flags)
{
	if (from != to)
		forget(to);
	return copied(from, real_calls()->dup3(from, to, flags));
}

PUBLIC int fcntl64(int fd, int cmd, ...)
{
	va_list arguments;
	void *argument;
	int result;

	/* Whatever it is, it comes in one word. */
	va_start(arguments, cmd);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	result = real_calls()->fcntl(fd, cmd, argument);
	if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC)
		return copied(fd, result);
	return result;
}

PUBLIC int fcntl(int fd, int cmd, ...) __attribute__((alias("fcntl64")));
