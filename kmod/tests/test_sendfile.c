// SPDX-License-Identifier: MIT
/* AIO SENDFILE: from a file to a stream socket. */
#include <fcntl.h>
#include <unistd.h>

#include "transfer.h"

static struct ukevent send_file(int queue, int file, int sock, long long offset, size_t len)
{
	struct transfer operation;

	prepare_aio(&operation, KEVENT_AIO_SENDFILE, file, NULL, len, offset);
	operation.what.out_fd = sock;
	return start(queue, &operation);
}

CASE_ON(queue, a_file_is_sent_to_a_stream)
{
	int file = make_full_file(true, 0), pair[2];
	struct ukevent entry;

	tcp_pair(pair);
	entry = send_file(self->fd, file, pair[0], 100, 70000);
	read_pattern(pair[1], 70000, 100);
	done(self->fd, entry, 70000);
	unix_pair(SOCK_STREAM, pair);
	entry = send_file(self->fd, file, pair[0], 0, BLOCK * BLOCKS + 1000);
	read_pattern(pair[1], BLOCK * BLOCKS, 0);
	/* It ends where the file ends. */
	done(self->fd, entry, BLOCK * BLOCKS);
}

CASE_ON(queue, sending_waits_for_a_slow_reader_even_on_a_blocking_socket)
{
	int file = make_full_file(true, 0), pair[2], size = 4096;
	struct ukevent entry;

	unix_pair(SOCK_STREAM, pair);
	CHECK_EQ(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	CHECK_EQ(fcntl(pair[0], F_SETFL, 0), 0);
	entry = send_file(self->fd, file, pair[0], 0, BLOCK * BLOCKS);
	CHECK(!readable(self->fd, 50));
	read_pattern(pair[1], BLOCK * BLOCKS, 0);
	done(self->fd, entry, BLOCK * BLOCKS);
}

CASE_ON(queue, removal_cancels_a_send_that_waits)
{
	int file = make_full_file(true, 0), pair[2];
	struct ukevent entry;
	unsigned int got;

	unix_pair(SOCK_STREAM, pair);
	fill(pair[0]);
	entry = send_file(self->fd, file, pair[0], 0, BLOCK * BLOCKS);
	CHECK(!readable(self->fd, 50));
	CHECK_EQ(remove_entry(self->fd, entry), 0);
	take_none(self->fd);
	got = drain(pair[1]);
	CHECK_GT(got, 0);
	CHECK_EQ(drain(pair[1]), 0);
}

CASE_ON(queue, a_peer_that_goes_breaks_the_send)
{
	int file = make_full_file(true, 0), pair[2];
	struct ukevent entry, event;

	unix_pair(SOCK_STREAM, pair);
	fill(pair[0]);
	entry = send_file(self->fd, file, pair[0], 0, BLOCK * BLOCKS);
	close(pair[1]);
	event = take_one(self->fd);
	CHECK_SAME(event, entry);
	CHECK_EQ(event.ret_flags, KEVENT_RET_DONE | KEVENT_RET_BROKEN);
	CHECK_EQ(-(int)event.ret_data[1], EPIPE);
}

CASE_ON(queue, closing_the_socket_breaks_the_send_that_waits)
{
	int file = make_full_file(true, 0), pair[2];
	struct ukevent event;

	unix_pair(SOCK_STREAM, pair);
	fill(pair[0]);
	send_file(self->fd, file, pair[0], 0, BLOCK * BLOCKS);
	CHECK(!readable(self->fd, 50));
	close(pair[0]);
	event = take_one(self->fd);
	CHECK_EQ(event.ret_flags, KEVENT_RET_DONE | KEVENT_RET_BROKEN);
	CHECK_EQ(-(int)event.ret_data[1], ECANCELED);
	take_none(self->fd);
}

CASE_ON(queue, what_cannot_be_sent_is_refused)
{
	int file = make_full_file(false, 0), pair[2], datagram[2];
	struct transfer operation;

	unix_pair(SOCK_STREAM, pair);
	unix_pair(SOCK_DGRAM, datagram);
	prepare_aio(&operation, KEVENT_AIO_SENDFILE, file, NULL, BLOCK, 0);
	operation.what.out_fd = 999;
	CHECK_EQ(add_refusal(self->fd, operation.entry), EBADF);
	operation.what.out_fd = file;
	CHECK_EQ(add_refusal(self->fd, operation.entry), ENOTSOCK);
	operation.what.out_fd = datagram[0];
	CHECK_EQ(add_refusal(self->fd, operation.entry), EOPNOTSUPP);
	operation.what.out_fd = pair[0];
	operation.what.flags = 1;
	CHECK_EQ(add_refusal(self->fd, operation.entry), EINVAL);
	operation.what.flags = 0;
	operation.what.fd = pair[0];
	CHECK_EQ(add_refusal(self->fd, operation.entry), EINVAL);
}
