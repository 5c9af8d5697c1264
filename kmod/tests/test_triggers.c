// SPDX-License-Identifier: MIT
/* When an event is reported, and how often: the request flags on descriptors. */
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "queue.h"

/* Fixture: a queue and a connected pair of UNIX stream sockets. */
struct pair {
	int queue;
	int near;
	int far;
};

static void pair_setup(struct pair *self)
{
	int fd[2];

	self->queue = kevent_init(NULL, 0, 0);
	CHECK_GE(self->queue, 0);
	unix_pair(SOCK_STREAM, fd);
	self->near = fd[0];
	self->far = fd[1];
}

static void pair_teardown(struct pair *self)
{
}

static struct ukevent watch(struct pair *self, unsigned int flags)
{
	return add(self->queue, KEVENT_SOCKET, (unsigned int)self->near, KEVENT_SOCKET_RECV, flags);
}

CASE_ON(pair, without_flags_an_event_is_reported_while_it_is_ready)
{
	struct ukevent entry = watch(self, 0);

	take_none(self->queue);
	put_byte(self->far);
	CHECK_SAME(take_one(self->queue), entry);
	CHECK_SAME(take_one(self->queue), entry);
	CHECK_EQ(drain(self->near), 1);
	take_none(self->queue);
	put_byte(self->far);
	CHECK_SAME(take_one(self->queue), entry);
}

CASE_ON(pair, a_level_event_that_was_drained_before_the_wait_is_not_reported)
{
	watch(self, 0);
	put_byte(self->far);
	CHECK_EQ(drain(self->near), 1);
	take_none(self->queue);
}

CASE_ON(pair, level_events_take_turns)
{
	struct ukevent first = watch(self, 0), second, event[2];
	int other[2];

	unix_pair(SOCK_STREAM, other);
	second = add(self->queue, KEVENT_SOCKET, (unsigned int)other[0], KEVENT_SOCKET_RECV, 0);
	put_byte(self->far);
	put_byte(other[1]);
	for (int i = 0; i < 2; i++)
		CHECK_EQ(take(self->queue, &event[i], 1, SOON_MS), 1);
	CHECK_SAME(event[0], first);
	CHECK_SAME(event[1], second);
}

CASE_ON(pair, an_edge_is_reported_once)
{
	struct ukevent entry = watch(self, KEVENT_REQ_ET);

	put_byte(self->far);
	CHECK_SAME(take_one(self->queue), entry);
	take_none(self->queue);
	put_byte(self->far);
	CHECK_SAME(take_one(self->queue), entry);
	take_none(self->queue);
	CHECK_EQ(drain(self->near), 2);
	take_none(self->queue);
}

CASE_ON(pair, edges_between_two_waits_are_one_event)
{
	struct ukevent entry = watch(self, KEVENT_REQ_ET);

	for (int i = 0; i < 10; i++)
		put_byte(self->far);
	CHECK_SAME(take_one(self->queue), entry);
	take_none(self->queue);
}

CASE_ON(pair, oneshot_reports_once_and_is_gone)
{
	struct ukevent entry = watch(self, KEVENT_REQ_ONESHOT);

	put_byte(self->far);
	CHECK_SAME(take_one(self->queue), entry);
	put_byte(self->far);
	take_none(self->queue);
	CHECK_EQ(remove_entry(self->queue, entry), -1);
	CHECK_EQ(drain(self->near), 2);
	watch(self, KEVENT_REQ_ONESHOT);
}

CASE_ON(pair, what_is_ready_at_add_is_handed_back_and_not_registered)
{
	struct ukevent entry = request(KEVENT_SOCKET, (unsigned int)self->near, KEVENT_SOCKET_RECV,
				       0);
	struct ukevent answer = entry;

	put_byte(self->far);
	CHECK_EQ(add_entry(self->queue, &answer), 1);
	CHECK_EQ(answer.ret_flags, KEVENT_RET_DONE);
	CHECK_EQ(remove_entry(self->queue, entry), -1);
	take_none(self->queue);
}

CASE_ON(pair, always_queue_registers_and_reports_what_is_ready_at_add)
{
	struct ukevent entry;

	put_byte(self->far);
	entry = watch(self, KEVENT_REQ_ALWAYS_QUEUE);
	CHECK_SAME(take_one(self->queue), entry);
	CHECK_EQ(remove_entry(self->queue, entry), 0);
}

CASE_ON(pair, always_queue_still_hears_of_later_activity)
{
	struct ukevent entry = watch(self, KEVENT_REQ_ALWAYS_QUEUE | KEVENT_REQ_ET);

	take_none(self->queue);
	put_byte(self->far);
	CHECK_SAME(take_one(self->queue), entry);
}

CASE_ON(pair, ready_reports_an_edge_without_asking)
{
	struct ukevent entry = watch(self, KEVENT_REQ_READY | KEVENT_REQ_ET);

	CHECK_SAME(take_one(self->queue), entry);
	take_none(self->queue);
	put_byte(self->far);
	CHECK_SAME(take_one(self->queue), entry);
}

CASE_ON(pair, ready_and_last_check_together_drop_what_is_not_ready)
{
	watch(self, KEVENT_REQ_READY | KEVENT_REQ_LAST_CHECK | KEVENT_REQ_ET);
	take_none(self->queue);
}

CASE_ON(pair, last_check_drops_an_edge_that_was_drained)
{
	struct ukevent entry = watch(self, KEVENT_REQ_LAST_CHECK | KEVENT_REQ_ET);

	put_byte(self->far);
	CHECK_EQ(drain(self->near), 1);
	take_none(self->queue);
	/* Dropped, not disarmed; and the caller's flag is still there. */
	put_byte(self->far);
	entry.req_flags = take_one(self->queue).req_flags;
	CHECK_EQ(entry.req_flags, KEVENT_REQ_LAST_CHECK | KEVENT_REQ_ET);
	put_byte(self->far);
	CHECK_EQ(drain(self->near), 2);
	take_none(self->queue);
}

CASE_ON(pair, without_last_check_a_drained_edge_is_reported)
{
	struct ukevent entry = watch(self, KEVENT_REQ_ET);

	put_byte(self->far);
	CHECK_EQ(drain(self->near), 1);
	CHECK_SAME(take_one(self->queue), entry);
}

CASE_ON(pair, oneshot_with_last_check_stays_until_it_is_true)
{
	struct ukevent entry = watch(self, KEVENT_REQ_ONESHOT | KEVENT_REQ_LAST_CHECK);

	put_byte(self->far);
	CHECK_EQ(drain(self->near), 1);
	take_none(self->queue);
	put_byte(self->far);
	CHECK_SAME(take_one(self->queue), entry);
	CHECK_EQ(remove_entry(self->queue, entry), -1);
}

CASE_ON(pair, modify_re_arms_an_edge)
{
	struct ukevent entry = watch(self, KEVENT_REQ_ET);

	put_byte(self->far);
	take_one(self->queue);
	take_none(self->queue);
	CHECK_EQ(modify(self->queue, entry, KEVENT_SOCKET_RECV, KEVENT_REQ_ET), KEVENT_RET_DONE);
	CHECK_SAME(take_one(self->queue), entry);
	take_none(self->queue);
}

CASE_ON(pair, modify_changes_the_trigger_mode)
{
	struct ukevent entry = watch(self, KEVENT_REQ_ET);

	put_byte(self->far);
	take_one(self->queue);
	modify(self->queue, entry, KEVENT_SOCKET_RECV, 0);
	CHECK_SAME(take_one(self->queue), entry);
	CHECK_SAME(take_one(self->queue), entry);
	modify(self->queue, entry, KEVENT_SOCKET_RECV, KEVENT_REQ_ONESHOT);
	CHECK_SAME(take_one(self->queue), entry);
	take_none(self->queue);
	CHECK_EQ(remove_entry(self->queue, entry), -1);
}

CASE_ON(pair, modify_to_a_mask_that_is_not_ready_takes_it_off_the_ready_list)
{
	struct ukevent entry;

	put_byte(self->far);
	entry = watch(self, KEVENT_REQ_ALWAYS_QUEUE);
	CHECK(readable(self->queue, SOON_MS));
	CHECK_EQ(drain(self->near), 1);
	modify(self->queue, entry, KEVENT_SOCKET_RECV, 0);
	take_none(self->queue);
	put_byte(self->far);
	CHECK_SAME(take_one(self->queue), entry);
}

CASE_ON(pair, ready_by_command_is_rechecked_in_level_mode)
{
	struct ukevent entry = watch(self, 0);

	fire(self->queue, entry);
	take_none(self->queue);
	put_byte(self->far);
	CHECK_SAME(take_one(self->queue), entry);
}

CASE_ON(pair, ready_by_command_reports_an_edge_once)
{
	struct ukevent entry = watch(self, KEVENT_REQ_ET);

	fire(self->queue, entry);
	fire(self->queue, entry);
	CHECK_SAME(take_one(self->queue), entry);
	take_none(self->queue);
}

CASE_ON(pair, events_outside_the_mask_are_not_reported)
{
	struct ukevent entry = add(self->queue, KEVENT_POLL, (unsigned int)self->near,
				   KEVENT_POLL_POLLPRI, KEVENT_REQ_ET);

	put_byte(self->far);
	take_none(self->queue);
	modify(self->queue, entry, KEVENT_POLL_POLLIN, KEVENT_REQ_ET);
	CHECK_SAME(take_one(self->queue), entry);
}

CASE_ON(pair, a_wake_up_without_a_key_is_noticed)
{
	uint64_t one = 1;
	int counter = eventfd(0, EFD_NONBLOCK);
	struct ukevent entry = add(self->queue, KEVENT_POLL, (unsigned int)counter,
				   KEVENT_POLL_POLLIN, KEVENT_REQ_ET);

	CHECK_EQ(write(counter, &one, sizeof(one)), sizeof(one));
	CHECK_SAME(take_one(self->queue), entry);
}

/* Two queues on one listener; how many of them hear of one connection. */
static int told_of_one_connection(unsigned int flags)
{
	/* One walk along the waiters tells all that are told. */
	int patience = flags & KEVENT_REQ_WAKEUP_ALL ? SOON_MS : 50;
	int listener = tcp_listener(), told = 0;
	struct pollfd queue[2];
	struct ukevent event;

	for (int i = 0; i < 2; i++) {
		queue[i] = (struct pollfd){ .fd = kevent_init(NULL, 0, 0), .events = POLLIN };
		add(queue[i].fd, KEVENT_SOCKET, (unsigned int)listener, KEVENT_SOCKET_ACCEPT,
		    flags);
	}
	tcp_connect(listener);
	CHECK_GE(poll(queue, 2, SOON_MS), 1);
	for (int i = 0; i < 2; i++)
		told += (int)take(queue[i].fd, &event, 1, patience);
	return told;
}

CASE(wakeup_all_tells_every_queue_of_a_listener)
{
	CHECK_EQ(told_of_one_connection(KEVENT_REQ_WAKEUP_ALL), 2);
	CHECK_EQ(told_of_one_connection(KEVENT_REQ_WAKEUP_ALL | KEVENT_REQ_ET), 2);
}

CASE(without_wakeup_all_one_queue_of_a_listener_is_told)
{
	CHECK_EQ(told_of_one_connection(KEVENT_REQ_ET), 1);
	CHECK_EQ(told_of_one_connection(0), 1);
}

CASE(without_wakeup_all_watchers_of_other_bits_are_still_told)
{
	int receiver = kevent_init(NULL, 0, 0), sender = kevent_init(NULL, 0, 0), pair[2];
	struct ukevent receive, send;

	/* Both ways at once: the far end goes away. */
	unix_pair(SOCK_STREAM, pair);
	fill(pair[0]);
	receive = add(receiver, KEVENT_SOCKET, (unsigned int)pair[0], KEVENT_SOCKET_RECV,
		      KEVENT_REQ_ET);
	send = add(sender, KEVENT_SOCKET, (unsigned int)pair[0], KEVENT_SOCKET_SEND, KEVENT_REQ_ET);
	close(pair[1]);
	CHECK_SAME(take_one(receiver), receive);
	CHECK_SAME(take_one(sender), send);
}
