// SPDX-License-Identifier: GPL-2.0-only
/*
 * AIO SENDFILE: from a file to a socket, by a worker.
 *
 * Splicing into a socket blocks for as long as the peer likes, whatever flags are passed, unless the
 * socket's file is O_NONBLOCK, which the program may change any time. A worker must not be parked
 * so. It reads a chunk into pages of its own, hands these to the socket without copying or waiting,
 * and goes on when the socket wakes it up.
 */
#include <linux/file.h>
#include <linux/fsnotify.h>
#include <linux/net.h>

#include "compat.h"
#include "io.h"

#define CHUNK_PAGES	16

static void drop_pages(struct kevent_io *io)
{
	unsigned int i;

	for (i = 0; i < CHUNK_PAGES; i++) {
		if (io->pages[i])
			put_page(io->pages[i]);
		io->pages[i] = NULL;
	}
	io->pages_len = 0;
	io->pages_sent = 0;
}

/* The part of the chunk from byte @from to byte @to; returns how many entries that takes. */
static unsigned int describe(struct kevent_io *io, struct bio_vec *bvec, unsigned int from,
			     unsigned int to)
{
	unsigned int count = 0;

	while (from < to) {
		unsigned int off = offset_in_page(from);
		unsigned int len = min_t(unsigned int, PAGE_SIZE - off, to - from);

		bvec_set_page(&bvec[count++], io->pages[from >> PAGE_SHIFT], len, off);
		from += len;
	}
	return count;
}

static int read_chunk(struct kevent_io *io)
{
	unsigned int want = min_t(u64, io->req.len - io->moved, CHUNK_PAGES * PAGE_SIZE);
	loff_t pos = io->pos + io->moved;
	struct bio_vec bvec[CHUNK_PAGES];
	struct iov_iter iter;
	struct kiocb iocb;
	unsigned int i;
	ssize_t ret;

	/* The socket may still hold the last chunk's pages: they cannot be used again. */
	for (i = 0; i < DIV_ROUND_UP(want, PAGE_SIZE); i++) {
		io->pages[i] = alloc_page(GFP_KERNEL_ACCOUNT);
		if (!io->pages[i])
			return -ENOMEM;
	}
	iov_iter_bvec(&iter, ITER_DEST, bvec, describe(io, bvec, 0, want), want);
	init_sync_kiocb(&iocb, io->file);
	iocb.ki_pos = pos;
	ret = rw_verify_area(READ, io->file, &pos, want);
	if (ret >= 0)
		ret = io->file->f_op->read_iter(&iocb, &iter);
	if (ret <= 0)
		return ret;
	fsnotify_access(io->file);
	io->pages_len = ret;
	return ret;
}

/* Sends what is left of the chunk. */
static int send_chunk(struct kevent_io *io, struct file *file, bool worker)
{
	struct socket *sock = sock_from_file(file);
	struct bio_vec bvec[CHUNK_PAGES];
	unsigned int count;
	int ret;

	while (io->pages_sent < io->pages_len) {
		count = describe(io, bvec, io->pages_sent, io->pages_len);
		ret = kevent_compat_send_pages(sock, bvec, count, io->pages_len - io->pages_sent,
					       MSG_DONTWAIT | MSG_NOSIGNAL);
		if (ret <= 0)
			return ret ? ret : -EPIPE;
		io->pages_sent += ret;
		io->moved += ret;
		if (io->req.offset == -1)
			io->file->f_pos = io->pos + io->moved;
	}
	return KEVENT_IO_DONE;
}

static int sendfile_step(struct kevent_io *io, struct file *sock, bool worker)
{
	int ret;

	/* Reading the file may block. */
	if (!worker)
		return KEVENT_IO_BLOCKS;
	for (;;) {
		ret = kevent_io_try(io, sock, EPOLLOUT, worker, send_chunk);
		if (ret)
			return ret;
		drop_pages(io);
		if (io->moved == io->req.len)
			return KEVENT_IO_DONE;
		if (kevent_io_cancelled(io))
			return -ECANCELED;
		ret = read_chunk(io);
		if (ret <= 0)
			return ret;
		cond_resched();
	}
}

static void sendfile_free(struct kevent_io *io)
{
	if (!io->pages)
		return;
	drop_pages(io);
	kfree(io->pages);
}

const struct kevent_io_ops kevent_io_sendfile_ops = {
	.step = sendfile_step,
	.free = sendfile_free,
};

static int check_socket(struct file *file)
{
	struct socket *sock;

	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;
	sock = sock_from_file(file);
	if (!sock)
		return -ENOTSOCK;
	/* A datagram has an end, which a file does not say. */
	return sock->type == SOCK_STREAM ? 0 : -EOPNOTSUPP;
}

struct file *kevent_io_sendfile_open(struct kevent_io *io)
{
	struct file *sock;
	int err;

	if (io->req.flags)
		return ERR_PTR(-EINVAL);
	io->pages = kcalloc(CHUNK_PAGES, sizeof(*io->pages), GFP_KERNEL_ACCOUNT);
	if (!io->pages)
		return ERR_PTR(-ENOMEM);
	sock = fget(io->req.out_fd);
	if (!sock)
		return ERR_PTR(-EBADF);
	err = check_socket(sock);
	if (!err)
		return sock;
	fput(sock);
	return ERR_PTR(err);
}
