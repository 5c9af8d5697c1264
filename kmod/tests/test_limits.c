// SPDX-License-Identifier: MIT
/* What one user may take, and what a user without privileges may do at all. */
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "queue.h"

#define WATCHES "/sys/module/kevent/parameters/max_user_watches"
#define SOMEBODY 12345

static void need_root(void)
{
	if (geteuid() != 0)
		SKIP("not root");
}

static void drop_privileges(unsigned int uid)
{
	CHECK_EQ(setgroups(0, NULL), 0);
	CHECK_EQ(setresgid(uid, uid, uid), 0);
	CHECK_EQ(setresuid(uid, uid, uid), 0);
}

static mode_t device_mode(void)
{
	struct stat status;

	CHECK_EQ(stat(KEVENT_DEVICE, &status), 0);
	return status.st_mode & 0777;
}

static unsigned long set_watches(unsigned long count)
{
	unsigned long before = 0;
	FILE *file = fopen(WATCHES, "r+");

	if (!file)
		SKIP("no %s: %s", WATCHES, strerror(errno));
	CHECK_EQ(fscanf(file, "%lu", &before), 1);
	rewind(file);
	CHECK_GT(fprintf(file, "%lu", count), 0);
	CHECK_EQ(fclose(file), 0);
	return before;
}

/*
 * Runs a child as somebody with the device open to all and, unless 0, so many watches allowed. What
 * becomes of the child, the machine is afterwards as it was.
 */
static void with_watches(unsigned long watches, unsigned int uid, void (*what)(void))
{
	mode_t mode = device_mode();
	unsigned long before = 0;
	int status = 0;
	pid_t child;

	need_root();
	if (watches)
		before = set_watches(watches);
	CHECK_EQ(chmod(KEVENT_DEVICE, 0666), 0);
	child = fork();
	if (child == 0) {
		if (uid)
			drop_privileges(uid);
		what();
		_exit(0);
	}
	waitpid(child, &status, 0);
	chmod(KEVENT_DEVICE, mode);
	if (watches)
		set_watches(before);
	/* What failed has said so. */
	CHECK_EQ(status, 0);
}

static void as_somebody(void (*what)(void))
{
	with_watches(0, SOMEBODY, what);
}

CASE(the_device_is_for_root_alone_unless_the_administrator_says_otherwise)
{
	pid_t child;

	need_root();
	CHECK_EQ(device_mode() & 0077, 0);
	child = fork();
	if (child == 0) {
		drop_privileges(SOMEBODY);
		CHECK_ERRNO(kevent_init(NULL, 0, 0), EACCES);
		_exit(0);
	}
	JOIN(child);
}

static void use_queue(void)
{
	int queue = kevent_init(NULL, 0, 0), pair[2];
	struct ukevent entry, mine;
	struct kevent_mapped map;

	CHECK_GE(queue, 0);
	unix_pair(SOCK_STREAM, pair);
	entry = add(queue, KEVENT_SOCKET, (unsigned int)pair[0], KEVENT_SOCKET_RECV,
		    KEVENT_REQ_ONESHOT);
	put_byte(pair[1]);
	CHECK_SAME(take_one(queue), entry);
	mine = add(queue, KEVENT_USER, 1, 1, 0);
	fire(queue, mine);
	CHECK_SAME(take_one(queue), mine);
	CHECK_GE(kevent_mapped_open(&map, 64, 0), 0);
	kevent_mapped_close(&map);
}

CASE(a_user_without_privileges_can_use_everything_once_allowed)
{
	as_somebody(use_queue);
}

static void fill_watches(void)
{
	int queue[2] = { kevent_init(NULL, 0, 0), kevent_init(NULL, 0, 0) };
	struct ukevent entry = { 0 };

	for (unsigned int i = 0; i < 100; i++)
		entry = add(queue[i % 2], KEVENT_USER, i, 1, 0);
	/* It counts the user's, whatever the queue. */
	CHECK_EQ(add_refusal(queue[0], request(KEVENT_USER, 1000, 1, 0)), ENOSPC);
	CHECK_EQ(add_refusal(queue[1], request(KEVENT_USER, 1000, 1, 0)), ENOSPC);
	CHECK_EQ(remove_entry(queue[1], entry), 0);
	CHECK_EQ(add_refusal(queue[0], request(KEVENT_USER, 1000, 1, 0)), 0);
	CHECK_EQ(add_refusal(queue[0], request(KEVENT_USER, 1001, 1, 0)), ENOSPC);
	/* All that a queue holds is given back with it. */
	CHECK_EQ(close(queue[0]), 0);
	for (unsigned int i = 0; i < 50; i++)
		add(queue[1], KEVENT_USER, 2000 + i, 1, 0);
}

CASE(watches_of_one_user_are_limited)
{
	with_watches(100, SOMEBODY, fill_watches);
}

/* Other users are not concerned: this one fills its own share. */
static void fill_while_another_is_full(void)
{
	int queue = kevent_init(NULL, 0, 0);
	pid_t child = fork();

	if (child == 0) {
		drop_privileges(SOMEBODY + 1);
		for (unsigned int i = 0; i < 100; i++)
			add(queue, KEVENT_USER, i, 1, 0);
		_exit(0);
	}
	JOIN(child);
	CHECK_EQ(add_refusal(queue, request(KEVENT_USER, 1000, 1, 0)), ENOSPC);
	child = fork();
	if (child == 0) {
		drop_privileges(SOMEBODY + 1);
		/* The queue counts for who made it, whoever registers. */
		CHECK_EQ(add_refusal(queue, request(KEVENT_USER, 1000, 1, 0)), ENOSPC);
		add(kevent_init(NULL, 0, 0), KEVENT_USER, 1, 1, 0);
		_exit(0);
	}
	JOIN(child);
}

CASE(a_queue_counts_for_the_user_who_made_it)
{
	with_watches(100, 0, fill_while_another_is_full);
}

static void use_up_watches(void)
{
	int queue = kevent_init(NULL, 0, 0);
	int pair[2];

	unix_pair(SOCK_STREAM, pair);
	/* Whatever ends a registration gives its place back: report, handing back, close, refusal. */
	for (int i = 0; i < 200; i++) {
		struct ukevent answer, entry;

		add_refusal(queue, request(KEVENT_SOCKET, 999, 1, 0));
		entry = add(queue, KEVENT_USER, 1, 1, KEVENT_REQ_ONESHOT);
		fire(queue, entry);
		CHECK_SAME(take_one(queue), entry);
		answer = request(KEVENT_POLL, (unsigned int)pair[1], KEVENT_POLL_POLLOUT, 0);
		CHECK_EQ(add_entry(queue, &answer), 1);
		close(pair[0]);
		close(pair[1]);
		unix_pair(SOCK_STREAM, pair);
		entry = add(queue, KEVENT_SOCKET, (unsigned int)pair[0], KEVENT_SOCKET_RECV, 0);
		close(pair[0]);
		CHECK_SAME(take_one(queue), entry);
		pair[0] = dup(0);
	}
}

CASE(ended_registrations_are_not_counted)
{
	with_watches(3, SOMEBODY, use_up_watches);
}

static void map_beyond_limit(void)
{
	struct rlimit limit = { 65536, 65536 };
	struct kevent_mapped map, more[64];
	int opened = 0;

	CHECK_EQ(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	CHECK_EQ(kevent_mapped_open(&map, 4096, 0), -1);
	CHECK(errno == ENOMEM || errno == EPERM);
	/* 64 entries take one page; the limit is sixteen. */
	while (opened < 64 && kevent_mapped_open(&more[opened], 64, 0) >= 0)
		opened++;
	CHECK_LE(opened, 16);
	CHECK_GE(opened, 8);
	kevent_mapped_close(&more[0]);
	/* The memory, and its charge, go when nobody can be writing to it any more. */
	for (int64_t deadline = now_ms() + SOON_MS; kevent_mapped_open(&more[0], 64, 0) < 0;) {
		CHECK_EQ(errno, ENOMEM);
		CHECK_LT(now_ms(), deadline);
		sched_yield();
	}
	CHECK_EQ(kevent_mapped_open(&map, 64, 0), -1);
}

CASE(mapped_memory_of_one_user_is_limited)
{
	as_somebody(map_beyond_limit);
}
