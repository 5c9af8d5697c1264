// SPDX-License-Identifier: MIT
/*
 * Two timers in one queue: one that ticks, one that ends the program.
 *
 *	cc -o timer timer.c $(pkg-config --cflags --libs kevent)
 *	./timer [TICK_MS [TICKS]]
 */
#include <kevent.h>
#include <stdio.h>
#include <stdlib.h>

enum { TICK = 1, END = 2 };

/* A timer's name is its period together with the user word. */
static int start(int queue, unsigned int milliseconds, unsigned int flags, unsigned int user)
{
	struct ukevent timer = kevent_request(KEVENT_TIMER, milliseconds / 1000,
					      KEVENT_TIMER_FIRED, flags, user);

	timer.id.raw[1] = milliseconds % 1000 * 1000000;
	return kevent_add(queue, &timer);
}

int main(int argc, char **argv)
{
	unsigned int period = argc > 1 ? (unsigned int)atoi(argv[1]) : 500;
	unsigned int wanted = argc > 2 ? (unsigned int)atoi(argv[2]) : 5;
	unsigned int ticks = 0;
	int queue = kevent_init(NULL, 0, KEVENT_INIT_CLOEXEC);

	if (queue < 0) {
		perror("kevent_init");
		return 1;
	}
	if (start(queue, period, 0, TICK) != 0 ||
	    start(queue, period * wanted + period / 2, KEVENT_REQ_ONESHOT, END) != 0) {
		perror("kevent_add");
		return 1;
	}
	for (;;) {
		struct ukevent events[8];
		int count = kevent_pget_events(queue, 1, 8, NULL, events, 0, NULL);

		if (count < 0) {
			perror("kevent_pget_events");
			return 1;
		}
		for (int i = 0; i < count; i++) {
			if (events[i].user_u64 == END) {
				printf("%u ticks\n", ticks);
				return 0;
			}
			/* Expiries that nobody took in time are counted, not queued. */
			ticks += 1 + events[i].ret_data[1];
			printf("tick at %u ms of uptime\n", events[i].ret_data[0]);
		}
	}
}
