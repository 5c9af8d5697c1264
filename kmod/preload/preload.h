/* SPDX-License-Identifier: MIT */
/*
 * Serves epoll calls from kevent, for programs that know nothing of it.
 *
 * An epoll descriptor is a kevent queue, and the kernel holds nearly all there is to know. What it
 * does not hold is kept here, one struct set for each descriptor: the data word of each watch, since
 * MODIFY cannot change it, and that a one-shot watch which has fired is still registered, since for
 * kevent it is gone. Both are hints: where they and the kernel differ, the kernel is right.
 *
 * What kevent refuses and epoll may not is given to a true epoll descriptor, which the queue
 * watches. A program without a queue, for want of the module, gets true epoll descriptors outright.
 */
#ifndef PRELOAD_H
#define PRELOAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

/* Descriptors from here on are true epoll descriptors. */
#define SET_MAX 65536

enum watch_state {
	WATCH_NONE,
	WATCH_ARMED,
	WATCH_FIRED,	/* one-shot, reported, to be armed again with MOD */
	WATCH_FOREIGN,	/* in the true epoll descriptor */
};

struct watch {
	uint64_t data;
	uint64_t inode;		/* of a one-shot watch: tells whether the number was used again */
	uint32_t events;
	uint32_t state;
};

/* Memory of sets is used again but never given back: a waiter may still look at one that closed. */
struct set {
	pthread_mutex_t lock;
	struct watch *watches;
	int capacity;
	int refs;		/* descriptors, under sets_lock */
	int foreign;		/* the true epoll descriptor, or -1 */
	bool shared;		/* with another process, which may have changed it */
	struct set *next;
};

/* The set of a descriptor, or NULL; without a lock. */
struct set *set_find(int fd);

/* Begins or ends the set of a descriptor; false when there is no room for it. */
bool set_begin(int fd);
void set_share(int from, int to);
void set_end(int fd);

/* The descriptor was closed: nobody watches it any more. */
void sets_forget(int fd);

/* Around fork(): every set may be changed by another process from then on. */
void sets_before_fork(void);
void sets_after_fork(void);
void sets_in_child(void);

/* Whether a chain of sets leads from `fd` to `target`, or is too long to tell. */
bool set_leads_to(int fd, const struct set *target, int depth);

/* The watch of a descriptor; set->lock is held. NULL when memory is short. */
struct watch *set_watch(struct set *set, int fd);

int ctl_watch(int epfd, struct set *set, int op, int fd, const struct epoll_event *event);

int wait_for_events(int epfd, struct set *set, struct epoll_event *events, int max,
		    const struct timespec *timeout, const sigset_t *sigmask);

/* Says once for each reason, unless silenced, that true epoll serves something. */
void tell_fallback(const char *what, int error);

void count_events(unsigned int by_kevent, unsigned int by_epoll);

/* The C library's own. */
struct real_calls {
	int (*epoll_create1)(int flags);
	int (*epoll_ctl)(int epfd, int op, int fd, struct epoll_event *event);
	int (*epoll_wait)(int epfd, struct epoll_event *events, int max, int timeout);
	int (*epoll_pwait)(int epfd, struct epoll_event *events, int max, int timeout,
			   const sigset_t *sigmask);
	int (*epoll_pwait2)(int epfd, struct epoll_event *events, int max,
			    const struct timespec *timeout, const sigset_t *sigmask);
	int (*close)(int fd);
	int (*close_range)(unsigned int first, unsigned int last, int flags);
	int (*dup)(int fd);
	int (*dup2)(int from, int to);
	int (*dup3)(int from, int to, int flags);
	int (*fcntl)(int fd, int cmd, ...);
};

const struct real_calls *real_calls(void);

#endif
