/* SPDX-License-Identifier: MIT */
/*
 * Instructions per event, for kevent and epoll doing the same work: run in a guest whose clock counts
 * instructions, so that the time-stamp counter does. Each part prints rows; a step that does not do
 * what it should ends the program.
 */
#ifndef COUNT_H
#define COUNT_H

#include <kevent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Descriptors with traffic, and how often their round is repeated: the median is reported. */
#define ACTIVE 64
#define ROUNDS 9

#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "count: %s:%d: not true: %s (errno %m)\n", __FILE__,       \
				__LINE__, #condition);                                             \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

enum kind { UNIX_DGRAM, TCP, PIPE, EVENTFD, KINDS };

extern const char *const kind_names[KINDS];

/* A two-way channel between the consumer, who waits for `in`, and a peer. */
struct channel {
	int in;		/* the consumer reads */
	int feed;	/* the peer writes what `in` reads */
	int back;	/* the consumer writes the answer */
	int answer;	/* the peer reads it */
};

void channel_open(struct channel *channel, enum kind kind);
void channel_close(const struct channel *channel);

/* A byte, or an eventfd's count, by send and recv where the descriptor is a socket. */
void put(int fd, enum kind kind);
void get(int fd, enum kind kind);

/* A way to wait for events. take() returns how many `tags` it has found, at most `max`. */
struct consumer {
	const char *name;
	const char *rival;	/* the row this one is compared with */
	bool edge;
	void (*open)(const struct consumer *self);
	void (*add)(const struct consumer *self, enum kind kind, int fd, uint32_t tag);
	unsigned int (*take)(uint32_t *tags, unsigned int max, bool block);
	void (*close)(void);
};

extern const struct consumer consumers[];
extern const unsigned int consumer_count;
/* The same with a mapped ring of a quarter of the active descriptors. */
extern const struct consumer full_consumers[2];

/* ADD and REMOVE of each descriptor in batches; what epoll_ctl does one by one. */
void kevent_add_remove(int queue, const int *fds, unsigned int count, unsigned int batch);
void epoll_add_remove(int queue, const int *fds, unsigned int count);

uint64_t now(void);
/* Sorts. */
uint64_t median(uint64_t *values, unsigned int count);

/* One row; `against` is what epoll needs for the same, and bar the most it may be of that. */
void print_row(const char *part, const char *what, const char *consumer, const char *mode,
	       unsigned int registered, unsigned int waiting, double value, double against,
	       double bar);

void count_dispatch(enum kind kind);
void count_blocked(enum kind kind);
void count_registration(void);
void count_memory(void);

#endif
