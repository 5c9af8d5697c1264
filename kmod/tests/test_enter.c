// SPDX-License-Identifier: MIT
/* The combined call, and a batch of mixed commands. */
#include "queue.h"

CASE_ON(queue, enter_adds_and_waits_in_one_call)
{
	struct ukevent changes[2], asked[2], events[2];
	struct timespec limit = after_ms(SOON_MS);
	struct kevent_batch batch = { .cmd = KEVENT_CTL_ADD,
				      .num = 2,
				      .changes = changes,
				      .min_nr = 1,
				      .max_nr = 2,
				      .events = events,
				      .timeout = &limit };
	int pair[2];

	unix_pair(SOCK_STREAM, pair);
	put_byte(pair[1]);
	changes[0] = request(KEVENT_SOCKET, (unsigned int)pair[0], KEVENT_SOCKET_RECV,
			     KEVENT_REQ_ALWAYS_QUEUE);
	changes[1] = request(KEVENT_USER, 1, 1, 0);
	memcpy(asked, changes, sizeof(asked));
	CHECK_EQ(kevent_enter(self->fd, &batch), 1);
	CHECK_EQ(batch.ctl_result, 0);
	CHECK_SAME(events[0], asked[0]);
	CHECK_EQ(remove_entry(self->fd, asked[0]), 0);
	CHECK_EQ(remove_entry(self->fd, asked[1]), 0);
}

CASE_ON(queue, enter_does_not_block_when_something_came_back)
{
	struct ukevent change = request(1000, 1, 1, 0), event;
	struct kevent_batch batch = { .cmd = KEVENT_CTL_ADD,
				      .num = 1,
				      .changes = &change,
				      .min_nr = 1,
				      .max_nr = 1,
				      .events = &event };

	CHECK_EQ(kevent_enter(self->fd, &batch), 0);
	CHECK_EQ(batch.ctl_result, 1);
	CHECK_EQ((int)change.ret_data[1], -ENOSYS);
}

CASE_ON(queue, enter_ends_with_the_step_that_fails)
{
	struct ukevent event;
	struct kevent_batch bad = { .cmd = 99, .num = 1, .changes = &event, .max_nr = 1,
				    .events = &event };
	struct timespec wrong = { 0, -1 };
	struct ukevent change = request(KEVENT_USER, 1, 1, 0), asked = change;
	struct kevent_batch late = { .cmd = KEVENT_CTL_ADD, .num = 1, .changes = &change,
				     .max_nr = 1, .events = &event, .timeout = &wrong };

	CHECK_ERRNO(kevent_enter(self->fd, &bad), EINVAL);
	CHECK_ERRNO(kevent_enter(self->fd, &late), EINVAL);
	/* Nothing was left half done, or what was done stays: the caller can find out which. */
	ktest_note("the change before a refused timeout %s",
		   remove_entry(self->fd, asked) == 0 ? "stays" : "was not made");
	late.flags = 0x80000000;
	late.timeout = NULL;
	CHECK_ERRNO(kevent_enter(self->fd, &late), EINVAL);
}

CASE_ON(queue, enter_with_nowait_only_changes)
{
	struct ukevent change = request(KEVENT_USER, 1, 1, 0), asked = change;
	struct kevent_batch batch = { .cmd = KEVENT_CTL_ADD,
				      .num = 1,
				      .changes = &change,
				      .flags = KEVENT_FLAGS_NOWAIT };

	CHECK_EQ(kevent_enter(self->fd, &batch), 0);
	CHECK_EQ(remove_entry(self->fd, asked), 0);
}

CASE(enter_commits_and_waits_on_the_ring_of_2006)
{
	_Alignas(8) static char memory[8 + 4 * sizeof(struct ukevent)];
	struct kevent_ring *ring = (struct kevent_ring *)memory;
	int queue = kevent_init(ring, 4, 0);
	struct ukevent entry[5];
	struct timespec limit = after_ms(SOON_MS);
	struct kevent_batch batch = { .flags = KEVENT_FLAGS_COMMIT,
				      .min_nr = 1,
				      .max_nr = 4,
				      .timeout = &limit };

	for (unsigned int i = 0; i < 5; i++)
		fire(queue, entry[i] = add(queue, KEVENT_USER, i, 1, 0));
	CHECK_EQ(kevent_wait(queue, 4, 0, after_ms(SOON_MS), 0), 4);
	batch.new_uidx = 3;
	batch.old_uidx = 0;
	CHECK_EQ(kevent_enter(queue, &batch), 1);
	CHECK_EQ(batch.commit_result, 3);
	CHECK_EQ(batch.start, 0);
	CHECK_SAME(ring->event[0], entry[4]);
}

CASE(enter_adds_and_waits_on_a_mapped_ring)
{
	struct kevent_mapped map;
	struct ukevent change = request(KEVENT_TIMER, 0, KEVENT_TIMER_FIRED, KEVENT_REQ_ONESHOT);
	struct ukevent event, asked;
	struct timespec limit = after_ms(SOON_MS);
	struct kevent_batch batch = { .cmd = KEVENT_CTL_ADD,
				      .num = 1,
				      .changes = &change,
				      .min_nr = 1,
				      .max_nr = 1,
				      .timeout = &limit };

	CHECK_GE(kevent_mapped_open(&map, 8, 0), 0);
	change.id.raw[1] = 1000000;
	asked = change;
	CHECK_EQ(kevent_enter(map.fd, &batch), 1);
	CHECK_EQ(kevent_mapped_take(&map, &event, 1), 1);
	CHECK_SAME(event, asked);
}

CASE_ON(queue, a_batch_holds_commands_of_every_kind_in_order)
{
	struct ukevent known = add(self->fd, KEVENT_USER, 1, 1, 0);
	struct ukevent entries[5], event;

	entries[0] = request(KEVENT_USER, 2, 1, 0);
	entries[0].ret_flags = KEVENT_CTL_ADD;
	entries[1] = entries[0];
	entries[1].ret_flags = KEVENT_CTL_READY;
	entries[2] = known;
	entries[2].ret_flags = KEVENT_CTL_MODIFY;
	entries[2].req_flags = KEVENT_REQ_ONESHOT;
	entries[3] = known;
	entries[3].ret_flags = KEVENT_CTL_REMOVE;
	entries[4] = known;
	entries[4].ret_flags = KEVENT_CTL_REMOVE;
	event = entries[0];
	CHECK_EQ(kevent_ctl(self->fd, KEVENT_CTL_BATCH, 5, entries), 1);
	CHECK_EQ(entries[0].ret_flags, 0);
	CHECK_EQ(entries[1].ret_flags, KEVENT_RET_DONE);
	CHECK_EQ(entries[2].ret_flags, KEVENT_RET_DONE);
	CHECK_EQ(entries[3].ret_flags, KEVENT_RET_DONE);
	CHECK_EQ(entries[4].ret_flags, KEVENT_RET_DONE | KEVENT_RET_BROKEN);
	CHECK_SAME(take_one(self->fd), event);
}

CASE_ON(queue, an_unknown_command_in_a_batch_is_refused)
{
	struct ukevent entry = request(KEVENT_USER, 1, 1, 0);
	int result;

	entry.ret_flags = KEVENT_CTL_BATCH;
	result = kevent_ctl(self->fd, KEVENT_CTL_BATCH, 1, &entry);
	if (result < 0)
		CHECK_EQ(errno, EINVAL);
	else
		CHECK_EQ(entry.ret_flags, KEVENT_RET_DONE | KEVENT_RET_BROKEN);
}
