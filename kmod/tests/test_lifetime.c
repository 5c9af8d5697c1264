// SPDX-License-Identifier: MIT
/* Descriptors that are closed, copied, inherited and handed over, watched ones and queues. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sleeper.h"

static struct ukevent watch_pollin(int queue, int fd, unsigned int flags)
{
	return add(queue, KEVENT_POLL, (unsigned int)fd, KEVENT_POLL_POLLIN, flags);
}

static void check_broken_once(int queue, struct ukevent entry)
{
	struct ukevent event = take_one(queue);

	CHECK_SAME(event, entry);
	CHECK_EQ(event.ret_flags, KEVENT_RET_BROKEN | KEVENT_RET_DONE);
	take_none(queue);
	CHECK_EQ(remove_entry(queue, entry), -1);
}

CASE_ON(queue, closing_a_watched_descriptor_is_told_once_and_removes_it)
{
	int pair[2], queue = self->fd;
	struct ukevent entry;

	unix_pair(SOCK_STREAM, pair);
	entry = add(queue, KEVENT_SOCKET, (unsigned int)pair[0], KEVENT_SOCKET_RECV, 0);
	close(pair[0]);
	check_broken_once(queue, entry);
	pipe_pair(pair);
	entry = add(queue, KEVENT_PIPE, (unsigned int)pair[0], KEVENT_PIPE_RECV, KEVENT_REQ_ET);
	close(pair[0]);
	check_broken_once(queue, entry);
	tcp_pair(pair);
	entry = add(queue, KEVENT_SOCKET, (unsigned int)pair[0], KEVENT_SOCKET_RECV,
		    KEVENT_REQ_ONESHOT);
	close(pair[0]);
	check_broken_once(queue, entry);
	pair[0] = eventfd(0, 0);
	entry = watch_pollin(queue, pair[0], KEVENT_REQ_LAST_CHECK);
	close(pair[0]);
	check_broken_once(queue, entry);
	pair[0] = timerfd_create(CLOCK_MONOTONIC, 0);
	entry = watch_pollin(queue, pair[0], 0);
	close(pair[0]);
	check_broken_once(queue, entry);
}

CASE_ON(queue, closing_wakes_a_sleeper)
{
	int pair[2];
	struct ukevent entry;
	pid_t child;

	unix_pair(SOCK_STREAM, pair);
	entry = add(self->fd, KEVENT_SOCKET, (unsigned int)pair[0], KEVENT_SOCKET_RECV, 0);
	child = fork();
	if (child == 0) {
		/* The child's copy must go, or this is not the last close. */
		close(pair[0]);
		CHECK_SAME(take_one(self->fd), entry);
		_exit(0);
	}
	sleeper_asleep(child);
	close(pair[0]);
	JOIN(child);
}

CASE_ON(queue, an_event_that_was_ready_at_close_is_told_as_broken)
{
	int pair[2];
	struct ukevent entry;

	unix_pair(SOCK_STREAM, pair);
	entry = add(self->fd, KEVENT_SOCKET, (unsigned int)pair[0], KEVENT_SOCKET_RECV, 0);
	put_byte(pair[1]);
	close(pair[0]);
	check_broken_once(self->fd, entry);
}

CASE_ON(queue, a_number_that_is_used_again_is_a_new_key)
{
	int pair[2], again;
	struct ukevent old, entry, events[2];

	unix_pair(SOCK_STREAM, pair);
	old = add(self->fd, KEVENT_SOCKET, (unsigned int)pair[0], KEVENT_SOCKET_RECV, 0);
	again = dup(pair[1]);
	close(pair[0]);
	CHECK_EQ(dup2(again, pair[0]), pair[0]);
	entry = request(KEVENT_SOCKET, (unsigned int)pair[0], KEVENT_SOCKET_RECV,
			KEVENT_REQ_ALWAYS_QUEUE | KEVENT_REQ_ET);
	CHECK_EQ(add_refusal(self->fd, entry), 0);
	CHECK_EQ(take(self->fd, events, 2, SOON_MS), 2);
	CHECK_SAME(events[0], old);
	CHECK_SAME(events[1], entry);
	CHECK_EQ(remove_entry(self->fd, entry), 0);
}

CASE_ON(queue, a_copy_of_a_descriptor_keeps_it_watched)
{
	int pair[2], copy;
	struct ukevent entry;

	unix_pair(SOCK_STREAM, pair);
	entry = add(self->fd, KEVENT_SOCKET, (unsigned int)pair[0], KEVENT_SOCKET_RECV,
		    KEVENT_REQ_ET);
	copy = dup(pair[0]);
	close(pair[0]);
	take_none(self->fd);
	put_byte(pair[1]);
	CHECK_SAME(take_one(self->fd), entry);
	close(copy);
	check_broken_once(self->fd, entry);
}

static void peer_sees_the_end(int queue, int pair[2])
{
	char byte;

	add(queue, KEVENT_SOCKET, (unsigned int)pair[0], KEVENT_SOCKET_RECV, 0);
	close(pair[0]);
	/* Nobody has touched the queue since. */
	CHECK(readable(pair[1], SOON_MS));
	CHECK_EQ(recv(pair[1], &byte, 1, 0), 0);
	close(pair[1]);
}

CASE_ON(queue, no_end_of_connection_is_withheld_by_a_registration)
{
	int pair[2];

	tcp_pair(pair);
	peer_sees_the_end(self->fd, pair);
	unix_pair(SOCK_STREAM, pair);
	peer_sees_the_end(self->fd, pair);
}

CASE_ON(queue, exit_of_a_process_with_a_queue_and_watched_sockets_is_clean)
{
	int pair[2];
	char byte;
	pid_t child;

	tcp_pair(pair);
	child = fork();
	if (child == 0) {
		int queue = kevent_init(NULL, 0, 0);

		add(queue, KEVENT_SOCKET, (unsigned int)pair[0], KEVENT_SOCKET_RECV, 0);
		_exit(0);
	}
	close(pair[0]);
	JOIN(child);
	CHECK(readable(pair[1], SOON_MS));
	CHECK_EQ(recv(pair[1], &byte, 1, 0), 0);
}

CASE_ON(queue, the_last_close_of_a_queue_drops_its_registrations)
{
	int pair[2], queue = kevent_init(NULL, 0, 0), copy = dup(queue);
	struct ukevent entry;

	unix_pair(SOCK_STREAM, pair);
	entry = add(queue, KEVENT_SOCKET, (unsigned int)pair[0], KEVENT_SOCKET_RECV,
		    KEVENT_REQ_ET);
	put_byte(pair[1]);
	close(queue);
	/* The copy is the same queue. */
	CHECK_SAME(take_one(copy), entry);
	put_byte(pair[1]);
	close(copy);
	put_byte(pair[1]);
	CHECK_EQ(drain(pair[0]), 3);
}

CASE_ON(queue, a_child_shares_the_queue)
{
	struct ukevent entry = add(self->fd, KEVENT_USER, 1, 1, 0), theirs;
	pid_t child;
	int hand[2];

	CHECK_EQ(pipe(hand), 0);
	child = fork();
	if (child == 0) {
		theirs = add(self->fd, KEVENT_USER, 2, 1, 0);
		fire(self->fd, entry);
		CHECK_EQ(write(hand[1], &theirs, sizeof(theirs)), sizeof(theirs));
		_exit(0);
	}
	JOIN(child);
	CHECK_EQ(read(hand[0], &theirs, sizeof(theirs)), sizeof(theirs));
	CHECK_SAME(take_one(self->fd), entry);
	/* What the child added outlives it. */
	fire(self->fd, theirs);
	CHECK_SAME(take_one(self->fd), theirs);
}

CASE_ON(queue, a_queue_can_be_handed_over_a_socket)
{
	struct ukevent entry = add(self->fd, KEVENT_USER, 1, 1, 0);
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 'q';
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	pid_t child;
	int pair[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	child = fork();
	if (child == 0) {
		int received;

		close(self->fd);
		CHECK_EQ(recvmsg(pair[0], &message, 0), 1);
		memcpy(&received, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(received));
		CHECK_SAME(take_one(received), entry);
		_exit(0);
	}
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &self->fd, sizeof(int));
	CHECK_EQ(sendmsg(pair[1], &message, 0), 1);
	fire(self->fd, entry);
	JOIN(child);
}

/* exec: this program runs itself again, with the descriptor's number in the environment. */
#define INHERITED "KEVENT_TEST_INHERITED"

KTEST_TABLE(after_exec)
{
	const char *number = getenv(INHERITED);
	struct ukevent event;

	if (!number)
		return;
	unsetenv(INHERITED);
	_exit(kevent_get_events(atoi(number), 1, 1, after_ms(SOON_MS), &event, 0) == 1 ? 42 : 43);
}

static int status_after_exec(int queue)
{
	char number[16];
	pid_t child = fork();
	int status;

	if (child == 0) {
		snprintf(number, sizeof(number), "%d", queue);
		setenv(INHERITED, number, 1);
		execl("/proc/self/exe", "exec", NULL);
		_exit(1);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	return WEXITSTATUS(status);
}

CASE(exec_keeps_the_queue_unless_it_closes_on_exec)
{
	int kept = kevent_init(NULL, 0, 0), closed = kevent_init(NULL, 0, KEVENT_INIT_CLOEXEC);

	fire(kept, add(kept, KEVENT_USER, 1, 1, 0));
	fire(closed, add(closed, KEVENT_USER, 1, 1, 0));
	CHECK_EQ(status_after_exec(kept), 42);
	CHECK_EQ(status_after_exec(closed), 43);
}

CASE_ON(queue, a_sleeper_whose_queue_is_closed_by_another_thread_can_still_be_woken)
{
	struct ukevent entry = add(self->fd, KEVENT_USER, 1, 1, 0);
	int copy = dup(self->fd), number = dup(self->fd);
	pid_t child = fork();

	if (child == 0) {
		CHECK_SAME(take_one(number), entry);
		_exit(0);
	}
	sleeper_asleep(child);
	close(number);
	fire(copy, entry);
	JOIN(child);
}
