// SPDX-License-Identifier: MIT
/*
 * usage: count [json] [dispatch|blocked|registration|memory]…
 *
 * Prints the rows of the parts named, of all when none is, as a table or as a JSON object a line.
 */
#include <string.h>
#include <sys/resource.h>
#include <x86intrin.h>

#include "count.h"

static bool as_json;

uint64_t now(void)
{
	return __rdtsc();
}

static int compare(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

uint64_t median(uint64_t *values, unsigned int count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

void print_row(const char *part, const char *what, const char *consumer, const char *mode,
	       unsigned int registered, unsigned int waiting, double value, double against,
	       double bar)
{
	double ratio = against > 0 ? value / against : 0;

	if (as_json) {
		printf("{\"part\": \"%s\", \"source\": \"%s\", \"consumer\": \"%s\", "
		       "\"mode\": \"%s\", \"registered\": %u, \"batch\": %u, \"value\": %.1f",
		       part, what, consumer, mode, registered, waiting, value);
		if (against > 0)
			printf(", \"ratio\": %.4f, \"bar\": %.2f", ratio, bar);
		printf("}\n");
		return;
	}
	printf("%-10s  %-10s  %-6s  %s  %6u  %3u  %7.0f", part, what, consumer, mode, registered,
	       waiting, value);
	if (against > 0)
		printf("  %5.2f%s", ratio, ratio > bar ? "  above the bar" : "");
	printf("\n");
}

static bool wanted(int argc, char **argv, const char *part)
{
	bool any = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], part))
			return true;
		any = any || strcmp(argv[i], "json") != 0;
	}
	return !any;
}

int main(int argc, char **argv)
{
	struct rlimit files = { 200000, 200000 };

	MUST(setrlimit(RLIMIT_NOFILE, &files) == 0);
	for (int i = 1; i < argc; i++)
		as_json = as_json || !strcmp(argv[i], "json");
	if (!as_json)
		printf("%-10s  %-10s  %-6s  %s  %6s  %3s  %7s  %5s\n", "part", "source", "by", "  ",
		       "watched", "at once", "cost", "ratio");
	for (enum kind kind = 0; kind < KINDS; kind++) {
		if (wanted(argc, argv, "dispatch"))
			count_dispatch(kind);
		if (wanted(argc, argv, "blocked"))
			count_blocked(kind);
	}
	if (wanted(argc, argv, "registration"))
		count_registration();
	if (wanted(argc, argv, "memory"))
		count_memory();
	return 0;
}
