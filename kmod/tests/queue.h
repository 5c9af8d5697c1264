/* SPDX-License-Identifier: MIT */
/* What most test programs do with a queue, each step checked. */
#ifndef QUEUE_H
#define QUEUE_H

#include <kevent.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

#include "ktest.h"

/* What an event that must come is given; an emulated machine is slow. */
#define SOON_MS (10000 * (int)ktest_slowness())

/* Memory for a ring of 2006, all zero; to be freed. */
struct kevent_ring *ring_memory(unsigned int size);

/* Fixture: a queue without a ring. */
struct queue {
	int fd;
};

void queue_setup(struct queue *self);
void queue_teardown(struct queue *self);

struct timespec after_ms(long milliseconds);

/* A request whose user word is unlike that of any request made before by this process. */
struct ukevent request(unsigned int type, unsigned int id, unsigned int event, unsigned int flags);

/* Registers one request that must not be ready at once; returns it as it was passed. */
struct ukevent add(int queue, unsigned int type, unsigned int id, unsigned int event,
		   unsigned int flags);

/* ADD of one request: what the call returned; `entry` is overwritten by the answer. */
int add_entry(int queue, struct ukevent *entry);

/* The errno an ADD of one request was refused with (from ret_data[1]); 0 when it was not. */
int add_refusal(int queue, struct ukevent entry);

int remove_entry(int queue, struct ukevent entry);

/* MODIFY to another mask and other flags; the answer's ret_flags. */
unsigned int modify(int queue, struct ukevent entry, unsigned int event, unsigned int flags);

/* READY for one registered request; must mark it. */
void fire(int queue, struct ukevent entry);

/* Takes up to `max` events, waiting at most `milliseconds` for the first. Fails on errors. */
unsigned int take(int queue, struct ukevent *events, unsigned int max, long milliseconds);

/* The one event that must come soon; fails when there are none or more than one. */
struct ukevent take_one(int queue);

/* Fails when an event is there now. */
void take_none(int queue);

/* Fails unless `event` was delivered for `wanted`: same type, id and user word. */
#define CHECK_SAME(event, wanted) check_same(__FILE__, __LINE__, event, wanted)
void check_same(const char *file, int line, struct ukevent event, struct ukevent wanted);

/* Whether poll() sees the descriptor readable now, or within the time. */
bool readable(int fd, int milliseconds);

/* The counter of that name in the queue's fdinfo; fails when there is none. */
long queue_counter(int queue, const char *name);

/* Connected, non-blocking pairs; [0] is the end that tests watch. */
void unix_pair(int type, int pair[2]);
void tcp_pair(int pair[2]);
void udp_pair(int pair[2]);
void pipe_pair(int pair[2]);

/* A non-blocking TCP socket listening on loopback, and a blocking client's connect to it. */
int tcp_listener(void);
int tcp_connect(int listener);

void put_byte(int fd);
unsigned int drain(int fd);

/* Writes until the descriptor takes no more. */
void fill(int fd);

/* Monotonic clock in milliseconds. */
int64_t now_ms(void);

#endif
