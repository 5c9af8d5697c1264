// SPDX-License-Identifier: MIT
/* SIGNAL: signals sent to this process, with and without what they do otherwise. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "signals.h"

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

CASE_ON(queue, a_handled_signal_runs_its_handler_and_is_an_event)
{
	struct ukevent entry;

	handle(SIGUSR1);
	entry = watch_signal(self->fd, SIGUSR1);
	take_none(self->fd);
	kill(getpid(), SIGUSR1);
	CHECK_EQ(handled, 1);
	told(self->fd, entry, SI_USER, getpid());
	take_none(self->fd);
}

CASE_ON(queue, an_ignored_signal_is_no_event_without_nomask)
{
	watch_signal(self->fd, SIGUSR1);
	watch_signal(self->fd, SIGCHLD);
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
	entry = mute_signal(self->fd, SIGUSR1);
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
	struct ukevent entry = mute_signal(self->fd, SIGTERM);

	kill(getpid(), SIGTERM);
	told(self->fd, entry, SI_USER, getpid());
}

CASE_ON(queue, a_muted_sigchld_leaves_the_child_to_be_waited_for)
{
	struct ukevent entry = mute_signal(self->fd, SIGCHLD);
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
	entry = mute_signal(self->fd, SIGUSR1);
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
	one = mute_signal(self->fd, SIGUSR1);
	two = mute_signal(other, SIGUSR1);
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
	struct ukevent entry = mute_signal(self->fd, SIGUSR1);

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
	entry = watch_signal(self->fd, SIGUSR1);
	kill(getpid(), SIGUSR1);
	syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1);
	send_value(SIGUSR1, 5);
	CHECK_EQ(handled, 3);
	told(self->fd, entry, SI_QUEUE, 5);
	take_none(self->fd);
}

CASE_ON(queue, a_blocked_signal_is_an_event_and_dropped_from_pending_at_removal)
{
	struct ukevent entry;
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	entry = mute_signal(self->fd, SIGTERM);
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
	struct ukevent entry = mute_signal(self->fd, SIGUSR1);
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, tell_yourself, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	told(self->fd, entry, SI_TKILL, getpid());
}

CASE_ON(queue, a_child_has_its_own_signals)
{
	struct ukevent entry;
	pid_t child;

	handle(SIGUSR1);
	entry = watch_signal(self->fd, SIGUSR1);
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
		mute_signal(self->fd, SIGUSR1);
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
	entry = mute_signal(self->fd, SIGUSR1);
	child = fork();
	if (child == 0) {
		CHECK_EQ(remove_entry(self->fd, entry), 0);
		/* Its own disposition, inherited, is nobody's to change. */
		CHECK(handler_of(SIGUSR1) == SIG_IGN);
		_exit(0);
	}
	JOIN(child);
	CHECK(handler_of(SIGUSR1) == SIG_IGN);
	entry = mute_signal(self->fd, SIGUSR1);
	CHECK_EQ(remove_entry(self->fd, entry), 0);
}

CASE_ON(queue, exec_does_not_run_a_handler_of_the_old_program)
{
	pid_t child = fork();

	if (child == 0) {
		struct sigaction action = { .sa_handler = count };

		sigaction(SIGUSR1, &action, NULL);
		mute_signal(self->fd, SIGUSR1);
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
	watch_signal(self->fd, SIGUSR1);
	CHECK_EQ(add_refusal(self->fd, request(KEVENT_SIGNAL, SIGUSR1, KEVENT_MASK_ALL, 0)), EEXIST);
	/* With and without NOMASK are two names. */
	mute_signal(self->fd, SIGUSR1);
}
