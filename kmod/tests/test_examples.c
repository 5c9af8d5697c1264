// SPDX-License-Identifier: MIT
/* The examples do what they say. Each is linked in here under another name for its main(). */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ktest.h"

int timer_main(int argc, char **argv);
int ring_main(int argc, char **argv);

/* Runs an example in a child; what it printed. It must leave with status 0. */
static void run(int (*example)(int, char **), char **argv, char *output, size_t size)
{
	int out[2], argc = 0, status;
	size_t used = 0;
	ssize_t count;
	pid_t child;

	while (argv[argc])
		argc++;
	CHECK_EQ(pipe(out), 0);
	child = fork();
	if (child == 0) {
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		close(out[1]);
		exit(example(argc, argv));
	}
	close(out[1]);
	while ((count = read(out[0], output + used, size - 1 - used)) > 0)
		used += (size_t)count;
	output[used] = '\0';
	CHECK_EQ(waitpid(child, &status, 0), child);
	if (status != 0)
		ktest_fail(__FILE__, __LINE__, "status %x: %s", status, output);
}

CASE(the_timer_example_counts_its_ticks)
{
	char *argv[] = { "timer", "100", "5", NULL };
	unsigned int ticks = 0;
	char output[2048];
	char *last;

	run(timer_main, argv, output, sizeof(output));
	last = strstr(output, " ticks\n");
	CHECK(last);
	while (last > output && last[-1] != '\n')
		last--;
	CHECK_EQ(sscanf(last, "%u ticks", &ticks), 1);
	/* The end may come late, so that one more fits in. */
	CHECK_GE(ticks, 5);
}

CASE(the_ring_example_reads_every_line)
{
	char *argv[] = { "ring", "8", "200", NULL };
	unsigned long bytes = 0, events = 0, waits = 0;
	char output[2048];

	run(ring_main, argv, output, sizeof(output));
	CHECK_EQ(sscanf(output, "%lu bytes, %lu events, %lu waits", &bytes, &events, &waits), 3);
	CHECK_EQ(bytes, 7 * 8 * 200);
	CHECK_GE(events, 8);
	ktest_note("%lu events, %lu waits", events, waits);
}
