// SPDX-License-Identifier: GPL-2.0-only
/*
 * AIO: reading and writing files, and sending them to a socket.
 *
 * Reads, and direct writes, are first tried inside ADD in a way that does not block; then a worker
 * goes on. What is handed to the block layer there ends in aio_complete(), in an interrupt.
 */
#include <linux/file.h>
#include <linux/fsnotify.h>
#include <linux/ioprio.h>

#include "compat.h"
#include "io.h"

static bool is_write(const struct kevent_io *io)
{
	return io->req.op == KEVENT_AIO_WRITE;
}

/* The caller asked to be told rather than to wait. */
static bool wants_no_wait(const struct kevent_io *io)
{
	return io->req.flags & (__force u32)RWF_NOWAIT;
}

static bool start_write(struct kevent_io *io, bool worker)
{
	struct super_block *sb = file_inode(io->file)->i_sb;

	if (!S_ISREG(file_inode(io->file)->i_mode))
		return true;
	if (worker)
		sb_start_write(sb);
	else if (!sb_start_write_trylock(sb))
		return false;
	kevent_compat_writers_release(sb);
	return true;
}

static void end_write(struct kevent_io *io)
{
	struct super_block *sb = file_inode(io->file)->i_sb;

	if (!S_ISREG(file_inode(io->file)->i_mode))
		return;
	kevent_compat_writers_acquired(sb);
	sb_end_write(sb);
}

/* Takes the result of one attempt into account; returns what the step is to return. */
static int account(struct kevent_io *io, ssize_t ret)
{
	bool tried = io->iocb.ki_flags & IOCB_NOWAIT;

	switch (ret) {
	case -EOPNOTSUPP:
		/* Some file systems say so of IOCB_NOWAIT alone. */
	case -EAGAIN:
		if (tried && !wants_no_wait(io))
			return KEVENT_IO_BLOCKS;
		return ret;
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTARTNOHAND:
	case -ERESTART_RESTARTBLOCK:
		return -EINTR;
	}
	if (ret < 0)
		return ret;
	io->moved += ret;
	if (io->req.offset == -1)
		io->file->f_pos = io->pos + io->moved;
	/* Part of it was in the page cache, or fitted into one request. */
	if (ret && io->moved < io->req.len && tried && !wants_no_wait(io))
		return KEVENT_IO_BLOCKS;
	return KEVENT_IO_DONE;
}

/* Any context. */
static void aio_complete(struct kiocb *iocb, long res)
{
	struct kevent_io *io = container_of(iocb, struct kevent_io, iocb);
	int ret;

	if (is_write(io))
		end_write(io);
	ret = account(io, res);
	if (ret == KEVENT_IO_BLOCKS)
		kevent_io_punt(io);
	else
		kevent_io_finish(io, ret);
}

static int prepare(struct kevent_io *io, struct iov_iter *iter, bool worker)
{
	struct kiocb *iocb = &io->iocb;
	int direction = is_write(io) ? WRITE : READ;
	int err;

	memset(iocb, 0, sizeof(*iocb));
	iocb->ki_filp = io->file;
	iocb->ki_pos = io->pos + io->moved;
	iocb->ki_flags = iocb_flags(io->file);
	iocb->ki_ioprio = get_current_ioprio();
	iocb->ki_complete = aio_complete;
	err = kevent_compat_rw_flags(iocb, (__force rwf_t)io->req.flags, direction);
	if (err)
		return err;
	/* Completion is never looked for by polling. */
	iocb->ki_flags &= ~IOCB_HIPRI;
	if (is_write(io))
		iocb->ki_flags |= IOCB_WRITE;
	if (!worker)
		iocb->ki_flags |= IOCB_NOWAIT;
	err = kevent_compat_import(is_write(io) ? ITER_SOURCE : ITER_DEST,
				   u64_to_user_ptr(io->req.buf + io->moved),
				   io->req.len - io->moved, iter);
	if (err)
		return err;
	return rw_verify_area(direction, io->file, &iocb->ki_pos, iov_iter_count(iter));
}

static int aio_step(struct kevent_io *io, struct file *sock, bool worker)
{
	struct iov_iter iter;
	ssize_t ret;
	int err;

	err = prepare(io, &iter, worker);
	if (err)
		return err;
	if (!iov_iter_count(&iter))
		return KEVENT_IO_DONE;
	if (!worker) {
		/* Few file systems can do a buffered write without blocking. */
		if (!(io->file->f_mode & FMODE_NOWAIT) ||
		    (is_write(io) && !(io->iocb.ki_flags & IOCB_DIRECT)))
			return wants_no_wait(io) ? -EOPNOTSUPP : KEVENT_IO_BLOCKS;
	}
	if (is_write(io)) {
		if (!start_write(io, worker))
			return wants_no_wait(io) ? -EAGAIN : KEVENT_IO_BLOCKS;
		ret = io->file->f_op->write_iter(&io->iocb, &iter);
	} else {
		ret = io->file->f_op->read_iter(&io->iocb, &iter);
	}
	/* It may have completed by now, and be gone. */
	if (ret == -EIOCBQUEUED)
		return KEVENT_IO_SUBMITTED;
	if (is_write(io))
		end_write(io);
	if (ret > 0 && is_write(io))
		fsnotify_modify(io->file);
	else if (ret > 0)
		fsnotify_access(io->file);
	return account(io, ret);
}

static const struct kevent_io_ops aio_rw_ops = {
	.step = aio_step,
};

/* The limit is of the process; a worker has none. */
static int limit_write(struct kevent_io *io)
{
	unsigned long limit = rlimit(RLIMIT_FSIZE);
	loff_t pos = io->pos;

	if (limit == RLIM_INFINITY || !S_ISREG(file_inode(io->file)->i_mode))
		return 0;
	if (io->file->f_flags & O_APPEND)
		pos = i_size_read(file_inode(io->file));
	if (pos >= limit) {
		send_sig(SIGXFSZ, current, 0);
		return -EFBIG;
	}
	io->req.len = min_t(u64, io->req.len, limit - pos);
	return 0;
}

static int open_file(struct kevent_io *io)
{
	fmode_t mode = is_write(io) ? FMODE_WRITE : FMODE_READ;
	umode_t type;

	io->file = fget(io->req.fd);
	if (!io->file)
		return -EBADF;
	if (!(io->file->f_mode & mode))
		return -EBADF;
	type = file_inode(io->file)->i_mode;
	if (S_ISDIR(type))
		return -EISDIR;
	/* What may keep a reader waiting without end is for NAIO. */
	if (!S_ISREG(type) && !S_ISBLK(type))
		return -EINVAL;
	if (is_write(io) ? !io->file->f_op->write_iter : !io->file->f_op->read_iter)
		return -EINVAL;
	if (io->req.offset < -1)
		return -EINVAL;
	io->pos = io->req.offset == -1 ? io->file->f_pos : io->req.offset;
	if (!is_write(io))
		return 0;
	return limit_write(io);
}

static int start(struct kevent_io *io, struct kevent *kev)
{
	struct file *sock = NULL;
	int ret;

	if (io->req.op > KEVENT_AIO_SENDFILE)
		ret = -EINVAL;
	else
		ret = open_file(io);
	if (!ret && io->req.op == KEVENT_AIO_SENDFILE) {
		io->ops = &kevent_io_sendfile_ops;
		sock = kevent_io_sendfile_open(io);
		ret = PTR_ERR_OR_ZERO(sock);
	}
	if (ret) {
		kevent_io_discard(io);
		return ret;
	}
	ret = kevent_io_start(io, kev, sock);
	if (sock)
		fput(sock);
	return ret;
}

static int ev_aio_attach(struct kevent *kev)
{
	struct kevent_aio req;
	struct kevent_io *io;
	int ret;

	if (kev->u.event != KEVENT_AIO_BIO && kev->u.event != KEVENT_MASK_ALL)
		return -EINVAL;
	ret = kevent_io_request(kev, &req);
	if (ret)
		return ret;
	io = kevent_io_create(&req, &aio_rw_ops);
	if (IS_ERR(io))
		return PTR_ERR(io);
	io->bits = KEVENT_AIO_BIO;
	return start(io, kev);
}

const struct kevent_source_ops kevent_aio_ops = {
	.name = "aio",
	.size = sizeof(struct ev_io),
	.flags = KEVENT_SOURCE_ONESHOT,
	.init = kevent_io_init,
	.exit = kevent_io_exit,
	.attach = ev_aio_attach,
	.modify = kevent_io_modify,
	.detach = kevent_io_detach,
	.closed = kevent_io_closed,
	.fill = kevent_io_fill,
};
