// SPDX-License-Identifier: GPL-2.0-only
/* SOCKET and PIPE: POLL under their own names and bits; a listening socket tells its backlog. */
#include <linux/file.h>
#include <linux/net.h>
#include <net/sock.h>

#include "ev_poll.h"

/* How many connections wait to be accepted. */
static u32 backlog(struct kevent *kev)
{
	struct file *file = kevent_close_file(container_of(kev, struct kevent_on_file, kev));
	const struct sock *sk;
	u32 nr = 0;

	if (!file)
		return 0;
	sk = sock_from_file(file)->sk;
	if (sk && sk->sk_family == AF_UNIX)
		nr = skb_queue_len_lockless(&sk->sk_receive_queue);
	else if (sk)
		nr = READ_ONCE(sk->sk_ack_backlog);
	fput(file);
	return nr;
}

static bool socket_fill(struct kevent *kev, struct ukevent *out)
{
	if (out->ret_data[0] & KEVENT_SOCKET_ACCEPT)
		out->ret_data[1] = backlog(kev);
	return false;
}

const struct kevent_source_ops kevent_socket_ops = {
	.name = "kevent_socket",
	.size = sizeof(struct kevent_poll),
	.flags = KEVENT_SOURCE_CONDITION,
	.attach = kevent_poll_attach,
	.modify = kevent_poll_modify,
	.detach = kevent_poll_detach,
	.closed = kevent_poll_closed,
	.check = kevent_poll_check,
	.fill = socket_fill,
	.free = kevent_poll_free,
};

const struct kevent_source_ops kevent_pipe_ops = {
	.name = "kevent_pipe",
	.size = sizeof(struct kevent_poll),
	.flags = KEVENT_SOURCE_CONDITION,
	.attach = kevent_poll_attach,
	.modify = kevent_poll_modify,
	.detach = kevent_poll_detach,
	.closed = kevent_poll_closed,
	.check = kevent_poll_check,
	.free = kevent_poll_free,
};
