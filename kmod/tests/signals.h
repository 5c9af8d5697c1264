/* SPDX-License-Identifier: MIT */
/* Requests of the type SIGNAL. */
#ifndef SIGNALS_H
#define SIGNALS_H

#include "queue.h"

/* Registers for a signal of this process, without and with NOMASK. */
struct ukevent watch_signal(int queue, int number);
struct ukevent mute_signal(int queue, int number);

/* sigqueue() to this process. */
void send_value(int number, int value);

/* The next event is for `entry` and carries these. */
void told(int queue, struct ukevent entry, int code, int value);

#endif
