// SPDX-License-Identifier: MIT
/* What finding out about an event costs: the whole minus the same traffic without anybody waiting. */
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "count.h"

static struct channel channels[ACTIVE];
/* Nothing ever happens there. */
static struct channel quiet;
/* How many channels are active. */
static uint32_t known;

/* Knows without asking, as active channels come in order; to be subtracted from the others. */
static unsigned int know(uint32_t *tags, unsigned int max, bool block)
{
	static uint32_t next;

	(void)block;
	for (unsigned int i = 0; i < max; i++)
		tags[i] = next++ % known;
	return max;
}

static const struct consumer no_consumer = { .name = "bare", .take = know };

/* `waiting` events at a time until each active channel has had one; all taken and read. */
static uint64_t one_round(const struct consumer *consumer, enum kind kind, unsigned int active,
			  unsigned int waiting)
{
	uint64_t start = now();

	for (unsigned int turn = 0; turn < ACTIVE; turn += waiting) {
		unsigned int first = turn % active;
		unsigned int taken = 0;
		uint32_t tags[ACTIVE];

		for (unsigned int i = 0; i < waiting; i++)
			put(channels[first + i].feed, kind);
		while (taken < waiting) {
			unsigned int count = consumer->take(tags + taken, waiting - taken, false);

			MUST(count > 0);
			taken += count;
		}
		for (unsigned int i = 0; i < waiting; i++)
			get(channels[tags[i]].in, kind);
	}
	return now() - start;
}

static double per_event(const struct consumer *consumer, enum kind kind, unsigned int active,
			unsigned int waiting)
{
	uint64_t rounds[ROUNDS];

	for (unsigned int i = 0; i < ROUNDS; i++)
		rounds[i] = one_round(consumer, kind, active, waiting);
	return (double)median(rounds, ROUNDS) / ACTIVE;
}

/* The bar of edge-triggered events taken one by one from a mapped ring; else epoll is the bar. */
static double bar_of(const struct consumer *consumer, enum kind kind, unsigned int waiting)
{
	if (strcmp(consumer->name, "mapped") || !consumer->edge || waiting > 1)
		return 1.0;
	return kind <= TCP ? 0.30 : 0.60;
}

static void count_rows(const struct consumer *rows, unsigned int count, double epoll[2],
		       enum kind kind, unsigned int registered, unsigned int waiting)
{
	unsigned int active = registered < ACTIVE ? registered : ACTIVE;
	double bare;
	int idle[1000];

	/* The close watch of the rows before outlives them by a second, and makes I/O dearer. */
	sleep(2);
	known = active;
	bare = per_event(&no_consumer, kind, active, waiting);
	for (unsigned int row = 0; row < count; row++) {
		const struct consumer *consumer = &rows[row];
		double cost;

		consumer->open(consumer);
		for (unsigned int i = 0; i < active; i++)
			consumer->add(consumer, kind, channels[i].in, i);
		for (unsigned int i = active; i < registered; i++) {
			idle[i] = dup(quiet.in);
			MUST(idle[i] >= 0);
			consumer->add(consumer, kind, idle[i], i);
		}
		cost = per_event(consumer, kind, active, waiting) - bare;
		consumer->close();
		for (unsigned int i = active; i < registered; i++)
			close(idle[i]);
		if (!consumer->rival)
			epoll[consumer->edge] = cost;
		print_row("dispatch", kind_names[kind], consumer->name,
			  consumer->edge ? "et" : "lt", registered, waiting, cost,
			  consumer->rival ? epoll[consumer->edge] : 0, bar_of(consumer, kind, waiting));
	}
}

void count_dispatch(enum kind kind)
{
	double epoll[2];

	for (unsigned int i = 0; i < ACTIVE; i++)
		channel_open(&channels[i], kind);
	channel_open(&quiet, kind);
	count_rows(consumers, consumer_count, epoll, kind, 1, 1);
	count_rows(consumers, consumer_count, epoll, kind, 1000, 1);
	count_rows(consumers, consumer_count, epoll, kind, 1000, ACTIVE);
	count_rows(full_consumers, 2, epoll, kind, 1000, ACTIVE);
	for (unsigned int i = 0; i < ACTIVE; i++)
		channel_close(&channels[i]);
	channel_close(&quiet);
}

struct peer {
	const struct channel *channel;
	enum kind kind;
	unsigned int rounds;
	uint64_t cost[ROUNDS];
};

/* Asks and waits for the answer, in its own thread on the same processor. */
static void *ask(void *argument)
{
	struct peer *peer = argument;

	for (unsigned int round = 0; round < peer->rounds; round++) {
		uint64_t start = now();

		for (unsigned int i = 0; i < ACTIVE; i++) {
			put(peer->channel->feed, peer->kind);
			get(peer->channel->answer, peer->kind);
		}
		peer->cost[round] = now() - start;
	}
	return NULL;
}

/* Answers each question after waiting for it; without a consumer, by a read that blocks. */
static double per_answer(const struct consumer *consumer, const struct channel *channel,
			 enum kind kind)
{
	struct peer peer = { .channel = channel, .kind = kind, .rounds = ROUNDS };
	pthread_t thread;

	MUST(pthread_create(&thread, NULL, ask, &peer) == 0);
	for (unsigned int i = 0; i < ROUNDS * ACTIVE; i++) {
		uint32_t tag;

		if (consumer)
			MUST(consumer->take(&tag, 1, true) == 1);
		get(channel->in, kind);
		put(channel->back, kind);
	}
	MUST(pthread_join(thread, NULL) == 0);
	return (double)median(peer.cost, ROUNDS) / ACTIVE;
}

void count_blocked(enum kind kind)
{
	struct channel channel;
	double epoll[2];
	double bare;

	channel_open(&channel, kind);
	sleep(2);
	bare = per_answer(NULL, &channel, kind);
	for (unsigned int row = 0; row < consumer_count; row++) {
		const struct consumer *consumer = &consumers[row];
		double cost;

		consumer->open(consumer);
		consumer->add(consumer, kind, channel.in, 0);
		cost = per_answer(consumer, &channel, kind) - bare;
		consumer->close();
		if (!consumer->rival)
			epoll[consumer->edge] = cost;
		print_row("blocked", kind_names[kind], consumer->name,
			  consumer->edge ? "et" : "lt", 1, 1, cost,
			  consumer->rival ? epoll[consumer->edge] : 0, 1.0);
	}
	channel_close(&channel);
}
