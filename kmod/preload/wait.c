// SPDX-License-Identifier: MIT
/* epoll_wait() and its relatives. */
#include <errno.h>
#include <kevent.h>
#include <time.h>

#include "preload.h"

/* Events of one call: a program that asks for more gets the rest with the next. */
#define BATCH 256

static struct timespec now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time;
}

/* What is left of `timeout` since `begin`; {0, 0} when it is over. */
static struct timespec rest(struct timespec timeout, struct timespec begin)
{
	struct timespec time = now();

	timeout.tv_sec -= time.tv_sec - begin.tv_sec;
	timeout.tv_nsec -= time.tv_nsec - begin.tv_nsec;
	if (timeout.tv_nsec < 0) {
		timeout.tv_sec--;
		timeout.tv_nsec += 1000000000;
	} else if (timeout.tv_nsec >= 1000000000) {
		timeout.tv_sec++;
		timeout.tv_nsec -= 1000000000;
	}
	return timeout.tv_sec < 0 ? (struct timespec){ 0, 0 } : timeout;
}

static void note_fired(struct set *set, const struct ukevent *event)
{
	struct watch *watch;

	pthread_mutex_lock(&set->lock);
	watch = set_watch(set, (int)event->id.raw[0]);
	if (watch && watch->state == WATCH_ARMED)
		watch->state = WATCH_FIRED;
	pthread_mutex_unlock(&set->lock);
}

/* Turns `count` events of kevent into those of epoll; returns how many the program gets. */
static int translate(struct set *set, const struct ukevent *from, int count,
		     struct epoll_event *events, int max)
{
	int told = 0, foreign = 0;

	for (int i = 0; i < count; i++) {
		/* Descriptors that were closed disappear without a word. */
		if (from[i].ret_flags & KEVENT_RET_BROKEN || !from[i].ret_data[0])
			continue;
		if ((int)from[i].id.raw[0] == set->foreign) {
			int room = max - told - (count - i - 1);
			int more = real_calls()->epoll_wait(set->foreign, events + told,
							    room > 0 ? room : 1, 0);

			if (more > 0) {
				told += more;
				foreign += more;
			}
			continue;
		}
		if (from[i].req_flags & KEVENT_REQ_ONESHOT)
			note_fired(set, &from[i]);
		events[told].events = from[i].ret_data[0];
		events[told].data.u64 = from[i].user_u64;
		told++;
	}
	count_events((unsigned int)(told - foreign), (unsigned int)foreign);
	return told;
}

int wait_for_events(int epfd, struct set *set, struct epoll_event *events, int max,
		    const struct timespec *timeout, const sigset_t *sigmask)
{
	struct timespec left = timeout ? *timeout : (struct timespec){ 0, 0 };
	struct timespec begin = { 0, 0 };
	bool finite = timeout && (timeout->tv_sec || timeout->tv_nsec);
	struct ukevent batch[BATCH];

	if (max <= 0) {
		errno = EINVAL;
		return -1;
	}
	if (finite)
		begin = now();
	for (;;) {
		int count = kevent_pget_events(epfd, 1,
					       (unsigned int)(max < BATCH ? max : BATCH),
					       timeout ? &left : NULL, batch, 0, sigmask);

		if (count < 0)
			return -1;
		if (count > 0)
			count = translate(set, batch, count, events, max);
		if (count > 0 || (timeout && !finite))
			return count;
		/* Only of closed descriptors, or a kick: wait on. */
		if (finite) {
			left = rest(*timeout, begin);
			if (!left.tv_sec && !left.tv_nsec)
				finite = false;
		}
	}
}
