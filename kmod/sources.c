// SPDX-License-Identifier: GPL-2.0-only
/* The table of event sources: one row a type. */
#include "kevent_core.h"

const struct kevent_source_ops *const kevent_sources[KEVENT_MAX] = {
	[KEVENT_SOCKET] = &kevent_socket_ops,
	[KEVENT_INODE] = &kevent_inode_ops,
	[KEVENT_TIMER] = &kevent_timer_ops,
	[KEVENT_POLL] = &kevent_poll_ops,
	[KEVENT_NAIO] = &kevent_naio_ops,
	[KEVENT_AIO] = &kevent_aio_ops,
	[KEVENT_PIPE] = &kevent_pipe_ops,
	[KEVENT_SIGNAL] = &kevent_signal_ops,
	[KEVENT_POSIX_TIMER] = &kevent_posix_timer_ops,
	[KEVENT_USER] = &kevent_user_ops,
};
