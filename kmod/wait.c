// SPDX-License-Identifier: GPL-2.0-only
/* The calls that wait: get_events, and wait on either ring. */
#include <linux/hrtimer.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "queue.h"

/* What a caller waits for, and until when. */
struct sleeper {
	struct kevent_queue *q;
	const struct kevent_timeout *timeout;
	u32 need;		/* so many ready, or unread in the mapped ring */
	u32 kicks;		/* as it was at the beginning */
	u32 old_uidx;		/* 2006 ring, wait: return when the index is another one */
	bool watch_uidx;
	bool room;		/* 2006 ring: nothing can be done while it is full */
	ktime_t end;
	bool has_end;
	bool poll_only;
};

static int set_end(struct sleeper *s)
{
	const struct kevent_timespec *time = &s->timeout->time;
	u32 flags = s->timeout->flags;
	ktime_t span;

	if (s->timeout->nonblock) {
		s->poll_only = true;
		return 0;
	}
	if (flags & KEVENT_FLAGS_FOREVER)
		return 0;
	if (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= NSEC_PER_SEC)
		return -EINVAL;
	span = ktime_set(time->tv_sec, time->tv_nsec);
	s->has_end = true;
	if (flags & KEVENT_FLAGS_ABSTIME) {
		s->end = span;
		s->poll_only = ktime_compare(ktime_get_real(), span) >= 0;
	} else if (!span) {
		s->poll_only = true;
	} else {
		s->end = ktime_add_safe(ktime_get(), span);
	}
	return 0;
}

/* Is there a reason not to sleep? Under lock. */
static bool has_cause(const struct sleeper *s)
{
	struct kevent_queue *q = s->q;
	u32 used;

	if (READ_ONCE(q->kicks) != s->kicks)
		return true;
	if (q->mring.ring) {
		used = kevent_mring_used(&q->mring);
		return used >= s->need || (q->nr_ready && used < q->mring.entries);
	}
	if (s->watch_uidx && READ_ONCE(q->uring.uidx) != s->old_uidx)
		return true;
	if (s->room && READ_ONCE(q->uring.full))
		return false;
	return q->nr_ready >= s->need;
}

/*
 * Sleeps until woken, unless there is a cause already. Returns 0, -ETIMEDOUT or -EINTR. Whether a
 * wake-up was worth it the caller finds out by trying, which is as cheap as to ask here.
 */
static int sleep_for_cause(struct sleeper *s)
{
	struct kevent_queue *q = s->q;
	clockid_t clock = s->timeout->flags & KEVENT_FLAGS_ABSTIME ? CLOCK_REALTIME
								   : CLOCK_MONOTONIC;
	/* One event wakes one of the exclusive; who waits for several sees every event. */
	bool exclusive = s->need == 1;
	DEFINE_WAIT(wait);
	int result = 0;
	bool cause;

	if (exclusive)
		prepare_to_wait_exclusive(&q->wait, &wait, TASK_INTERRUPTIBLE);
	else
		prepare_to_wait(&q->wait, &wait, TASK_INTERRUPTIBLE);
	spin_lock_irq(&q->lock);
	cause = has_cause(s);
	spin_unlock_irq(&q->lock);
	if (!cause && signal_pending(current))
		result = -EINTR;
	else if (!cause && !schedule_hrtimeout_range_clock(s->has_end ? &s->end : NULL,
							   current->timer_slack_ns,
							   HRTIMER_MODE_ABS, clock))
		result = -ETIMEDOUT;
	finish_wait(&q->wait, &wait);
	return result;
}

/*
 * Before a call returns: a wake-up it may have used up, while more is ready, goes on to the next
 * sleeper. The mapped ring needs that as well: one record may be all that two were woken for.
 */
void kevent_hand_on(struct kevent_queue *q)
{
	unsigned int whom = 0;

	/* Who comes just now looks for itself. */
	if (!waitqueue_active(&q->wait))
		return;
	spin_lock_irq(&q->lock);
	if (q->nr_ready || (q->mring.ring && kevent_mring_used(&q->mring)))
		whom = kevent_whom(q, NULL) & KEVENT_WAKE_SLEEPERS;
	spin_unlock_irq(&q->lock);
	kevent_wake(q, whom);
}

/* Was the queue kicked since the caller came? The kick is spent by this. */
static bool kicked(struct sleeper *s)
{
	if (READ_ONCE(s->q->kicks) == s->kicks)
		return false;
	WRITE_ONCE(s->q->kicks_seen, READ_ONCE(s->q->kicks));
	return true;
}

/* Calls try until it returns something but 0, or time, a kick or a signal ends the wait. */
static int wait_for(struct sleeper *s, int (*try)(struct sleeper *s, void *context), void *context)
{
	bool last_try = false;
	int result;

	s->kicks = READ_ONCE(s->q->kicks_seen);
	result = set_end(s);
	if (result)
		return result;
	kevent_reap(s->q);
	for (;;) {
		result = try(s, context);
		if (result || last_try || s->poll_only)
			break;
		if (kicked(s))
			break;
		result = sleep_for_cause(s);
		if (result == -EINTR)
			break;
		last_try = result == -ETIMEDOUT;
		result = 0;
	}
	kevent_hand_on(s->q);
	return result;
}

static int with_sigmask(struct sleeper *s, int (*try)(struct sleeper *s, void *context),
			void *context)
{
	sigset_t mask;
	int result;

	if (likely(!(s->timeout->flags & KEVENT_FLAGS_SIGMASK)))
		return wait_for(s, try, context);

	BUILD_BUG_ON(_NSIG != 64);
	mask.sig[0] = s->timeout->sigmask;
	sigdelsetmask(&mask, sigmask(SIGKILL) | sigmask(SIGSTOP));
	current->saved_sigmask = current->blocked;
	set_restore_sigmask();
	sigprocmask(SIG_SETMASK, &mask, NULL);
	result = wait_for(s, try, context);
	/* After EINTR the handler runs under the caller's mask; leaving the kernel restores it. */
	if (result != -EINTR && test_and_clear_restore_sigmask())
		sigprocmask(SIG_SETMASK, &current->saved_sigmask, NULL);
	return result;
}

static int try_get(struct sleeper *s, void *context)
{
	const struct kevent_sink *sink = context;
	struct kevent_queue *q = s->q;
	int delivered;

	if (!READ_ONCE(q->nr_ready))
		return 0;
	if (sink->kind == KEVENT_SINK_USER)
		return kevent_deliver(q, sink);
	if (mutex_lock_interruptible(&q->ring_mutex))
		return -EINTR;
	delivered = kevent_deliver(q, sink);
	mutex_unlock(&q->ring_mutex);
	return delivered;
}

/* As try_get, once enough are ready; then, or when time is up, what there is. */
static int try_get_min(struct sleeper *s, void *context)
{
	struct kevent_queue *q = s->q;

	if (READ_ONCE(q->nr_ready) >= s->need || s->poll_only)
		kevent_verify(q, false);
	if (READ_ONCE(q->nr_ready) < s->need && !s->poll_only)
		return 0;
	return try_get(s, context);
}

int kevent_get_events(struct kevent_queue *q, u32 min_nr, struct kevent_sink *sink,
		      const struct kevent_timeout *timeout)
{
	struct sleeper s KEVENT_NO_CLEAR;
	int result;

	/* A busy consumer finds events waiting: nothing of what follows matters to it. */
	if (min_nr <= 1 && sink->kind == KEVENT_SINK_USER && READ_ONCE(q->nr_ready)) {
		result = kevent_deliver(q, sink);
		if (result) {
			kevent_hand_on(q);
			return result;
		}
	}

	s = (struct sleeper){ .q = q, .timeout = timeout };
	s.need = clamp_t(u32, min_nr, 1, sink->max);
	if (s.need == 1)
		return with_sigmask(&s, try_get, sink);
	result = with_sigmask(&s, try_get_min, sink);
	if (!result || result == -EINTR) {
		int got = try_get(&s, sink);

		if (got)
			result = got;
	}
	return result;
}

struct uring_request {
	u32 num;
	u32 *start;
};

/* Under ring_mutex. */
static int fill_locked(struct kevent_queue *q, const struct uring_request *request)
{
	struct kevent_sink sink = { .kind = KEVENT_SINK_URING };

	*request->start = q->uring.kidx;
	sink.max = min(request->num, kevent_uring_room(&q->uring));
	return sink.max && READ_ONCE(q->nr_ready) ? kevent_deliver(q, &sink) : 0;
}

static int fill_uring(struct kevent_queue *q, const struct uring_request *request)
{
	int delivered;

	if (mutex_lock_interruptible(&q->ring_mutex))
		return -EINTR;
	delivered = fill_locked(q, request);
	mutex_unlock(&q->ring_mutex);
	return delivered;
}

static int try_uring(struct sleeper *s, void *context)
{
	const struct uring_request *request = context;
	struct kevent_queue *q = s->q;
	int delivered;

	if (mutex_lock_interruptible(&q->ring_mutex))
		return -EINTR;
	delivered = fill_locked(q, request);
	/* Waited for without being taken, or a sign that others were here: the call is over. */
	if (!delivered && ((!request->num && READ_ONCE(q->nr_ready) && !q->uring.full) ||
			   q->uring.uidx != s->old_uidx))
		s->poll_only = true;
	mutex_unlock(&q->ring_mutex);
	return delivered;
}

int kevent_wait_uring(struct kevent_queue *q, u32 num, u32 old_uidx,
		      const struct kevent_timeout *timeout, u32 *start)
{
	struct uring_request request = { .num = num, .start = start };
	struct sleeper s KEVENT_NO_CLEAR;

	if (num > q->uring.size)
		return -EINVAL;
	/* As in get_events: whoever finds something does not wait. */
	if (READ_ONCE(q->nr_ready) && !READ_ONCE(q->uring.full)) {
		int delivered = fill_uring(q, &request);

		if (delivered) {
			kevent_hand_on(q);
			return delivered;
		}
	}
	s = (struct sleeper){
		.q = q,
		.timeout = timeout,
		.need = 1,
		.old_uidx = old_uidx,
		.watch_uidx = true,
		.room = true,
	};
	return with_sigmask(&s, try_uring, &request);
}

static int try_mring(struct sleeper *s, void *context)
{
	struct kevent_queue *q = s->q;
	u32 used;

	kevent_refill(q);
	spin_lock_irq(&q->lock);
	used = kevent_mring_used(&q->mring);
	spin_unlock_irq(&q->lock);
	return used >= s->need ? used : 0;
}

int kevent_wait_mring(struct kevent_queue *q, u32 num, const struct kevent_timeout *timeout)
{
	struct sleeper s = { .q = q, .timeout = timeout, .need = num ? num : 1 };
	int result;

	if (num > q->mring.entries)
		return -EINVAL;
	result = with_sigmask(&s, try_mring, NULL);
	if (!result || result == -EINTR) {
		u32 used = kevent_mring_used(&q->mring);

		if (used)
			result = used;
	}
	return result;
}

void kevent_kick(struct kevent_queue *q)
{
	unsigned int whom;

	spin_lock_irq(&q->lock);
	WRITE_ONCE(q->kicks, q->kicks + 1);
	q->stats.kicks++;
	whom = kevent_whom(q, NULL);
	spin_unlock_irq(&q->lock);
	if (whom & KEVENT_WAKE_SLEEPERS)
		whom |= KEVENT_WAKE_ALL;
	kevent_wake(q, whom);
}
