// SPDX-License-Identifier: MIT
#include "ktest.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STATUS_PASSED = 0, STATUS_FAILED = 1, STATUS_SKIPPED = 77 };

/* How long a killed process is given to disappear. */
#define GRACE_MS 5000

static struct ktest_case *first_case;
static struct ktest_case **last_link = &first_case;
static const char *running = "";
static char **settings;

void ktest_register(struct ktest_case *test)
{
	*last_link = test;
	last_link = &test->next;
}

void ktest_register_cell(const char *prefix, const char *what, void (*run)(const void *argument),
			 const void *argument, unsigned int seconds)
{
	struct ktest_case *test = calloc(1, sizeof(*test));
	char *name = NULL;

	if (!test || asprintf(&name, "%s %s", prefix, what) < 0)
		abort();
	test->name = name;
	test->run = run;
	test->argument = argument;
	test->seconds = seconds;
	ktest_register(test);
}

/* One write a line, so that lines of several processes do not mix. */
static void say(const char *word, const char *where, const char *format, va_list arguments)
{
	char line[1024];
	int used = snprintf(line, sizeof(line), "%s %s: %s", word, running, where);

	used += vsnprintf(line + used, sizeof(line) - (size_t)used - 1, format, arguments);
	if (used > (int)sizeof(line) - 2)
		used = sizeof(line) - 2;
	line[used++] = '\n';
	if (write(STDOUT_FILENO, line, (size_t)used) < 0)
		abort();
}

void ktest_fail(const char *file, int line, const char *format, ...)
{
	char where[128];
	const char *name = strrchr(file, '/');
	va_list arguments;

	snprintf(where, sizeof(where), "%s:%d: ", name ? name + 1 : file, line);
	va_start(arguments, format);
	say("FAIL", where, format, arguments);
	va_end(arguments);
	_exit(STATUS_FAILED);
}

void ktest_skip(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say("SKIP", "", format, arguments);
	va_end(arguments);
	_exit(STATUS_SKIPPED);
}

void ktest_note(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say("note", "", format, arguments);
	va_end(arguments);
}

unsigned long ktest_setting(const char *name, unsigned long otherwise)
{
	size_t length = strlen(name);

	for (char **setting = settings; setting && *setting; setting++)
		if (strncmp(*setting, name, length) == 0 && (*setting)[length] == '=')
			return strtoul(*setting + length + 1, NULL, 0);
	return otherwise;
}

void ktest_join(const char *file, int line, int pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			ktest_fail(file, line, "waitpid: %s", strerror(errno));
	if (WIFSIGNALED(status))
		ktest_fail(file, line, "helper process killed by signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		ktest_fail(file, line, "helper process left with status %d", WEXITSTATUS(status));
}

static bool ended_within(int pidfd, int milliseconds)
{
	struct pollfd watched = { .fd = pidfd, .events = POLLIN };
	int ready;

	do {
		ready = poll(&watched, 1, milliseconds);
	} while (ready < 0 && errno == EINTR);
	return ready == 1;
}

static void complain(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say("FAIL", "", format, arguments);
	va_end(arguments);
}

unsigned int ktest_slowness(void)
{
	const char *said = getenv("KEVENT_TEST_SLOWNESS");
	int times = said ? atoi(said) : 1;

	return times < 1 ? 1 : (unsigned int)times;
}

static int run_case(const struct ktest_case *test)
{
	unsigned int seconds =
		(unsigned int)ktest_setting("seconds", test->seconds) * ktest_slowness();
	int status = 0;
	int pidfd;
	pid_t pid;

	running = test->name;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		test->run(test->argument);
		fflush(stdout);
		_exit(STATUS_PASSED);
	}
	pidfd = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0) {
		complain("cannot start: %s", strerror(errno));
		return STATUS_FAILED;
	}
	setpgid(pid, pid);
	if (!ended_within(pidfd, (int)seconds * 1000)) {
		kill(-pid, SIGKILL);
		complain("killed after %u s%s", seconds,
			 ended_within(pidfd, GRACE_MS) ? "" : ", and will not die");
		waitpid(pid, NULL, WNOHANG);
		close(pidfd);
		return STATUS_FAILED;
	}
	close(pidfd);
	waitpid(pid, &status, 0);
	/* Helpers that outlive their case would disturb the next one. */
	kill(-pid, SIGKILL);
	if (WIFSIGNALED(status)) {
		complain("killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
		return STATUS_FAILED;
	}
	status = WEXITSTATUS(status);
	if (status == STATUS_PASSED)
		printf("ok %s\n", test->name);
	else if (status != STATUS_FAILED && status != STATUS_SKIPPED)
		complain("left with status %d", status);
	return status;
}

static bool selected(const struct ktest_case *test, char **parts)
{
	bool all = true;

	for (; *parts; parts++) {
		if (strchr(*parts, '='))
			continue;
		all = false;
		if (strstr(test->name, *parts))
			return true;
	}
	return all;
}

int main(int argc, char **argv)
{
	unsigned int passed = 0, failed = 0, skipped = 0;
	bool list = argc > 1 && strcmp(argv[1], "-l") == 0;

	settings = argv + 1 + list;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (struct ktest_case *test = first_case; test; test = test->next) {
		if (!selected(test, settings))
			continue;
		if (list) {
			puts(test->name);
			continue;
		}
		switch (run_case(test)) {
		case STATUS_PASSED:
			passed++;
			break;
		case STATUS_SKIPPED:
			skipped++;
			break;
		default:
			failed++;
		}
	}
	if (list)
		return 0;
	if (passed + failed + skipped == 0) {
		puts("FAIL no case has such a name");
		failed++;
	}
	printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
	return failed != 0;
}
