// SPDX-License-Identifier: MIT
/* MODIFY of AIO and NAIO: the transfer goes on, and its outcome is reported whatever is changed. */
#include <unistd.h>

#include "transfer.h"

static const unsigned int new_flags[] = {
	0,
	KEVENT_REQ_ET,
	KEVENT_REQ_WAKEUP_ALL | KEVENT_REQ_LAST_CHECK,
	KEVENT_REQ_READY,
	KEVENT_REQ_ALL,
};

#define SETS (sizeof(new_flags) / sizeof(new_flags[0]))

/* Modified, it still reports once, with the new flags. */
static void modified(int queue, struct ukevent entry, unsigned int flags)
{
	CHECK_EQ(modify(queue, entry, entry.event, flags), KEVENT_RET_DONE);
}

static void reported_with(int queue, struct ukevent entry, unsigned int flags, unsigned int bytes)
{
	struct ukevent event = take_one(queue);

	CHECK_SAME(event, entry);
	CHECK_EQ(event.ret_flags, KEVENT_RET_DONE);
	CHECK_EQ(event.req_flags, flags | KEVENT_REQ_ONESHOT);
	CHECK_EQ(event.ret_data[0], bytes);
	CHECK_EQ(event.ret_data[1], 0);
	take_none(queue);
	CHECK_EQ(remove_entry(queue, entry), -1);
}

static struct ukevent begin_recv(int queue, int sock, char *byte)
{
	struct transfer transfer;

	prepare_naio(&transfer, sock, KEVENT_NAIO_RECV, byte, 1, 0);
	return start(queue, &transfer);
}

CASE_ON(queue, a_receive_that_waits_goes_on)
{
	int pair[2];

	unix_pair(SOCK_STREAM, pair);
	for (size_t i = 0; i < SETS; i++) {
		char byte = 0;
		struct ukevent entry = begin_recv(self->fd, pair[0], &byte);

		modified(self->fd, entry, new_flags[i]);
		take_none(self->fd);
		put_byte(pair[1]);
		reported_with(self->fd, entry, new_flags[i], 1);
		CHECK_EQ(byte, 'x');
	}
}

CASE_ON(queue, an_outcome_that_was_not_taken_is_kept)
{
	int pair[2];

	unix_pair(SOCK_STREAM, pair);
	for (size_t i = 0; i < SETS; i++) {
		char byte = 0;
		struct ukevent entry;

		put_byte(pair[1]);
		entry = begin_recv(self->fd, pair[0], &byte);
		CHECK(readable(self->fd, SOON_MS));
		modified(self->fd, entry, new_flags[i]);
		modified(self->fd, entry, new_flags[i]);
		reported_with(self->fd, entry, new_flags[i], 1);
	}
}

CASE_ON(queue, another_direction_is_refused_and_the_outcome_kept)
{
	int pair[2];
	char byte = 0;
	struct ukevent entry, changed;

	unix_pair(SOCK_STREAM, pair);
	entry = begin_recv(self->fd, pair[0], &byte);
	for (int round = 0; round < 2; round++) {
		changed = entry;
		changed.event = KEVENT_NAIO_SEND;
		CHECK_EQ(kevent_ctl(self->fd, KEVENT_CTL_MODIFY, 1, &changed), 1);
		CHECK_EQ(changed.ret_flags, KEVENT_RET_DONE | KEVENT_RET_BROKEN);
		CHECK_EQ((int)changed.ret_data[1], -EINVAL);
		if (round == 0)
			put_byte(pair[1]);
		CHECK(round == 1 || readable(self->fd, SOON_MS));
	}
	done(self->fd, entry, 1);
}

CASE_ON(queue, an_operation_on_a_file_goes_on)
{
	int file = make_full_file(false, 0);
	unsigned char data[BLOCK];

	for (size_t i = 0; i < SETS; i++) {
		struct transfer operation;
		struct ukevent entry;

		prepare_aio(&operation, KEVENT_AIO_READ, file, data, BLOCK, BLOCK);
		entry = start(self->fd, &operation);
		/* Before its end or behind it, as it happens. */
		modified(self->fd, entry, new_flags[i]);
		entry.event = KEVENT_MASK_ALL;
		modified(self->fd, entry, new_flags[i]);
		reported_with(self->fd, entry, new_flags[i], BLOCK);
		check_pattern(data, BLOCK, BLOCK);
	}
}

CASE_ON(queue, a_broken_outcome_is_kept_and_cannot_be_modified)
{
	int pair[2];
	char byte = 0;
	struct ukevent entry;

	unix_pair(SOCK_STREAM, pair);
	entry = begin_recv(self->fd, pair[0], &byte);
	close(pair[0]);
	CHECK(readable(self->fd, SOON_MS));
	CHECK_EQ(modify(self->fd, entry, entry.event, 0), KEVENT_RET_DONE | KEVENT_RET_BROKEN);
	broken(self->fd, entry, ECANCELED);
}

CASE_ON(queue, a_mapped_ring_gets_the_outcome_once)
{
	struct kevent_mapped map;
	struct ukevent entry, events[4];
	char byte = 0;
	int queue = kevent_mapped_open(&map, 4, 0), pair[2];

	CHECK_GE(queue, 0);
	unix_pair(SOCK_STREAM, pair);
	entry = begin_recv(queue, pair[0], &byte);
	modified(queue, entry, KEVENT_REQ_READY);
	CHECK_EQ(kevent_mapped_take(&map, events, 4), 0);
	put_byte(pair[1]);
	CHECK(readable(queue, SOON_MS));
	/* It has been reported, and so is gone. */
	CHECK_EQ(modify(queue, entry, entry.event, 0), KEVENT_RET_DONE | KEVENT_RET_BROKEN);
	CHECK_EQ(kevent_mapped_take(&map, events, 4), 1);
	CHECK_SAME(events[0], entry);
	CHECK_EQ(events[0].ret_data[0], 1);
	kevent_mapped_close(&map);
}
