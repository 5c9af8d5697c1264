// SPDX-License-Identifier: MIT
/* NAIO: receiving and sending on sockets, done by the kernel. */
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "transfer.h"

static struct ukevent begin(int queue, int sock, unsigned int event, void *buf, size_t len,
			    int flags)
{
	struct transfer transfer;

	prepare_naio(&transfer, sock, event, buf, len, flags);
	return start(queue, &transfer);
}

/* Without ALWAYS_QUEUE what is over at once is answered in the entry; this is not. */
static struct ukevent begin_unqueued(int queue, int sock, unsigned int event, void *buf, size_t len,
				     int flags)
{
	struct transfer transfer;
	struct ukevent answer;

	prepare_naio(&transfer, sock, event, buf, len, flags);
	answer = transfer.entry;
	CHECK_EQ(add_entry(queue, &answer), 0);
	return transfer.entry;
}

typedef struct ukevent begin_fn(int queue, int sock, unsigned int event, void *buf, size_t len,
				int flags);

CASE_ON(queue, what_is_there_is_received_inside_add)
{
	struct transfer transfer;
	char buf[16] = "";
	int pair[2];

	unix_pair(SOCK_STREAM, pair);
	CHECK_EQ(write(pair[1], "hello", 5), 5);
	prepare_naio(&transfer, pair[0], KEVENT_NAIO_RECV, buf, sizeof(buf), 0);
	CHECK_EQ(add_entry(self->fd, &transfer.entry), 1);
	CHECK_EQ(transfer.entry.ret_flags, KEVENT_RET_DONE);
	CHECK_EQ(transfer.entry.ret_data[0], 5);
	CHECK_EQ(strcmp(buf, "hello"), 0);
	take_none(self->fd);
	CHECK_EQ(remove_entry(self->fd, transfer.entry), -1);
}

static void receives_later(int queue, int pair[2], begin_fn *starts)
{
	char buf[16] = "";
	struct ukevent entry = starts(queue, pair[0], KEVENT_NAIO_RECV, buf, sizeof(buf), 0);

	take_none(queue);
	CHECK_EQ(write(pair[1], "later", 5), 5);
	done(queue, entry, 5);
	CHECK_EQ(strcmp(buf, "later"), 0);
}

static void every_socket_receives_later(int queue, begin_fn *starts)
{
	int pair[2];

	unix_pair(SOCK_STREAM, pair);
	receives_later(queue, pair, starts);
	unix_pair(SOCK_DGRAM, pair);
	receives_later(queue, pair, starts);
	tcp_pair(pair);
	receives_later(queue, pair, starts);
	udp_pair(pair);
	receives_later(queue, pair, starts);
}

CASE_ON(queue, what_comes_later_is_received_by_a_worker)
{
	every_socket_receives_later(self->fd, begin);
	every_socket_receives_later(self->fd, begin_unqueued);
}

CASE_ON(queue, the_end_of_a_stream_is_a_receive_of_nothing)
{
	int pair[2];
	char buf[4];
	struct ukevent entry;

	tcp_pair(pair);
	entry = begin(self->fd, pair[0], KEVENT_NAIO_RECV, buf, sizeof(buf), 0);
	close(pair[1]);
	done(self->fd, entry, 0);
}

CASE_ON(queue, waitall_receives_until_the_buffer_is_full)
{
	int pair[2];
	char buf[8] = "";
	struct ukevent entry;

	tcp_pair(pair);
	entry = begin(self->fd, pair[0], KEVENT_NAIO_RECV, buf, 6, MSG_WAITALL);
	CHECK_EQ(write(pair[1], "abc", 3), 3);
	CHECK(!readable(self->fd, 50));
	CHECK_EQ(write(pair[1], "def", 3), 3);
	done(self->fd, entry, 6);
	CHECK_EQ(strcmp(buf, "abcdef"), 0);
}

static void goes_on_after_a_part(int queue, begin_fn *starts)
{
	int pair[2];
	char buf[8] = "";
	struct ukevent entry;

	unix_pair(SOCK_STREAM, pair);
	CHECK_EQ(write(pair[1], "abc", 3), 3);
	entry = starts(queue, pair[0], KEVENT_NAIO_RECV, buf, 6, MSG_WAITALL);
	CHECK_EQ(strcmp(buf, "abc"), 0);
	CHECK_EQ(write(pair[1], "def", 3), 3);
	done(queue, entry, 6);
	CHECK_EQ(strcmp(buf, "abcdef"), 0);
}

CASE_ON(queue, waitall_goes_on_after_the_part_that_is_there)
{
	goes_on_after_a_part(self->fd, begin);
	goes_on_after_a_part(self->fd, begin_unqueued);
}

CASE_ON(queue, peeking_leaves_the_data)
{
	int pair[2];
	char buf[8] = "";
	struct ukevent entry;

	unix_pair(SOCK_STREAM, pair);
	entry = begin(self->fd, pair[0], KEVENT_NAIO_RECV, buf, 8, MSG_PEEK);
	put_byte(pair[1]);
	done(self->fd, entry, 1);
	CHECK_EQ(drain(pair[0]), 1);
}

CASE_ON(queue, what_fits_is_sent_inside_add)
{
	struct transfer transfer;
	char buf[8] = "";
	int pair[2];

	tcp_pair(pair);
	prepare_naio(&transfer, pair[0], KEVENT_NAIO_SEND, (void *)"sent", 4, 0);
	CHECK_EQ(add_entry(self->fd, &transfer.entry), 1);
	CHECK_EQ(transfer.entry.ret_flags, KEVENT_RET_DONE);
	CHECK_EQ(transfer.entry.ret_data[0], 4);
	CHECK(readable(pair[1], SOON_MS));
	CHECK_EQ(read(pair[1], buf, sizeof(buf)), 4);
	CHECK_EQ(strcmp(buf, "sent"), 0);
}

static void sends_all(int queue, int pair[2], begin_fn *starts)
{
	size_t len = 4 << 20;
	unsigned char *data = malloc(len);
	struct ukevent entry;

	CHECK(data);
	fill_pattern(data, len, 0);
	entry = starts(queue, pair[0], KEVENT_NAIO_SEND, data, len, 0);
	take_none(queue);
	read_pattern(pair[1], len, 0);
	done(queue, entry, (unsigned int)len);
	free(data);
}

CASE_ON(queue, a_stream_takes_all_of_a_send_that_does_not_fit)
{
	int pair[2];

	/* Pairs of their own: TCP finds more room once it has sent much. */
	tcp_pair(pair);
	sends_all(self->fd, pair, begin);
	tcp_pair(pair);
	sends_all(self->fd, pair, begin_unqueued);
	unix_pair(SOCK_STREAM, pair);
	sends_all(self->fd, pair, begin);
	unix_pair(SOCK_STREAM, pair);
	sends_all(self->fd, pair, begin_unqueued);
}

/* poll() says of this socket that it can send when it cannot: asking it alone would spin. */
CASE_ON(queue, a_datagram_waits_for_room_at_its_peer)
{
	int pair[2];
	struct ukevent entry;

	unix_pair(SOCK_DGRAM, pair);
	fill(pair[0]);
	entry = begin(self->fd, pair[0], KEVENT_NAIO_SEND, (void *)"x", 1, 0);
	CHECK(!readable(self->fd, 50));
	drain(pair[1]);
	done(self->fd, entry, 1);
}

CASE_ON(queue, sending_to_a_closed_peer_is_broken_without_a_signal)
{
	struct transfer transfer;
	struct ukevent entry;
	int pair[2];

	unix_pair(SOCK_STREAM, pair);
	close(pair[1]);
	prepare_naio(&transfer, pair[0], KEVENT_NAIO_SEND, (void *)"x", 1, 0);
	CHECK_EQ(add_refusal(self->fd, transfer.entry), EPIPE);
	unix_pair(SOCK_STREAM, pair);
	fill(pair[0]);
	entry = begin(self->fd, pair[0], KEVENT_NAIO_SEND, (void *)"x", 1, 0);
	close(pair[1]);
	broken(self->fd, entry, EPIPE);
}

CASE_ON(queue, dontwait_does_not_wait)
{
	struct transfer transfer;
	int pair[2];
	char byte;

	unix_pair(SOCK_STREAM, pair);
	prepare_naio(&transfer, pair[0], KEVENT_NAIO_RECV, &byte, 1, MSG_DONTWAIT);
	CHECK_EQ(add_refusal(self->fd, transfer.entry), EAGAIN);
}

CASE_ON(queue, removal_cancels_what_waits)
{
	struct ukevent entry;
	char byte = 'a';
	int pair[2];

	unix_pair(SOCK_STREAM, pair);
	entry = begin(self->fd, pair[0], KEVENT_NAIO_RECV, &byte, 1, 0);
	CHECK_EQ(remove_entry(self->fd, entry), 0);
	CHECK_EQ(write(pair[1], "b", 1), 1);
	take_none(self->fd);
	CHECK_EQ(drain(pair[0]), 1);
	CHECK_EQ(byte, 'a');
}

CASE_ON(queue, closing_the_socket_breaks_what_waits_and_the_peer_sees_the_end)
{
	struct ukevent entry;
	char byte;
	int pair[2];

	tcp_pair(pair);
	entry = begin(self->fd, pair[0], KEVENT_NAIO_RECV, &byte, 1, 0);
	close(pair[0]);
	broken(self->fd, entry, ECANCELED);
	CHECK(readable(pair[1], SOON_MS));
	CHECK_EQ(read(pair[1], &byte, 1), 0);
	take_none(self->fd);
}

CASE(closing_the_queue_cancels_what_waits)
{
	int queue = kevent_init(NULL, 0, 0), pair[2];
	char byte = 'a';

	unix_pair(SOCK_STREAM, pair);
	begin(queue, pair[0], KEVENT_NAIO_RECV, &byte, 1, 0);
	CHECK_EQ(close(queue), 0);
	CHECK_EQ(write(pair[1], "b", 1), 1);
	CHECK_EQ(drain(pair[0]), 1);
	CHECK_EQ(byte, 'a');
}

CASE_ON(queue, a_process_that_is_gone_is_written_to_no_more)
{
	struct ukevent event;
	int pair[2];
	pid_t child;

	unix_pair(SOCK_STREAM, pair);
	child = fork();
	if (child == 0) {
		static char byte;

		begin(self->fd, pair[0], KEVENT_NAIO_RECV, &byte, 1, 0);
		_exit(0);
	}
	JOIN(child);
	put_byte(pair[1]);
	event = take_one(self->fd);
	CHECK_EQ(event.type, KEVENT_NAIO);
	CHECK_EQ(event.ret_flags, KEVENT_RET_DONE | KEVENT_RET_BROKEN);
	CHECK_EQ(-(int)event.ret_data[1], ECANCELED);
	CHECK_EQ(drain(pair[0]), 1);
}

CASE_ON(queue, memory_that_is_gone_is_a_fault)
{
	long page = sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, (size_t)page, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct ukevent entry;
	int pair[2];

	CHECK(memory != MAP_FAILED);
	unix_pair(SOCK_STREAM, pair);
	entry = begin(self->fd, pair[0], KEVENT_NAIO_RECV, memory, 8, 0);
	CHECK_EQ(munmap(memory, (size_t)page), 0);
	put_byte(pair[1]);
	broken(self->fd, entry, EFAULT);
}

CASE_ON(queue, several_transfers_wait_on_one_socket)
{
	struct transfer first, second;
	char one = 0, two = 0;
	struct ukevent events[2];
	int pair[2];

	unix_pair(SOCK_DGRAM, pair);
	prepare_naio(&first, pair[0], KEVENT_NAIO_RECV, &one, 1, 0);
	prepare_naio(&second, pair[0], KEVENT_NAIO_RECV, &two, 1, 0);
	CHECK_EQ(add_refusal(self->fd, first.entry), 0);
	CHECK_EQ(add_refusal(self->fd, second.entry), 0);
	CHECK_EQ(add_refusal(self->fd, second.entry), EEXIST);
	CHECK_EQ(write(pair[1], "x", 1), 1);
	CHECK_EQ(take(self->fd, events, 2, SOON_MS), 1);
	CHECK_EQ(write(pair[1], "y", 1), 1);
	CHECK_EQ(take(self->fd, events, 2, SOON_MS), 1);
	CHECK((one == 'x' && two == 'y') || (one == 'y' && two == 'x'));
}

/* ADD and the peer's write race, and now and then REMOVE joins in. */
CASE_ON_WITHIN(queue, nothing_is_lost_when_data_arrives_while_the_transfer_is_armed, 90)
{
	for (int round = 0; round < 300; round++) {
		int pair[2];
		char byte = 0;
		struct ukevent entry;
		pid_t child;

		unix_pair(SOCK_STREAM, pair);
		child = fork();
		if (child == 0) {
			put_byte(pair[1]);
			_exit(0);
		}
		entry = begin(self->fd, pair[0], KEVENT_NAIO_RECV, &byte, 1, 0);
		if (round % 3 == 0 && remove_entry(self->fd, entry) == 0) {
			take_none(self->fd);
		} else {
			done(self->fd, entry, 1);
		}
		JOIN(child);
		close(pair[0]);
		close(pair[1]);
	}
}

CASE_ON(queue, what_cannot_be_done_is_refused)
{
	struct transfer transfer;
	int pair[2], event = eventfd(0, 0);
	char buf[4];

	unix_pair(SOCK_STREAM, pair);
	prepare_naio(&transfer, 999, KEVENT_NAIO_RECV, buf, 4, 0);
	CHECK_EQ(add_refusal(self->fd, transfer.entry), EBADF);
	prepare_naio(&transfer, event, KEVENT_NAIO_RECV, buf, 4, 0);
	CHECK_EQ(add_refusal(self->fd, transfer.entry), ENOTSOCK);
	prepare_naio(&transfer, pair[0], KEVENT_NAIO_RECV | KEVENT_NAIO_SEND, buf, 4, 0);
	CHECK_EQ(add_refusal(self->fd, transfer.entry), EINVAL);
	prepare_naio(&transfer, pair[0], KEVENT_SOCKET_ACCEPT, buf, 4, 0);
	CHECK_EQ(add_refusal(self->fd, transfer.entry), EINVAL);
	prepare_naio(&transfer, pair[0], KEVENT_NAIO_RECV, buf, 4, MSG_ERRQUEUE);
	CHECK_EQ(add_refusal(self->fd, transfer.entry), EINVAL);
	prepare_naio(&transfer, pair[0], KEVENT_NAIO_SEND, buf, 4, 0x8000000);
	CHECK_EQ(add_refusal(self->fd, transfer.entry), EINVAL);
	prepare_naio(&transfer, pair[0], KEVENT_NAIO_RECV, buf, 4, 0);
	transfer.what.reserved[2] = 1;
	CHECK_EQ(add_refusal(self->fd, transfer.entry), EINVAL);
	transfer.entry.ret_data[0] = 16;
	transfer.entry.ret_data[1] = 0;
	CHECK_EQ(add_refusal(self->fd, transfer.entry), EFAULT);
	put_byte(pair[1]);
	prepare_naio(&transfer, pair[0], KEVENT_NAIO_RECV, (void *)16, 4, 0);
	CHECK_EQ(add_refusal(self->fd, transfer.entry), EFAULT);
	prepare_naio(&transfer, tcp_listener(), KEVENT_NAIO_RECV, buf, 4, 0);
	CHECK_EQ(add_refusal(self->fd, transfer.entry), ENOTCONN);
}
