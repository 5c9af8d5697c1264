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

/* One call on the socket, which goes on after @moved bytes; returns bytes or -errno. */
static int transfer(const struct kevent_aio *req, u32 bits, u64 moved, struct socket *sock)
{
	/* A signal would reach the worker or the program, as it happens: nobody gets one. */
	int flags = req->flags | MSG_DONTWAIT | MSG_NOSIGNAL;
	bool send = bits == KEVENT_NAIO_SEND;
	struct msghdr msg = { };
	int err;

	err = kevent_compat_import(send ? ITER_SOURCE : ITER_DEST,
				   u64_to_user_ptr(req->buf + moved), req->len - moved,
				   &msg.msg_iter);
	if (err)
		return err;
	if (!send)
		return sock_recvmsg(sock, &msg, flags & ~MSG_NOSIGNAL);
	msg.msg_flags = flags;
	return sock_sendmsg(sock, &msg);
}

/* Is there more to move when the last of several calls, @moved bytes in all, moved @ret? */
static bool unfinished(const struct kevent_aio *req, u32 bits, u64 moved, struct socket *sock,
		       int ret)
{
	if (!ret || moved >= req->len || sock->type != SOCK_STREAM)
		return false;
	return bits == KEVENT_NAIO_SEND ||
	       (req->flags & MSG_WAITALL && !(req->flags & MSG_PEEK));
}

static int move(struct kevent_io *io, struct file *file, bool worker)
{
	struct socket *sock = sock_from_file(file);

	for (;;) {
		int ret = transfer(&io->req, io->bits, io->moved, sock);

		if (ret < 0)
			return ret;
		io->moved += ret;
		if (!unfinished(&io->req, io->bits, io->moved, sock, ret))
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
	__poll_t events = io->bits == KEVENT_NAIO_SEND ? EPOLLOUT :
							 EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;

	return kevent_io_try(io, file, io->req.flags & MSG_DONTWAIT ? 0 : events, worker, move);
}

static const struct kevent_io_ops naio_ops = {
	.step = naio_step,
};

static int check_request(const struct kevent_aio *req, u32 bits, struct socket *sock)
{
	if (!sock)
		return -ENOTSOCK;
	if (req->flags & ~(bits == KEVENT_NAIO_SEND ? SEND_FLAGS : RECV_FLAGS))
		return -EINVAL;
	return 0;
}

/* What goes on after ADD, or leaves a report behind, gets an operation of its own. */
static int start(struct kevent *kev, const struct kevent_aio *req, u64 moved, struct file *file)
{
	struct kevent_io *io = kevent_io_create(req, &naio_ops);

	if (IS_ERR(io))
		return PTR_ERR(io);
	io->bits = kev->u.event;
	io->moved = moved;
	return kevent_io_start(io, kev, file);
}

/* An operation that has moved bytes must not fail as if it had not. */
static int go_on(struct kevent *kev, const struct kevent_aio *req, u64 moved, struct file *file)
{
	struct ev_io *ev = container_of(kev, struct ev_io, on.kev);
	int ret = start(kev, req, moved, file);

	if (ret >= 0)
		return ret;
	ev->io = NULL;
	ev->moved = moved;
	ev->error = ret;
	return kev->u.event | KEVENT_ATTACH_BROKEN;
}

/*
 * The common case, of which nothing remains after ADD: all that can be moved is there, and the
 * outcome goes back in the entry.
 */
static int attempt(struct kevent *kev, const struct kevent_aio *req, struct file *file)
{
	struct ev_io *ev = container_of(kev, struct ev_io, on.kev);
	struct socket *sock = sock_from_file(file);
	int ret = transfer(req, kev->u.event, 0, sock);

	if (ret == -EAGAIN && !(req->flags & MSG_DONTWAIT))
		return start(kev, req, 0, file);
	if (ret < 0)
		return ret;
	if (unfinished(req, kev->u.event, ret, sock, ret))
		return go_on(kev, req, ret, file);
	ev->moved = ret;
	return kev->u.event;
}

static int attach_to(struct kevent *kev, struct file *file)
{
	struct kevent_aio req;
	int ret = kevent_io_request(kev, &req);

	if (!ret)
		ret = check_request(&req, kev->u.event, sock_from_file(file));
	if (ret)
		return ret;
	if (kev->u.req_flags & (KEVENT_REQ_ALWAYS_QUEUE | KEVENT_REQ_READY))
		return start(kev, &req, 0, file);
	return attempt(kev, &req, file);
}

static int ev_naio_attach(struct kevent *kev)
{
	struct file *file;
	int ret;

	if (kev->u.event != KEVENT_NAIO_RECV && kev->u.event != KEVENT_NAIO_SEND)
		return -EINVAL;
	file = kevent_fget(kev);
	if (IS_ERR(file))
		return PTR_ERR(file);
	ret = attach_to(kev, file);
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
