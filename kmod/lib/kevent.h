/* SPDX-License-Identifier: MIT */
/*
 * libkevent: the calls of kevent as C functions.
 *
 * First the five of 2006, declared as then, so that a program written for them compiles unchanged;
 * then what has been added. Unless said otherwise a function returns a number >= 0, or -1 with
 * errno: EBADF for a bad descriptor, EINVAL for one that is no queue and for unknown flags, EFAULT
 * for bad memory. All may be called from several threads on one queue at the same time.
 */
#ifndef _KEVENT_H
#define _KEVENT_H

#include <linux/kevent.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Makes a queue and returns its descriptor. Without a ring: NULL and 0; else `ring` is writable
 * memory for `ring_size` >= 2 events, aligned to 8. flags: KEVENT_INIT_*. EINVAL for half a ring,
 * EMFILE, ENFILE, ENOMEM; ENOSYS when the module is not loaded, EACCES when it is not for this user.
 */
int kevent_init(struct kevent_ring *ring, unsigned int ring_size, unsigned int flags);

/*
 * Carries out KEVENT_CTL_* on `num` entries. ADD returns how many came back at the front of `arg`,
 * ready or failed, and therefore not registered; REMOVE and MODIFY how many were processed; READY
 * how many were marked, and with num 0 wakes a waiter without an event.
 */
int kevent_ctl(int fd, unsigned int cmd, unsigned int num, struct ukevent *arg);

/*
 * Waits until `min_nr` events are ready, at most `timeout`, and copies up to `max_nr` of them.
 * {0, 0} does not wait. With KEVENT_FLAGS_ABSTIME the timeout is a point of CLOCK_REALTIME. EINTR
 * when a signal came first and there is nothing to return. EINVAL on a mapped queue.
 */
int kevent_get_events(int ctl_fd, unsigned int min_nr, unsigned int max_nr,
		      struct timespec timeout, struct ukevent *buf, unsigned int flags);

/*
 * Waits for an event and for room in the ring, at most `timeout`; moves up to `num` events into the
 * ring and returns how many. Returns at once when `old_uidx` is not the oldest uncommitted slot: then
 * another thread has committed. On a mapped queue: waits until `num` events lie unread in the ring
 * and returns how many do.
 */
int kevent_wait(int ctl_fd, unsigned int num, unsigned int old_uidx, struct timespec timeout,
		unsigned int flags);

/*
 * Frees the ring's slots up to `new_uidx`, which stays; `over` is ring_over as seen before. Returns
 * how many were freed. EINVAL for an index beyond the kernel's, EOVERFLOW for another lap. On a
 * mapped queue, with 0 and 0: fetches what waits outside the ring.
 */
int kevent_commit(int ctl_fd, unsigned int new_uidx, unsigned int over);

/* As kevent_get_events(); timeout NULL waits without end, sigmask (may be NULL) as in ppoll(2). */
int kevent_pget_events(int fd, unsigned int min_nr, unsigned int max_nr,
		       const struct timespec *timeout, struct ukevent *buf, unsigned int flags,
		       const sigset_t *sigmask);

/* As kevent_wait(); `start` (may be NULL) gets the first slot filled of the ring of 2006. */
int kevent_pwait(int fd, unsigned int num, unsigned int old_uidx, const struct timespec *timeout,
		 unsigned int flags, const sigset_t *sigmask, unsigned int *start);

/*
 * For a lone reader of the ring of 2006: kevent_commit() and then kevent_wait() for the next events,
 * in one call; timeout NULL waits without end. Returns what the wait does, or the first error. On a
 * mapped queue new_uidx and over are 0.
 */
int kevent_next(int fd, unsigned int new_uidx, unsigned int over, unsigned int num,
		const struct timespec *timeout);

/* Several steps in one call. Zeroed fields leave a step out. */
struct kevent_batch {
	unsigned int cmd;		/* first KEVENT_CTL_* on num changes, unless num is 0 */
	unsigned int num;
	struct ukevent *changes;
	unsigned int new_uidx;		/* then commit, with KEVENT_FLAGS_COMMIT in flags */
	unsigned int over;
	unsigned int min_nr;		/* then get events, or wait when the queue has a ring */
	unsigned int max_nr;
	struct ukevent *events;
	const struct timespec *timeout;	/* NULL: without end */
	const sigset_t *sigmask;
	unsigned int flags;		/* KEVENT_FLAGS_*; NOWAIT leaves the last step out */
	unsigned int old_uidx;
	unsigned int ctl_result;	/* out, as are the next two */
	unsigned int commit_result;
	unsigned int start;
};

/*
 * Returns what the last step returned. Does not block when changes came back from ADD. When a step
 * fails, so does the call with that step's errno; earlier steps keep their effect and their results,
 * and the results of steps that were not reached are 0.
 */
int kevent_enter(int fd, struct kevent_batch *batch);

/* What the module offers; needs no queue. */
int kevent_get_info(struct kevent_info *info);

/*
 * A queue whose events appear in memory shared with the kernel at the moment they happen: while
 * there are some, taking them costs no call.
 */
struct kevent_mapped {
	struct kevent_mring *ring;
	unsigned int head;
	unsigned int mask;
	unsigned int since_asked;	/* events since kevent_mapped_wait() last made a call */
	int fd;
	size_t bytes;
};

/*
 * `entries`: a power of two from 2 to KEVENT_MRING_MAX. Returns the descriptor, which
 * kevent_mapped_close() closes. ENOMEM and EPERM when RLIMIT_MEMLOCK does not allow the memory. A
 * child does not inherit the mapping. One thread at a time may take events.
 */
int kevent_mapped_open(struct kevent_mapped *mapped, unsigned int entries, unsigned int flags);
void kevent_mapped_close(struct kevent_mapped *mapped);

/* How many events lie in the ring. */
static inline unsigned int kevent_mapped_count(const struct kevent_mapped *mapped)
{
	unsigned int count = __atomic_load_n(&mapped->ring->tail, __ATOMIC_ACQUIRE) - mapped->head;

	/* Whatever another process wrote there, no more than all slots are read. */
	return count <= mapped->mask + 1 ? count : mapped->mask + 1;
}

/* KEVENT_MRING_*: not 0 when kevent_commit() or a wait is due. */
static inline unsigned int kevent_mapped_flags(const struct kevent_mapped *mapped)
{
	return __atomic_load_n(&mapped->ring->flags, __ATOMIC_RELAXED);
}

/* Gives the `count` oldest events' places back; copies of them may be acted on from here on. */
static inline void kevent_mapped_release(struct kevent_mapped *mapped, unsigned int count)
{
	mapped->head += count;
	__atomic_store_n(&mapped->ring->head, mapped->head, __ATOMIC_RELEASE);
	/*
	 * An edge that happens from here on must find its record read and write another; one that
	 * happened before is seen by whoever acts on these records.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Takes up to `max` events, without a call; returns how many. They may be acted on at once. */
static inline unsigned int kevent_mapped_take(struct kevent_mapped *mapped, struct ukevent *events,
					      unsigned int max)
{
	unsigned int count = kevent_mapped_count(mapped);

	if (count > max)
		count = max;
	if (count == 0)
		return 0;
	for (unsigned int i = 0; i < count; i++)
		events[i] = mapped->ring->event[(mapped->head + i) & mapped->mask];
	kevent_mapped_release(mapped, count);
	return count;
}

/*
 * As kevent_mapped_take(), but fetches what waits outside the ring, and blocks for the first event
 * when there is none: at most `timeout`, without end when NULL. Returns 0 at the timeout.
 */
int kevent_mapped_wait(struct kevent_mapped *mapped, struct ukevent *events, unsigned int max,
		       const struct timespec *timeout, const sigset_t *sigmask);

/* An entry for `fd` or whatever else the type takes as raw[0]; user is 64 bits of the caller's. */
static inline struct ukevent kevent_request(unsigned int type, unsigned int id, unsigned int event,
					    unsigned int req_flags, uint64_t user)
{
	struct ukevent entry;

	memset(&entry, 0, sizeof(entry));
	entry.id.raw[0] = id;
	entry.type = type;
	entry.event = event;
	entry.req_flags = req_flags;
	entry.user_u64 = user;
	return entry;
}

/*
 * Registers one entry and returns 0; when it came back failed, -1 with errno set to the reason.
 * Adds ALWAYS_QUEUE, so that what is ready at once is delivered like everything else.
 */
int kevent_add(int fd, const struct ukevent *entry);

/* Removes one registration by its type and id (and user, for timers and user events); or ENOENT. */
int kevent_remove(int fd, const struct ukevent *entry);

/*
 * Watches for a signal sent to this process. With `only_event` nonzero the event is all that happens:
 * no handler runs and no call is interrupted. EINVAL for SIGKILL and SIGSTOP.
 */
int kevent_signal_add(int fd, int number, int only_event, unsigned int req_flags, uint64_t user);
int kevent_signal_remove(int fd, int number, int only_event);

/*
 * A POSIX timer whose expiries are events with ret_data = {overruns, value.sival_int}. `number` is
 * the signal it is bound to, a real-time one the program uses for nothing else, which is set to be
 * ignored and must not be blocked; 0 takes SIGRTMAX. Not for timer_settime(3): a kernel's timer.
 */
struct kevent_posix_timer {
	int id;
	int number;
	int fd;
};

int kevent_posix_timer_create(struct kevent_posix_timer *timer, int fd, clockid_t clock,
			      union sigval value, int number, uint64_t user);
int kevent_posix_timer_settime(const struct kevent_posix_timer *timer, int flags,
			       const struct itimerspec *value, struct itimerspec *old);
int kevent_posix_timer_delete(struct kevent_posix_timer *timer);

/*
 * Starts an operation whose end is an event of type AIO or NAIO with this id and user: ret_data is
 * the number of bytes, low half first; with BROKEN {bytes, -errno}. The memory must stay until then.
 * offset -1: the file's own position.
 */
int kevent_aio_read(int fd, uint64_t id, int file, void *buf, size_t len, off_t offset,
		    uint64_t user);
int kevent_aio_write(int fd, uint64_t id, int file, const void *buf, size_t len, off_t offset,
		     uint64_t user);
int kevent_aio_sendfile(int fd, uint64_t id, int out, int file, off_t offset, size_t len,
			uint64_t user);
int kevent_naio_recv(int fd, unsigned int number, int sock, void *buf, size_t len, int flags,
		     uint64_t user);
int kevent_naio_send(int fd, unsigned int number, int sock, const void *buf, size_t len, int flags,
		     uint64_t user);

#ifdef __cplusplus
}
#endif

#endif
