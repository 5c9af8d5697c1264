// SPDX-License-Identifier: GPL-2.0-only
/*
 * NAIO: receiving from a socket into memory, and sending from there.
 *
 * Both are tried inside ADD without waiting; what would wait is done by a worker once the socket
 * wakes it up. A receive ends with the first bytes, or with all of them if MSG_WAITALL is given; a
 * send to a stream ends when all is taken.
 */
#include <linux/file.h>
#include <linux/net.h>
#include <net/sock.h>

#include "compat.h"
#include "io.h"

#define RECV_FLAGS	(MSG_DONTWAIT | MSG_OOB | MSG_PEEK | MSG_TRUNC | MSG_WAITALL)
#define SEND_FLAGS	(MSG_CONFIRM | MSG_DONTROUTE | MSG_DONTWAIT | MSG_EOR | MSG_MORE | \
			 MSG_NOSIGNAL | MSG_OOB)

static bool is_send(const struct kevent_io *io)
{
	return io->bits == KEVENT_NAIO_SEND;
}

/* One call on the socket; returns bytes or -errno. */
static int transfer(struct kevent_io *io, struct socket *sock)
{
	/* A signal would reach the worker or the program, as it happens: nobody gets one. */
	int flags = io->req.flags | MSG_DONTWAIT | MSG_NOSIGNAL;
	struct msghdr msg = { };
	int err;

	err = kevent_compat_import(is_send(io) ? ITER_SOURCE : ITER_DEST,
				   u64_to_user_ptr(io->req.buf + io->moved),
				   io->req.len - io->moved, &msg.msg_iter);
	if (err)
		return err;
	if (!is_send(io))
		return sock_recvmsg(sock, &msg, flags & ~MSG_NOSIGNAL);
	msg.msg_flags = flags;
	return sock_sendmsg(sock, &msg);
}

/* Is there more to move after a call that moved @ret bytes? */
static bool unfinished(struct kevent_io *io, struct socket *sock, int ret)
{
	if (!ret || io->moved >= io->req.len || sock->type != SOCK_STREAM)
		return false;
	return is_send(io) || ((io->req.flags & MSG_WAITALL) && !(io->req.flags & MSG_PEEK));
}

static int move(struct kevent_io *io, struct file *file, bool worker)
{
	struct socket *sock = sock_from_file(file);

	for (;;) {
		int ret = transfer(io, sock);

		if (ret < 0)
			return ret;
		io->moved += ret;
		if (!unfinished(io, sock, ret))
			return KEVENT_IO_DONE;
		/* A long transfer must not hold the caller up. */
		if (!worker)
			return KEVENT_IO_BLOCKS;
		if (kevent_io_cancelled(io))
			return -ECANCELED;
		cond_resched();
	}
}

static int naio_step(struct kevent_io *io, struct file *file, bool worker)
{
	__poll_t events = is_send(io) ? EPOLLOUT : EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;

	return kevent_io_try(io, file, io->req.flags & MSG_DONTWAIT ? 0 : events, worker, move);
}

static const struct kevent_io_ops naio_ops = {
	.step = naio_step,
};

static int check_request(const struct kevent_io *io, struct file *file)
{
	if (!sock_from_file(file))
		return -ENOTSOCK;
	if (io->req.flags & ~(is_send(io) ? SEND_FLAGS : RECV_FLAGS))
		return -EINVAL;
	return 0;
}

static int ev_naio_attach(struct kevent *kev)
{
	struct kevent_io *io;
	struct file *file;
	int ret;

	if (kev->u.event != KEVENT_NAIO_RECV && kev->u.event != KEVENT_NAIO_SEND)
		return -EINVAL;
	file = kevent_fget(kev);
	if (IS_ERR(file))
		return PTR_ERR(file);
	io = kevent_io_create(kev, &naio_ops);
	if (IS_ERR(io)) {
		fput(file);
		return PTR_ERR(io);
	}
	io->bits = kev->u.event;
	ret = check_request(io, file);
	if (ret)
		kevent_io_discard(io);
	else
		ret = kevent_io_start(io, kev, file);
	fput(file);
	return ret;
}

const struct kevent_source_ops kevent_naio_ops = {
	.name = "naio",
	.size = sizeof(struct ev_io),
	.flags = KEVENT_SOURCE_ONESHOT,
	.attach = ev_naio_attach,
	.modify = kevent_io_modify,
	.detach = kevent_io_detach,
	.closed = kevent_io_closed,
	.fill = kevent_io_fill,
};
