/* SPDX-License-Identifier: MIT */
/*
 * A small test framework for programs that exercise the module from user space.
 *
 * A case is named for the rule it pins and runs in a process of its own, so that it may close, limit,
 * drop or crash what it likes. Its first failing check ends it, from whichever thread. A watchdog in
 * the parent kills a case, and what it forked, after its time; a case that cannot be killed is
 * reported and left behind.
 *
 *	struct queue { int fd; };
 *	static void queue_setup(struct queue *self) { self->fd = kevent_init(...); }
 *	static void queue_teardown(struct queue *self) { close(self->fd); }
 *
 *	CASE_ON(queue, a_kick_wakes_a_sleeper) { CHECK_EQ(kick(self->fd), 0); }
 *	CASE(an_unknown_command_is_refused) { CHECK_ERRNO(call(99), EINVAL); }
 *
 * Each program links ktest.c, which holds main(): it prints a line a case and closes with
 * "N passed, N failed, N skipped". Arguments select cases by a part of their names; those of the
 * form name=number are settings a program may ask for, of which all know seconds, the limit of every
 * case; -l lists the cases.
 */
#ifndef KTEST_H
#define KTEST_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Seconds a case may take unless it says otherwise; generous, since guests may be emulated. */
#define KTEST_SECONDS 30

struct ktest_case {
	const char *name;
	void (*run)(const void *argument);
	const void *argument;
	unsigned int seconds;
	struct ktest_case *next;
};

/* Appends a case; for tables, from a KTEST_TABLE function. The case must outlive main(). */
void ktest_register(struct ktest_case *test);

/* Appends a copy named "prefix what"; ends the program when memory is short. */
void ktest_register_cell(const char *prefix, const char *what, void (*run)(const void *argument),
			 const void *argument, unsigned int seconds);

/* Ends the case as failed; the message begins with file and line. Callable from any thread. */
void ktest_fail(const char *file, int line, const char *format, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

/* Ends the case as skipped. */
void ktest_skip(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Prints a line that belongs to the running case. */
void ktest_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The setting of that name, or what it is when nobody sets it. */
unsigned long ktest_setting(const char *name, unsigned long otherwise);

/*
 * How many times slower than usual this machine is, by KEVENT_TEST_SLOWNESS in the environment; cases
 * are given so many times their seconds.
 */
unsigned int ktest_slowness(void);

/* Fails unless `pid` ends with status 0; a forked helper that failed has said why. */
void ktest_join(const char *file, int line, int pid);

#define KTEST_CONSTRUCTOR __attribute__((constructor))

#define CASE_WITHIN(rule, limit)                                                                   \
	static void rule(void);                                                                    \
	static void rule##_run(const void *argument)                                               \
	{                                                                                          \
		(void)argument;                                                                    \
		rule();                                                                            \
	}                                                                                          \
	static KTEST_CONSTRUCTOR void rule##_register(void)                                        \
	{                                                                                          \
		static struct ktest_case test = { #rule, rule##_run, NULL, limit, NULL };          \
		ktest_register(&test);                                                             \
	}                                                                                          \
	static void rule(void)

#define CASE(rule) CASE_WITHIN(rule, KTEST_SECONDS)

/* The case gets a zeroed struct fixture, between fixture_setup() and fixture_teardown(). */
#define CASE_ON_WITHIN(fixture, rule, limit)                                                       \
	static void rule(struct fixture *self);                                                    \
	static void rule##_run(const void *argument)                                               \
	{                                                                                          \
		struct fixture self;                                                               \
		(void)argument;                                                                    \
		memset(&self, 0, sizeof(self));                                                    \
		fixture##_setup(&self);                                                            \
		rule(&self);                                                                       \
		fixture##_teardown(&self);                                                         \
	}                                                                                          \
	static KTEST_CONSTRUCTOR void rule##_register(void)                                        \
	{                                                                                          \
		static struct ktest_case test = { #rule, rule##_run, NULL, limit, NULL };          \
		ktest_register(&test);                                                             \
	}                                                                                          \
	static void rule(struct fixture *self)

#define CASE_ON(fixture, rule) CASE_ON_WITHIN(fixture, rule, KTEST_SECONDS)

/* A function that registers cells before main(). */
#define KTEST_TABLE(name) static KTEST_CONSTRUCTOR void name(void)

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			ktest_fail(__FILE__, __LINE__, "not true: %s", #condition);                \
	} while (0)

#define CHECK_COMPARE_(left, op, right)                                                            \
	do {                                                                                       \
		long long left_ = (long long)(left);                                               \
		int errno_ = errno;                                                                \
		long long right_ = (long long)(right);                                             \
		if (!(left_ op right_))                                                            \
			ktest_fail(__FILE__, __LINE__, "%s " #op " %s: %lld and %lld%s%s", #left,  \
				   #right, left_, right_, left_ == -1 ? ": " : "",                 \
				   left_ == -1 ? strerror(errno_) : "");                           \
	} while (0)

#define CHECK_EQ(left, right) CHECK_COMPARE_(left, ==, right)
#define CHECK_NE(left, right) CHECK_COMPARE_(left, !=, right)
#define CHECK_LT(left, right) CHECK_COMPARE_(left, <, right)
#define CHECK_LE(left, right) CHECK_COMPARE_(left, <=, right)
#define CHECK_GT(left, right) CHECK_COMPARE_(left, >, right)
#define CHECK_GE(left, right) CHECK_COMPARE_(left, >=, right)

/* The call returns -1 and sets errno to `wanted`. */
#define CHECK_ERRNO(call, wanted)                                                                  \
	do {                                                                                       \
		errno = 0;                                                                         \
		long long result_ = (long long)(call);                                             \
		int errno_ = errno;                                                                \
		if (result_ != -1)                                                                 \
			ktest_fail(__FILE__, __LINE__, "%s returned %lld instead of failing",      \
				   #call, result_);                                                \
		if (errno_ != (wanted))                                                            \
			ktest_fail(__FILE__, __LINE__, "%s: %s, wanted " #wanted, #call,           \
				   strerror(errno_));                                              \
	} while (0)

#define SKIP(...) ktest_skip(__VA_ARGS__)
#define JOIN(pid) ktest_join(__FILE__, __LINE__, pid)

#endif
