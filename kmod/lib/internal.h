/* SPDX-License-Identifier: MIT */
/* Shared by the library's own files; not installed. */
#ifndef KEVENT_INTERNAL_H
#define KEVENT_INTERNAL_H

#include "kevent.h"

int kevent_call_(int fd, unsigned long request, void *arguments);
int kevent_open_device_(void);
int kevent_make_queue_(struct kevent_init_args *arguments);

/* The kernel's form of a set; adds the flag that says there is one. */
uint64_t kevent_sigmask_(const sigset_t *set, unsigned int *flags);

/* The same for a timeout, of which NULL is one without end. */
struct kevent_timespec kevent_timeout_(const struct timespec *timeout, unsigned int *flags);

#endif
