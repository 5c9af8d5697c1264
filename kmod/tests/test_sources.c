// SPDX-License-Identifier: MIT
/* What each source of events reports: SOCKET, PIPE, POLL, USER. */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "queue.h"

static struct ukevent watch(int queue, unsigned int type, int fd, unsigned int event)
{
	return add(queue, type, (unsigned int)fd, event, KEVENT_REQ_ET);
}

static void receives(int queue, int pair[2])
{
	struct ukevent entry = watch(queue, KEVENT_SOCKET, pair[0], KEVENT_SOCKET_RECV), event;

	put_byte(pair[1]);
	event = take_one(queue);
	CHECK_SAME(event, entry);
	CHECK_EQ(event.ret_flags, KEVENT_RET_DONE);
	CHECK_EQ(event.event, KEVENT_SOCKET_RECV);
	CHECK_NE(event.ret_data[0] & KEVENT_SOCKET_RECV, 0);
	CHECK_EQ(drain(pair[0]), 1);
	take_none(queue);
}

CASE_ON(queue, sockets_of_every_kind_receive)
{
	int pair[2];

	tcp_pair(pair);
	receives(self->fd, pair);
	udp_pair(pair);
	receives(self->fd, pair);
	unix_pair(SOCK_STREAM, pair);
	receives(self->fd, pair);
	unix_pair(SOCK_DGRAM, pair);
	receives(self->fd, pair);
	unix_pair(SOCK_SEQPACKET, pair);
	receives(self->fd, pair);
}

static void sends_again(int queue, int pair[2])
{
	struct ukevent entry;

	fill(pair[0]);
	entry = watch(queue, KEVENT_SOCKET, pair[0], KEVENT_SOCKET_SEND);
	take_none(queue);
	while (!readable(pair[1], 0) || drain(pair[1]))
		if (readable(queue, 0))
			break;
	CHECK_SAME(take_one(queue), entry);
	CHECK_EQ(remove_entry(queue, entry), 0);
}

CASE_ON(queue, a_socket_that_was_full_can_send_when_the_peer_has_read)
{
	int pair[2];

	tcp_pair(pair);
	sends_again(self->fd, pair);
	unix_pair(SOCK_STREAM, pair);
	sends_again(self->fd, pair);
	unix_pair(SOCK_DGRAM, pair);
	sends_again(self->fd, pair);
}

CASE_ON(queue, a_listener_accepts_when_the_connection_is_complete)
{
	int listener = tcp_listener(), client;
	struct ukevent entry = watch(self->fd, KEVENT_SOCKET, listener, KEVENT_SOCKET_ACCEPT);
	struct ukevent event;

	take_none(self->fd);
	client = tcp_connect(listener);
	event = take_one(self->fd);
	CHECK_SAME(event, entry);
	CHECK_EQ(event.ret_data[1], 1);
	CHECK_GE(accept(listener, NULL, NULL), 0);
	close(client);
}

/* Connections that wait to be accepted. */
static unsigned int backlog(int listener)
{
	struct tcp_info info;
	socklen_t length = sizeof(info);

	CHECK_EQ(getsockopt(listener, IPPROTO_TCP, TCP_INFO, &info, &length), 0);
	return info.tcpi_unacked;
}

CASE_ON(queue, accept_reports_the_length_of_the_backlog)
{
	int listener = tcp_listener();
	int64_t end = now_ms() + SOON_MS;

	for (int i = 0; i < 3; i++)
		tcp_connect(listener);
	while (backlog(listener) < 3 && now_ms() < end)
		sched_yield();
	add(self->fd, KEVENT_SOCKET, (unsigned int)listener, KEVENT_SOCKET_ACCEPT,
	    KEVENT_REQ_ALWAYS_QUEUE);
	CHECK_EQ(take_one(self->fd).ret_data[1], 3);
}

CASE_ON(queue, the_end_of_a_stream_with_data_is_done_and_not_broken)
{
	int pair[2];
	struct ukevent event;

	tcp_pair(pair);
	put_byte(pair[1]);
	close(pair[1]);
	CHECK(readable(pair[0], SOON_MS));
	add(self->fd, KEVENT_SOCKET, (unsigned int)pair[0], KEVENT_SOCKET_RECV,
	    KEVENT_REQ_ALWAYS_QUEUE);
	event = take_one(self->fd);
	CHECK_EQ(event.ret_flags, KEVENT_RET_DONE);
}

CASE_ON(queue, a_half_closed_stream_is_ready_to_receive_its_end)
{
	int pair[2];
	struct ukevent entry;

	tcp_pair(pair);
	entry = watch(self->fd, KEVENT_SOCKET, pair[0], KEVENT_SOCKET_RECV);
	CHECK_EQ(shutdown(pair[1], SHUT_WR), 0);
	CHECK_SAME(take_one(self->fd), entry);
}

CASE_ON(queue, a_unix_peer_that_closes_is_noticed_both_ways)
{
	int pair[2];
	struct ukevent entry;

	unix_pair(SOCK_STREAM, pair);
	entry = watch(self->fd, KEVENT_SOCKET, pair[0], KEVENT_SOCKET_RECV);
	close(pair[1]);
	CHECK_SAME(take_one(self->fd), entry);
}

CASE_ON(queue, a_reset_connection_is_reported)
{
	struct linger abort = { .l_onoff = 1 };
	int pair[2];
	struct ukevent entry, event;

	tcp_pair(pair);
	entry = watch(self->fd, KEVENT_SOCKET, pair[0], KEVENT_SOCKET_RECV);
	CHECK_EQ(setsockopt(pair[1], SOL_SOCKET, SO_LINGER, &abort, sizeof(abort)), 0);
	close(pair[1]);
	event = take_one(self->fd);
	CHECK_SAME(event, entry);
	CHECK(event.ret_flags & KEVENT_RET_DONE);
}

CASE_ON(queue, a_refused_connection_is_reported)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof(address);
	int closed = tcp_listener(), fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct ukevent event;

	CHECK_EQ(getsockname(closed, (struct sockaddr *)&address, &length), 0);
	close(closed);
	CHECK_EQ(connect(fd, (struct sockaddr *)&address, length), -1);
	add(self->fd, KEVENT_SOCKET, (unsigned int)fd, KEVENT_SOCKET_SEND,
	    KEVENT_REQ_ALWAYS_QUEUE);
	event = take_one(self->fd);
	CHECK(event.ret_flags & (KEVENT_RET_DONE | KEVENT_RET_BROKEN));
}

CASE_ON(queue, a_pipe_receives_and_sends)
{
	int pair[2];
	struct ukevent receive, send;

	pipe_pair(pair);
	receive = watch(self->fd, KEVENT_PIPE, pair[0], KEVENT_PIPE_RECV);
	put_byte(pair[1]);
	CHECK_SAME(take_one(self->fd), receive);
	fill(pair[1]);
	take(self->fd, &send, 1, 0);
	send = watch(self->fd, KEVENT_PIPE, pair[1], KEVENT_PIPE_SEND);
	take_none(self->fd);
	drain(pair[0]);
	CHECK_SAME(take_one(self->fd), send);
}

CASE_ON(queue, a_pipe_with_data_and_no_writer_is_not_broken)
{
	int pair[2];
	struct ukevent entry;

	pipe_pair(pair);
	put_byte(pair[1]);
	close(pair[1]);
	entry = add(self->fd, KEVENT_PIPE, (unsigned int)pair[0], KEVENT_PIPE_RECV,
		    KEVENT_REQ_ALWAYS_QUEUE);
	CHECK_EQ(take_one(self->fd).ret_flags, KEVENT_RET_DONE);
	CHECK_EQ(drain(pair[0]), 1);
	/* Level-triggered: its end is still to be told. */
	CHECK_SAME(take_one(self->fd), entry);
}

CASE_ON(queue, the_end_of_an_empty_pipe_is_told)
{
	int pair[2];
	struct ukevent entry;

	pipe_pair(pair);
	entry = watch(self->fd, KEVENT_PIPE, pair[0], KEVENT_PIPE_RECV);
	close(pair[1]);
	CHECK_SAME(take_one(self->fd), entry);
}

CASE_ON(queue, a_pipe_without_readers_is_broken_for_its_writer)
{
	int pair[2];
	struct ukevent event, entry;

	pipe_pair(pair);
	fill(pair[1]);
	entry = watch(self->fd, KEVENT_PIPE, pair[1], KEVENT_PIPE_SEND);
	close(pair[0]);
	event = take_one(self->fd);
	CHECK_SAME(event, entry);
	CHECK(event.ret_flags & KEVENT_RET_BROKEN);
}

CASE_ON(queue, a_fifo_opened_both_ways_is_watched_both_ways)
{
	char path[] = "/tmp/kevent-fifo-XXXXXX";
	struct ukevent entry;
	int fd;

	CHECK(mkdtemp(path));
	CHECK_EQ(rmdir(path), 0);
	CHECK_EQ(mkfifo(path, 0600), 0);
	fd = open(path, O_RDWR | O_NONBLOCK);
	CHECK_EQ(unlink(path), 0);
	entry = watch(self->fd, KEVENT_PIPE, fd, KEVENT_PIPE_RECV);
	put_byte(fd);
	CHECK_SAME(take_one(self->fd), entry);
	CHECK_EQ(drain(fd), 1);
	CHECK_EQ(remove_entry(self->fd, entry), 0);
	fill(fd);
	entry = watch(self->fd, KEVENT_PIPE, fd, KEVENT_PIPE_SEND);
	drain(fd);
	CHECK_SAME(take_one(self->fd), entry);
}

CASE_ON(queue, poll_says_which_bits_fired)
{
	int pair[2];
	struct ukevent entry, event;

	unix_pair(SOCK_STREAM, pair);
	entry = add(self->fd, KEVENT_POLL, (unsigned int)pair[0],
		    KEVENT_POLL_POLLIN | KEVENT_POLL_POLLPRI, 0);
	put_byte(pair[1]);
	event = take_one(self->fd);
	CHECK_SAME(event, entry);
	CHECK_EQ(event.event, KEVENT_POLL_POLLIN | KEVENT_POLL_POLLPRI);
	CHECK_EQ(event.ret_data[0], KEVENT_POLL_POLLIN);
	modify(self->fd, entry,
	       KEVENT_POLL_POLLIN | KEVENT_POLL_POLLOUT | KEVENT_POLL_POLLHUP |
		       KEVENT_POLL_POLLRDHUP,
	       0);
	CHECK_EQ(take_one(self->fd).ret_data[0], KEVENT_POLL_POLLIN | KEVENT_POLL_POLLOUT);
	close(pair[1]);
	CHECK_EQ(take_one(self->fd).ret_data[0], KEVENT_POLL_POLLIN | KEVENT_POLL_POLLOUT |
							 KEVENT_POLL_POLLHUP |
							 KEVENT_POLL_POLLRDHUP);
}

CASE_ON(queue, hang_up_is_reported_only_if_asked_for)
{
	int pair[2];
	struct ukevent quiet, told;

	pipe_pair(pair);
	quiet = watch(self->fd, KEVENT_POLL, pair[0], KEVENT_POLL_POLLPRI);
	close(pair[1]);
	take_none(self->fd);
	CHECK_EQ(remove_entry(self->fd, quiet), 0);
	told = add(self->fd, KEVENT_POLL, (unsigned int)pair[0], KEVENT_POLL_POLLHUP,
		   KEVENT_REQ_ALWAYS_QUEUE);
	CHECK_SAME(take_one(self->fd), told);
}

CASE_ON(queue, poll_watches_every_pollable_descriptor)
{
	struct itimerspec soon = { .it_value.tv_nsec = 1000000 };
	uint64_t one = 1;
	sigset_t usr1;
	int fd;
	struct ukevent entry;

	fd = eventfd(0, 0);
	entry = watch(self->fd, KEVENT_POLL, fd, KEVENT_POLL_POLLIN);
	CHECK_EQ(write(fd, &one, sizeof(one)), sizeof(one));
	CHECK_SAME(take_one(self->fd), entry);
	fd = timerfd_create(CLOCK_MONOTONIC, 0);
	entry = watch(self->fd, KEVENT_POLL, fd, KEVENT_POLL_POLLIN);
	CHECK_EQ(timerfd_settime(fd, 0, &soon, NULL), 0);
	CHECK_SAME(take_one(self->fd), entry);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &usr1, NULL), 0);
	fd = signalfd(-1, &usr1, 0);
	entry = watch(self->fd, KEVENT_POLL, fd, KEVENT_POLL_POLLIN);
	raise(SIGUSR1);
	CHECK_SAME(take_one(self->fd), entry);
	fd = posix_openpt(O_RDWR | O_NOCTTY);
	if (fd >= 0 && grantpt(fd) == 0 && unlockpt(fd) == 0) {
		int other = open(ptsname(fd), O_RDWR | O_NOCTTY);

		entry = watch(self->fd, KEVENT_POLL, fd, KEVENT_POLL_POLLIN);
		put_byte(other);
		CHECK_SAME(take_one(self->fd), entry);
	}
}

CASE_ON(queue, a_signalfd_of_a_child_that_exits_is_harmless)
{
	int pair[2];
	pid_t child;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	child = fork();
	if (child == 0) {
		sigset_t usr1;
		int fd;

		sigemptyset(&usr1);
		sigaddset(&usr1, SIGUSR1);
		fd = signalfd(-1, &usr1, 0);
		/* It is hooked to the child's signals and outlives them in the queue's index. */
		watch(self->fd, KEVENT_POLL, fd, KEVENT_POLL_POLLIN);
		_exit(0);
	}
	JOIN(child);
	put_byte(pair[1]);
	watch(self->fd, KEVENT_USER, 1, 1);
}

CASE_ON(queue, firings_of_a_user_event_are_counted_until_they_are_reported)
{
	struct ukevent entry = add(self->fd, KEVENT_USER, 1, KEVENT_USER_FIRED, 0);

	for (int i = 0; i < 5; i++)
		fire(self->fd, entry);
	CHECK_EQ(take_one(self->fd).ret_data[0], 5);
	take_none(self->fd);
	fire(self->fd, entry);
	CHECK_EQ(take_one(self->fd).ret_data[0], 1);
}

CASE_ON(queue, user_words_come_back_whole)
{
	struct ukevent entry = request(KEVENT_USER, 1, 1, 0);

	entry.user_u64 = 0xfedcba9876543210;
	CHECK_EQ(add_refusal(self->fd, entry), 0);
	fire(self->fd, entry);
	CHECK(take_one(self->fd).user_u64 == 0xfedcba9876543210);
}
