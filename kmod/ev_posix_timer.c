// SPDX-License-Identifier: GPL-2.0-only
/*
 * POSIX_TIMER: expiries of a timer made with timer_create(2) by the same process.
 *
 * An expiry sends a signal that carries the timer's number, and passes the tracepoint even when the
 * process ignores it. The kernel then re-arms an interval timer by itself, though never sooner than
 * a tick later: for shorter periods there is the type TIMER. A signal that is neither ignored nor
 * handled stays pending, and its timer stands still until it is taken.
 */
#include <linux/posix-timers.h>

#include "compat.h"
#include "kevent_core.h"
#include "sigtrace.h"

/* How many timers of a process are looked through, with interrupts off, for the one that is named. */
#define SEARCH_MAX	4096

struct ev_posix_timer {
	struct kevent kev;
	struct kevent_sigwatch watch;
	unsigned int expiries;		/* queue->lock: since the last report */
	int value;			/* queue->lock: sigev_value of the latest */
};

/* Without an expiry: are there any from before? */
static bool ev_posix_timer_note(struct kevent *kev, const void *note)
{
	struct ev_posix_timer *ev = container_of(kev, struct ev_posix_timer, kev);
	const struct kevent_sigsent *sent = note;

	if (sent) {
		ev->expiries++;
		ev->value = sent->value;
	}
	return ev->expiries;
}

static void ev_posix_timer_sent(struct kevent_sigwatch *watch, const struct kevent_sigsent *sent)
{
	struct ev_posix_timer *ev = container_of(watch, struct ev_posix_timer, watch);

	if (sent->timer >= 0 && sent->timer == (int)ev->kev.u.id.raw[0])
		kevent_fire_note(&ev->kev, KEVENT_POSIX_TIMER_FIRED, 0, sent);
}

/* exec and exit delete all timers of a process. */
static void ev_posix_timer_gone(struct kevent_sigwatch *watch)
{
	struct ev_posix_timer *ev = container_of(watch, struct ev_posix_timer, watch);

	kevent_fire(&ev->kev, 0, KEVENT_FIRE_BROKEN);
}

/* Does the caller have a timer of that number, with that signal? One too far down the list may be. */
static bool own_timer(int id, int signo)
{
	struct sighand_struct *sighand = kevent_own_sighand();
	struct k_itimer *timer;
	unsigned int looked = 0;
	bool found = false;

	spin_lock_irq(&sighand->siglock);
	kevent_compat_for_each_posix_timer(timer, current->signal) {
		if (timer->it_id == id) {
			found = timer->it_sigev_notify != SIGEV_NONE &&
				timer->sigq->info.si_signo == signo;
			break;
		}
		if (++looked == SEARCH_MAX) {
			found = true;
			break;
		}
	}
	spin_unlock_irq(&sighand->siglock);
	return found;
}

static int ev_posix_timer_attach(struct kevent *kev)
{
	struct ev_posix_timer *ev = container_of(kev, struct ev_posix_timer, kev);
	u32 signo = kev->u.id.raw[1];

	if (kev->u.event != KEVENT_POSIX_TIMER_FIRED && kev->u.event != KEVENT_MASK_ALL)
		return -EINVAL;
	if (!valid_signal(signo) || !signo || (int)kev->u.id.raw[0] < 0)
		return -EINVAL;
	if (!own_timer(kev->u.id.raw[0], signo))
		return -EINVAL;
	ev->watch.sent = ev_posix_timer_sent;
	ev->watch.gone = ev_posix_timer_gone;
	return kevent_sigwatch_add(&ev->watch, signo);
}

static int ev_posix_timer_modify(struct kevent *kev, const struct ukevent *uk)
{
	if (uk->event != KEVENT_POSIX_TIMER_FIRED && uk->event != KEVENT_MASK_ALL)
		return -EINVAL;
	/* What has not been reported yet is not forgotten. */
	kevent_fire_note(kev, KEVENT_POSIX_TIMER_FIRED, 0, NULL);
	return 0;
}

static void ev_posix_timer_detach(struct kevent *kev)
{
	kevent_sigwatch_del(&container_of(kev, struct ev_posix_timer, kev)->watch);
}

static bool ev_posix_timer_fill(struct kevent *kev, struct ukevent *out)
{
	struct ev_posix_timer *ev = container_of(kev, struct ev_posix_timer, kev);

	/* None when the program, or the end of the process, made the event. */
	out->ret_data[0] = ev->expiries ? ev->expiries - 1 : 0;
	out->ret_data[1] = ev->value;
	ev->expiries = 0;
	return false;
}

const struct kevent_source_ops kevent_posix_timer_ops = {
	.name = "posix_timer",
	.size = sizeof(struct ev_posix_timer),
	.attach = ev_posix_timer_attach,
	.modify = ev_posix_timer_modify,
	.detach = ev_posix_timer_detach,
	.note = ev_posix_timer_note,
	.fill = ev_posix_timer_fill,
};
