// SPDX-License-Identifier: MIT
/* Each of the 64 sets of request flags on operations, which always report once. */
#include <unistd.h>

#include "transfer.h"

/* A receive that waits, and one that is done at once. */
static void run_naio(const void *argument)
{
	unsigned int flags = *(const unsigned int *)argument;
	bool queued = flags & (KEVENT_REQ_ALWAYS_QUEUE | KEVENT_REQ_READY);
	int queue = kevent_init(NULL, 0, 0), pair[2];
	struct transfer transfer;
	struct ukevent event;
	char byte = 0;

	unix_pair(SOCK_STREAM, pair);
	prepare_naio(&transfer, pair[0], KEVENT_NAIO_RECV, &byte, 1, 0);
	transfer.entry.req_flags = flags;
	event = transfer.entry;
	CHECK_EQ(add_entry(queue, &event), 0);
	/* Whatever READY says: a report would pass for the end of the transfer. */
	take_none(queue);
	put_byte(pair[1]);
	done(queue, transfer.entry, 1);
	take_none(queue);
	put_byte(pair[1]);
	event = transfer.entry;
	CHECK_EQ(add_entry(queue, &event), queued ? 0 : 1);
	if (queued)
		done(queue, transfer.entry, 1);
	else
		CHECK_EQ(event.ret_data[0], 1);
	take_none(queue);
}

/* A write that a worker does. */
static void run_aio(const void *argument)
{
	unsigned int flags = *(const unsigned int *)argument;
	int queue = kevent_init(NULL, 0, 0), file = make_file(false, 0);
	struct transfer operation;

	prepare_aio(&operation, KEVENT_AIO_WRITE, file, (void *)"data", 4, 0);
	operation.entry.req_flags = flags;
	CHECK_EQ(add_refusal(queue, operation.entry), 0);
	done(queue, operation.entry, 4);
	take_none(queue);
	CHECK_EQ(remove_entry(queue, operation.entry), -1);
}

KTEST_TABLE(register_flags)
{
	static unsigned int sets[64];

	for (unsigned int i = 0; i < 64; i++) {
		char what[] = { (char)('0' + i / 10), (char)('0' + i % 10), '\0' };

		sets[i] = i;
		ktest_register_cell("NAIO with flags", what, run_naio, &sets[i], KTEST_SECONDS);
		ktest_register_cell("AIO with flags", what, run_aio, &sets[i], KTEST_SECONDS);
	}
}
