// SPDX-License-Identifier: MIT
#include "signals.h"

#include <unistd.h>

struct ukevent watch_signal(int queue, int number)
{
	return add(queue, KEVENT_SIGNAL, (unsigned int)number, KEVENT_SIGNAL_DELIVERY, 0);
}

struct ukevent mute_signal(int queue, int number)
{
	struct ukevent entry =
		request(KEVENT_SIGNAL, (unsigned int)number, KEVENT_SIGNAL_DELIVERY, 0);

	entry.id.raw_u64 |= KEVENT_SIGNAL_NOMASK;
	CHECK_EQ(add_refusal(queue, entry), 0);
	return entry;
}

void send_value(int number, int value)
{
	CHECK_EQ(sigqueue(getpid(), number, (union sigval){ .sival_int = value }), 0);
}

void told(int queue, struct ukevent entry, int code, int value)
{
	struct ukevent event;

	CHECK_EQ(take(queue, &event, 1, SOON_MS), 1);
	CHECK_SAME(event, entry);
	CHECK_EQ(event.ret_flags, KEVENT_RET_DONE);
	CHECK_EQ((int)event.ret_data[0], code);
	CHECK_EQ((int)event.ret_data[1], value);
}
