// SPDX-License-Identifier: GPL-2.0-only
/* USER: events the program makes itself, with ctl READY. */
#include "kevent_core.h"

struct kevent_user {
	struct kevent kev;
	atomic_t count;		/* firings since the last report */
};

static struct kevent_user *to_user(struct kevent *kev)
{
	return container_of(kev, struct kevent_user, kev);
}

static int user_attach(struct kevent *kev)
{
	/* Registered as ready: that is one firing. */
	if (kev->u.req_flags & KEVENT_REQ_READY)
		atomic_set(&to_user(kev)->count, 1);
	return 0;
}

static void user_detach(struct kevent *kev)
{
}

static void user_ready(struct kevent *kev)
{
	atomic_inc(&to_user(kev)->count);
}

static bool user_fill(struct kevent *kev, struct ukevent *out)
{
	out->ret_data[0] = atomic_xchg(&to_user(kev)->count, 0);
	return false;
}

const struct kevent_source_ops kevent_user_ops = {
	.name = "kevent_user",
	.size = sizeof(struct kevent_user),
	.flags = KEVENT_SOURCE_USER_KEY,
	.attach = user_attach,
	.detach = user_detach,
	.ready = user_ready,
	.fill = user_fill,
};
