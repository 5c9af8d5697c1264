/* SPDX-License-Identifier: MIT */
/* Shared by the library's own files; not installed. */
#ifndef KEVENT_INTERNAL_H
#define KEVENT_INTERNAL_H

#include <stdbool.h>

#include "kevent.h"

int kevent_call_(int fd, unsigned long request, void *arguments);
int kevent_open_device_(void);

/*
 * One call through the short entry, KEVENT_SHORT_*. False: it is not to be had, or what it answered
 * is for the ioctl to say; nothing has been done.
 */
bool kevent_short_(int fd, uint64_t offset, uint64_t len, int advice, int *result);
/* Can it wait like that? Adds FOREVER to *advice where that is meant. */
bool kevent_short_wait_(const struct timespec *timeout, unsigned int flags,
			const sigset_t *sigmask, int *advice);

int kevent_make_queue_(struct kevent_init_args *arguments);

/* The kernel's form of a set; adds the flag that says there is one. */
uint64_t kevent_sigmask_(const sigset_t *set, unsigned int *flags);

/* The same for a timeout, of which NULL is one without end. */
struct kevent_timespec kevent_timeout_(const struct timespec *timeout, unsigned int *flags);

#endif
