// SPDX-License-Identifier: GPL-2.0-only
/* TIMER: one hrtimer a kevent, periodic unless its id is a point in time. */
#include <linux/hrtimer.h>
#include <linux/timekeeping.h>

#include "compat.h"
#include "kevent_core.h"

/* A timer never expires more often, whatever its period: the missed expiries are counted. */
#define MIN_GAP_NS	(50 * NSEC_PER_USEC)

#define TIMER_BITS	(KEVENT_TIMER_FIRED | KEVENT_TIMER_REALTIME | KEVENT_TIMER_BOOTTIME | \
			 KEVENT_TIMER_ABSTIME | KEVENT_TIMER_START)

struct kevent_timer {
	struct kevent kev;
	struct hrtimer timer;
	ktime_t period;		/* 0: expires once */
	spinlock_t lock;	/* leaf; the fields below */
	u64 expiries;		/* since the last report */
	bool unread;		/* the last expiry has not been reported yet */
	bool stopped;		/* not started again, until it is */
};

static struct kevent_timer *to_timer(struct kevent *kev)
{
	return container_of(kev, struct kevent_timer, kev);
}

/* Moves the expiry into the future. */
static u64 forward(struct kevent_timer *t)
{
	ktime_t now = hrtimer_cb_get_time(&t->timer);

	if (t->period < MIN_GAP_NS)
		now = ktime_add_ns(now, MIN_GAP_NS);
	return hrtimer_forward(&t->timer, now, t->period);
}

/*
 * Interrupt context. While a report waits to be read the timer stops after its next expiry, so that
 * an idle program costs nothing; the report starts it again, with what was missed counted.
 */
static enum hrtimer_restart expired(struct hrtimer *timer)
{
	struct kevent_timer *t = container_of(timer, struct kevent_timer, timer);
	enum hrtimer_restart restart = HRTIMER_NORESTART;
	unsigned long flags;

	spin_lock_irqsave(&t->lock, flags);
	if (!t->period || READ_ONCE(t->kev.u.req_flags) & KEVENT_REQ_ONESHOT) {
		t->expiries++;
	} else if (t->unread) {
		t->stopped = true;
	} else {
		t->expiries += forward(t);
		restart = HRTIMER_RESTART;
	}
	t->unread = true;
	spin_unlock_irqrestore(&t->lock, flags);
	kevent_fire(&t->kev, KEVENT_TIMER_FIRED, 0);
	return restart;
}

static bool timer_fill(struct kevent *kev, struct ukevent *out)
{
	struct kevent_timer *t = to_timer(kev);
	unsigned long flags;

	spin_lock_irqsave(&t->lock, flags);
	if (t->stopped) {
		t->stopped = false;
		t->expiries += forward(t);
		hrtimer_restart(&t->timer);
	}
	out->ret_data[1] = t->expiries > 1 ? min_t(u64, t->expiries - 1, U32_MAX) : 0;
	t->expiries = 0;
	t->unread = false;
	spin_unlock_irqrestore(&t->lock, flags);
	out->ret_data[0] = ktime_to_ms(ktime_get());
	return false;
}

static u32 options(const struct ukevent *uk)
{
	return uk->event == KEVENT_MASK_ALL ? KEVENT_TIMER_FIRED : uk->event;
}

static int check_request(const struct ukevent *uk)
{
	u32 bits = options(uk);

	if (bits & ~TIMER_BITS || uk->id.raw[1] >= NSEC_PER_SEC ||
	    (bits & KEVENT_TIMER_REALTIME && bits & KEVENT_TIMER_BOOTTIME))
		return -EINVAL;
	if (bits & KEVENT_TIMER_START)
		return uk->ret_data[1] < NSEC_PER_SEC ? 0 : -EINVAL;
	/* A period of 0 makes a timer that expires once, but only START says when. */
	if (!uk->id.raw[0] && !uk->id.raw[1] && !(bits & KEVENT_TIMER_ABSTIME))
		return -EINVAL;
	return 0;
}

static void start(struct kevent_timer *t, const struct ukevent *uk)
{
	u32 bits = options(uk);
	ktime_t id = ktime_set(uk->id.raw[0], uk->id.raw[1]);
	ktime_t first = id;

	t->period = id;
	if (bits & KEVENT_TIMER_START)
		first = ktime_set(uk->ret_data[0], uk->ret_data[1]);
	else if (bits & KEVENT_TIMER_ABSTIME)
		t->period = 0;
	hrtimer_start(&t->timer, first,
		      bits & KEVENT_TIMER_ABSTIME ? HRTIMER_MODE_ABS : HRTIMER_MODE_REL);
}

static int timer_attach(struct kevent *kev)
{
	struct kevent_timer *t = to_timer(kev);
	u32 bits = options(&kev->u);
	clockid_t clock = CLOCK_MONOTONIC;
	int result = check_request(&kev->u);

	if (result)
		return result;
	if (bits & KEVENT_TIMER_REALTIME)
		clock = CLOCK_REALTIME;
	else if (bits & KEVENT_TIMER_BOOTTIME)
		clock = CLOCK_BOOTTIME;
	spin_lock_init(&t->lock);
	kevent_compat_hrtimer_setup(&t->timer, expired, clock,
				    bits & KEVENT_TIMER_ABSTIME ? HRTIMER_MODE_ABS
								: HRTIMER_MODE_REL);
	start(t, &kev->u);
	return 0;
}

/* Starts anew, with the clock it was made with; what was missed is forgotten. */
static int timer_modify(struct kevent *kev, const struct ukevent *uk)
{
	struct kevent_timer *t = to_timer(kev);
	int result = check_request(uk);

	if (result)
		return result;
	spin_lock_irq(&t->lock);
	t->stopped = false;
	spin_unlock_irq(&t->lock);
	hrtimer_cancel(&t->timer);
	spin_lock_irq(&t->lock);
	t->stopped = false;
	t->unread = false;
	t->expiries = 0;
	spin_unlock_irq(&t->lock);
	start(t, uk);
	return 0;
}

static void timer_detach(struct kevent *kev)
{
	hrtimer_cancel(&to_timer(kev)->timer);
}

const struct kevent_source_ops kevent_timer_ops = {
	.name = "kevent_timer",
	.size = sizeof(struct kevent_timer),
	.flags = KEVENT_SOURCE_USER_KEY,
	.attach = timer_attach,
	.modify = timer_modify,
	.detach = timer_detach,
	.fill = timer_fill,
};
