// SPDX-License-Identifier: MIT
/* Which descriptors are queues of ours, and what is watched through each. */
#include <stdlib.h>
#include <string.h>

#include "preload.h"

static struct set *sets[SET_MAX];
static struct set *live;
static struct set *unused;
static pthread_mutex_t sets_lock = PTHREAD_MUTEX_INITIALIZER;

struct set *set_find(int fd)
{
	if (fd < 0 || fd >= SET_MAX)
		return NULL;
	return __atomic_load_n(&sets[fd], __ATOMIC_ACQUIRE);
}

static struct set *new_set(void)
{
	struct set *set = unused;

	if (set) {
		unused = set->next;
		memset(set->watches, 0, (size_t)set->capacity * sizeof(*set->watches));
		set->shared = false;
	} else {
		set = calloc(1, sizeof(*set));
		if (!set)
			return NULL;
		pthread_mutex_init(&set->lock, NULL);
	}
	set->foreign = -1;
	set->refs = 0;
	set->next = live;
	__atomic_store_n(&live, set, __ATOMIC_RELEASE);
	return set;
}

static void drop(struct set *set)
{
	struct set **link = &live;

	if (--set->refs)
		return;
	if (set->foreign >= 0)
		real_calls()->close(set->foreign);
	while (*link != set)
		link = &(*link)->next;
	*link = set->next;
	set->next = unused;
	unused = set;
}

/* sets_lock is held. */
static void enter(int fd, struct set *set)
{
	struct set *before = sets[fd];

	if (set)
		set->refs++;
	__atomic_store_n(&sets[fd], set, __ATOMIC_RELEASE);
	if (before)
		drop(before);
}

bool set_begin(int fd)
{
	struct set *set;

	if (fd < 0 || fd >= SET_MAX)
		return false;
	pthread_mutex_lock(&sets_lock);
	set = new_set();
	if (set)
		enter(fd, set);
	pthread_mutex_unlock(&sets_lock);
	return set;
}

void set_share(int from, int to)
{
	if (!set_find(from) || to < 0 || to >= SET_MAX)
		return;
	pthread_mutex_lock(&sets_lock);
	enter(to, sets[from]);
	pthread_mutex_unlock(&sets_lock);
}

void set_end(int fd)
{
	if (!set_find(fd))
		return;
	pthread_mutex_lock(&sets_lock);
	enter(fd, NULL);
	pthread_mutex_unlock(&sets_lock);
}

void sets_forget(int fd)
{
	/* Most descriptors that are closed are watched nowhere, or in one of few sets. */
	if (fd < 0 || !__atomic_load_n(&live, __ATOMIC_ACQUIRE))
		return;
	pthread_mutex_lock(&sets_lock);
	for (struct set *set = live; set; set = set->next) {
		pthread_mutex_lock(&set->lock);
		if (fd < set->capacity)
			set->watches[fd].state = WATCH_NONE;
		pthread_mutex_unlock(&set->lock);
	}
	pthread_mutex_unlock(&sets_lock);
}

void sets_before_fork(void)
{
	pthread_mutex_lock(&sets_lock);
	for (struct set *set = live; set; set = set->next)
		set->shared = true;
}

void sets_after_fork(void)
{
	pthread_mutex_unlock(&sets_lock);
}

void sets_in_child(void)
{
	/* Threads that held them are not here to let go. */
	pthread_mutex_init(&sets_lock, NULL);
	for (struct set *set = live; set; set = set->next)
		pthread_mutex_init(&set->lock, NULL);
}

bool set_leads_to(int fd, const struct set *target, int depth)
{
	struct set *set = set_find(fd);
	int capacity;

	if (!set)
		return false;
	if (set == target || depth == 0)
		return true;
	pthread_mutex_lock(&set->lock);
	capacity = set->capacity;
	pthread_mutex_unlock(&set->lock);
	for (int next = 0; next < capacity; next++) {
		bool watched;

		if (!set_find(next))
			continue;
		pthread_mutex_lock(&set->lock);
		watched = set->watches[next].state != WATCH_NONE;
		pthread_mutex_unlock(&set->lock);
		if (watched && set_leads_to(next, target, depth - 1))
			return true;
	}
	return false;
}

struct watch *set_watch(struct set *set, int fd)
{
	if (fd >= set->capacity) {
		int capacity = set->capacity ? set->capacity : 64;
		struct watch *watches;

		while (capacity <= fd)
			capacity *= 2;
		watches = realloc(set->watches, (size_t)capacity * sizeof(*watches));
		if (!watches)
			return NULL;
		memset(watches + set->capacity, 0,
		       (size_t)(capacity - set->capacity) * sizeof(*watches));
		set->watches = watches;
		set->capacity = capacity;
	}
	return &set->watches[fd];
}
