// SPDX-License-Identifier: MIT
/* SIGNAL: signals sent to this process, with and without what they do otherwise. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "queue.h"

static volatile sig_atomic_t handled;

static void count(int number)
{
	handled++;
}

static void handle(int number)
{
	struct sigaction action = { .sa_handler = count };

	CHECK_EQ(sigaction(number, &action, NULL), 0);
}

static void (*handler_of(int number))(int)
{
	struct sigaction action;

	CHECK_EQ(sigaction(number, NULL, &action), 0);
	return action.sa_handler;
}

static struct ukevent watch(int queue, int number)
{
	return add(queue, KEVENT_SIGNAL, (unsigned int)number, KEVENT_SIGNAL_DELIVERY, 0);
}

static struct ukevent mute(int queue, int number)
{
	struct ukevent entry =
		request(KEVENT_SIGNAL, (unsigned int)number, KEVENT_SIGNAL_DELIVERY, 0);

	entry.id.raw_u64 |= KEVENT_SIGNAL_NOMASK;
	CHECK_EQ(add_refusal(queue, entry), 0);
	return entry;
}

static void send_value(int number, int value)
{
	CHECK_EQ(sigqueue(getpid(), number, (union sigval){ .sival_int = value }), 0);
}

static void told(int queue, struct ukevent entry, int code, int value)
{
	struct ukevent event;

	CHECK_EQ(take(queue, &event, 1, SOON_MS), 1);
	CHECK_SAME(event, entry);
	CHECK_EQ(event.ret_flags, KEVENT_RET_DONE);
	CHECK_EQ((int)event.ret_data[0], code);
	CHECK_EQ((int)event.ret_data[1], value);
}

CASE_ON(queue, a_handled_signal_runs_its_handler_and_is_an_event)
{
	struct ukevent entry;

	handle(SIGUSR1);
	entry = watch(self->fd, SIGUSR1);
	take_none(self->fd);
	kill(getpid(), SIGUSR1);
	CHECK_EQ(handled, 1);
	told(self->fd, entry, SI_USER, getpid());
	take_none(self->fd);
}

CASE_ON(queue, an_ignored_signal_is_no_event_without_nomask)
{
	watch(self->fd, SIGUSR1);
	watch(self->fd, SIGCHLD);
	signal(SIGUSR1, SIG_IGN);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGCHLD);
	take_none(self->fd);
}

CASE_ON(queue, nomask_makes_the_event_and_nothing_else)
{
	struct timespec nap = { .tv_nsec = 200000000 };
	struct ukevent entry;
	pid_t child;

	handle(SIGUSR1);
	entry = mute(self->fd, SIGUSR1);
	child = fork();
	if (child == 0) {
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	/* A handled signal would cut the sleep short. */
	CHECK_EQ(nanosleep(&nap, NULL), 0);
	CHECK_EQ(handled, 0);
	told(self->fd, entry, SI_USER, child);
	JOIN(child);
}

CASE_ON(queue, nomask_survives_a_deadly_signal)
{
	struct ukevent entry = mute(self->fd, SIGTERM);

	kill(getpid(), SIGTERM);
	told(self->fd, entry, SI_USER, getpid());
}

CASE_ON(queue, a_muted_sigchld_leaves_the_child_to_be_waited_for)
{
	struct ukevent entry = mute(self->fd, SIGCHLD);
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(7);
	told(self->fd, entry, CLD_EXITED, child);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(WEXITSTATUS(status), 7);
}

CASE_ON(queue, removal_puts_the_handler_back)
{
	struct ukevent entry;

	handle(SIGUSR1);
	entry = mute(self->fd, SIGUSR1);
	CHECK(handler_of(SIGUSR1) == SIG_IGN);
	CHECK_EQ(remove_entry(self->fd, entry), 0);
	CHECK(handler_of(SIGUSR1) == count);
	kill(getpid(), SIGUSR1);
	CHECK_EQ(handled, 1);
	take_none(self->fd);
}

CASE_ON(queue, the_last_of_two_holders_puts_the_handler_back)
{
	int other = kevent_init(NULL, 0, 0);
	struct ukevent one, two;

	handle(SIGUSR1);
	one = mute(self->fd, SIGUSR1);
	two = mute(other, SIGUSR1);
	kill(getpid(), SIGUSR1);
	told(self->fd, one, SI_USER, getpid());
	told(other, two, SI_USER, getpid());
	CHECK_EQ(remove_entry(self->fd, one), 0);
	CHECK(handler_of(SIGUSR1) == SIG_IGN);
	CHECK_EQ(close(other), 0);
	CHECK(handler_of(SIGUSR1) == count);
}

CASE_ON(queue, a_handler_set_later_ends_nomask_and_stays)
{
	struct ukevent entry = mute(self->fd, SIGUSR1);

	handle(SIGUSR1);
	kill(getpid(), SIGUSR1);
	CHECK_EQ(handled, 1);
	told(self->fd, entry, SI_USER, getpid());
	CHECK_EQ(remove_entry(self->fd, entry), 0);
	CHECK(handler_of(SIGUSR1) == count);
}

CASE_ON(queue, oneshot_puts_the_handler_back_with_its_report)
{
	struct ukevent entry = request(KEVENT_SIGNAL, SIGUSR1, KEVENT_SIGNAL_DELIVERY,
				       KEVENT_REQ_ONESHOT);

	handle(SIGUSR1);
	entry.id.raw_u64 |= KEVENT_SIGNAL_NOMASK;
	CHECK_EQ(add_refusal(self->fd, entry), 0);
	kill(getpid(), SIGUSR1);
	told(self->fd, entry, SI_USER, getpid());
	CHECK(handler_of(SIGUSR1) == count);
}

CASE_ON(queue, ordinary_signals_coalesce_to_the_latest)
{
	struct ukevent entry;

	handle(SIGUSR1);
	entry = watch(self->fd, SIGUSR1);
	kill(getpid(), SIGUSR1);
	syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1);
	send_value(SIGUSR1, 5);
	CHECK_EQ(handled, 3);
	told(self->fd, entry, SI_QUEUE, 5);
	take_none(self->fd);
}

CASE_ON(queue, real_time_signals_come_one_by_one_in_order)
{
	struct ukevent entry = mute(self->fd, SIGRTMIN);

	for (int i = 0; i < 20; i++)
		send_value(SIGRTMIN, 100 + i);
	for (int i = 0; i < 20; i++)
		told(self->fd, entry, SI_QUEUE, 100 + i);
	take_none(self->fd);
	send_value(SIGRTMIN, 7);
	told(self->fd, entry, SI_QUEUE, 7);
	take_none(self->fd);
}

CASE_ON(queue, a_killed_real_time_signal_has_no_payload)
{
	struct ukevent entry = mute(self->fd, SIGRTMIN);

	kill(getpid(), SIGRTMIN);
	told(self->fd, entry, SI_USER, 0);
}

CASE_ON(queue, real_time_signals_beyond_the_limit_are_merged_and_marked)
{
	struct rlimit limit = { .rlim_cur = 4, .rlim_max = 4 };
	struct ukevent entry = mute(self->fd, SIGRTMIN), event;

	CHECK_EQ(setrlimit(RLIMIT_SIGPENDING, &limit), 0);
	for (int i = 0; i < 9; i++)
		send_value(SIGRTMIN, i);
	for (int i = 0; i < 3; i++)
		told(self->fd, entry, SI_QUEUE, i);
	CHECK_EQ(take(self->fd, &event, 1, SOON_MS), 1);
	CHECK_EQ(event.ret_flags, KEVENT_RET_DONE | KEVENT_RET_COPY_FAILED);
	CHECK_EQ(event.ret_data[1], 3);
	take_none(self->fd);
	send_value(SIGRTMIN, 50);
	told(self->fd, entry, SI_QUEUE, 50);
}

CASE_ON(queue, modify_keeps_signals_that_wait)
{
	struct ukevent entry = mute(self->fd, SIGRTMIN);

	send_value(SIGRTMIN, 1);
	send_value(SIGRTMIN, 2);
	CHECK_EQ(modify(self->fd, entry, KEVENT_SIGNAL_DELIVERY, KEVENT_REQ_ET), KEVENT_RET_DONE);
	told(self->fd, entry, SI_QUEUE, 1);
	told(self->fd, entry, SI_QUEUE, 2);
	take_none(self->fd);
	CHECK(modify(self->fd, entry, 2, 0) & KEVENT_RET_BROKEN);
}

CASE_ON(queue, removing_drops_signals_that_wait)
{
	struct ukevent entry = mute(self->fd, SIGRTMIN);

	send_value(SIGRTMIN, 1);
	send_value(SIGRTMIN, 2);
	CHECK_EQ(remove_entry(self->fd, entry), 0);
	take_none(self->fd);
	entry = mute(self->fd, SIGRTMIN);
	take_none(self->fd);
	send_value(SIGRTMIN, 3);
	told(self->fd, entry, SI_QUEUE, 3);
}

CASE_ON(queue, a_blocked_signal_is_an_event_and_dropped_from_pending_at_removal)
{
	struct ukevent entry;
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	entry = mute(self->fd, SIGTERM);
	CHECK_EQ(sigprocmask(SIG_BLOCK, &set, &old), 0);
	kill(getpid(), SIGTERM);
	told(self->fd, entry, SI_USER, getpid());
	CHECK_EQ(sigpending(&set), 0);
	CHECK(sigismember(&set, SIGTERM));
	CHECK_EQ(remove_entry(self->fd, entry), 0);
	/* Were it still pending, it would kill now. */
	CHECK_EQ(sigprocmask(SIG_SETMASK, &old, NULL), 0);
}

static void *tell_yourself(void *argument)
{
	syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1);
	return argument;
}

CASE_ON(queue, signals_to_any_thread_of_the_process_are_events)
{
	struct ukevent entry = mute(self->fd, SIGUSR1);
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, tell_yourself, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	told(self->fd, entry, SI_TKILL, getpid());
}

#define SENDERS 4
#define EACH 50

static void *send_many(void *argument)
{
	int first = (int)(intptr_t)argument;

	for (int i = 0; i < EACH; i++)
		send_value(SIGRTMIN + 1, first + i);
	return NULL;
}

CASE_ON(queue, every_real_time_signal_of_many_senders_is_delivered_once)
{
	pthread_t threads[SENDERS];
	unsigned char seen[SENDERS * EACH] = { 0 };
	unsigned int left = SENDERS * EACH;

	mute(self->fd, SIGRTMIN + 1);
	for (int i = 0; i < SENDERS; i++)
		CHECK_EQ(pthread_create(&threads[i], NULL, send_many, (void *)(intptr_t)(i * EACH)),
			 0);
	while (left) {
		struct ukevent events[8];
		unsigned int got = take(self->fd, events, 8, SOON_MS);

		CHECK_NE(got, 0);
		for (unsigned int i = 0; i < got; i++) {
			CHECK_EQ((int)events[i].ret_data[0], SI_QUEUE);
			CHECK_LT(events[i].ret_data[1], SENDERS * EACH);
			CHECK_EQ(seen[events[i].ret_data[1]]++, 0);
		}
		CHECK_LE(got, left);
		left -= got;
	}
	for (int i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	take_none(self->fd);
}

CASE_ON(queue, a_child_has_its_own_signals)
{
	struct ukevent entry;
	pid_t child;

	handle(SIGUSR1);
	entry = watch(self->fd, SIGUSR1);
	child = fork();
	if (child == 0) {
		kill(getpid(), SIGUSR1);
		take_none(self->fd);
		_exit(0);
	}
	JOIN(child);
	take_none(self->fd);
	kill(getpid(), SIGUSR1);
	told(self->fd, entry, SI_USER, getpid());
}

CASE_ON(queue, the_end_of_a_process_breaks_its_signals)
{
	struct ukevent event;
	pid_t child = fork();

	if (child == 0) {
		mute(self->fd, SIGUSR1);
		_exit(0);
	}
	JOIN(child);
	event = take_one(self->fd);
	CHECK_EQ(event.type, KEVENT_SIGNAL);
	CHECK_EQ(event.ret_flags, KEVENT_RET_DONE | KEVENT_RET_BROKEN);
	take_none(self->fd);
	CHECK(handler_of(SIGUSR1) == SIG_DFL);
}

CASE_ON(queue, the_last_close_by_a_child_leaves_the_parents_handlers_alone)
{
	struct ukevent entry;
	pid_t child;

	handle(SIGUSR1);
	entry = mute(self->fd, SIGUSR1);
	child = fork();
	if (child == 0) {
		CHECK_EQ(remove_entry(self->fd, entry), 0);
		/* Its own disposition, inherited, is nobody's to change. */
		CHECK(handler_of(SIGUSR1) == SIG_IGN);
		_exit(0);
	}
	JOIN(child);
	CHECK(handler_of(SIGUSR1) == SIG_IGN);
	entry = mute(self->fd, SIGUSR1);
	CHECK_EQ(remove_entry(self->fd, entry), 0);
}

CASE_ON(queue, exec_does_not_run_a_handler_of_the_old_program)
{
	pid_t child = fork();

	if (child == 0) {
		struct sigaction action = { .sa_handler = count };

		sigaction(SIGUSR1, &action, NULL);
		mute(self->fd, SIGUSR1);
		/* The queue is closed on exec. The signal must be ignored or kill, never jump. */
		execl("/proc/self/exe", "exec", "exec_helper", "signal=1", NULL);
		_exit(9);
	}
	JOIN(child);
}

CASE(exec_helper)
{
	void (*handler)(int) = handler_of(SIGUSR1);

	CHECK(handler == SIG_IGN || handler == SIG_DFL);
}

CASE_ON(queue, what_cannot_be_watched_is_refused)
{
	static const unsigned int numbers[] = { 0, SIGKILL, SIGSTOP, 65, 1000 };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct ukevent entry =
			request(KEVENT_SIGNAL, numbers[i], KEVENT_SIGNAL_DELIVERY, 0);

		CHECK_EQ(add_refusal(self->fd, entry), EINVAL);
		entry.id.raw_u64 |= KEVENT_SIGNAL_NOMASK;
		CHECK_EQ(add_refusal(self->fd, entry), EINVAL);
	}
	CHECK_EQ(add_refusal(self->fd, request(KEVENT_SIGNAL, SIGUSR1, 0, 0)), EINVAL);
	CHECK_EQ(add_refusal(self->fd, request(KEVENT_SIGNAL, SIGUSR1, 3, 0)), EINVAL);
	watch(self->fd, SIGUSR1);
	CHECK_EQ(add_refusal(self->fd, request(KEVENT_SIGNAL, SIGUSR1, KEVENT_MASK_ALL, 0)), EEXIST);
	/* With and without NOMASK are two names. */
	mute(self->fd, SIGUSR1);
}

CASE(a_mapped_ring_gets_every_real_time_signal_without_a_call)
{
	struct kevent_mapped mapped;
	struct ukevent events[8];

	CHECK_GE(kevent_mapped_open(&mapped, 4, 0), 0);
	mute(mapped.fd, SIGRTMIN);
	for (int i = 0; i < 6; i++)
		send_value(SIGRTMIN, i);
	CHECK_EQ(kevent_mapped_take(&mapped, events, 8), 4);
	for (unsigned int i = 0; i < 4; i++)
		CHECK_EQ(events[i].ret_data[1], i);
	/* What did not fit comes with the next calls. */
	for (unsigned int i = 4; i < 6; i++) {
		CHECK(kevent_mapped_flags(&mapped) & KEVENT_MRING_OVERFLOW);
		CHECK_EQ(kevent_commit(mapped.fd, 0, 0), 1);
		CHECK_EQ(kevent_mapped_take(&mapped, events, 8), 1);
		CHECK_EQ(events[0].ret_data[1], i);
	}
	CHECK_EQ(kevent_mapped_flags(&mapped), 0);
	kevent_mapped_close(&mapped);
}
