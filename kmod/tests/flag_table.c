// SPDX-License-Identifier: MIT
#include "flag_table.h"

#include <stdio.h>
#include <stdlib.h>

#include "ktest.h"

#define TEXT_SIZE 256

static const char *const phrases[] = {
	[MEANS_NO_EFFECT] = "no effect",
	[MEANS_AS_NONE] = "as none",
	[MEANS_AS_ONESHOT] = "as ONESHOT",
	[MEANS_AS_ALWAYS_QUEUE] = "as ALWAYS_QUEUE",
	[MEANS_ALWAYS_SET] = "always set",
	[MEANS_WHILE_IT_HOLDS] = "reported while it holds",
	[MEANS_EACH_OCCURRENCE] = "each occurrence, or merged ones, once",
	[MEANS_ONCE_THEN_GONE] = "once, then gone",
	[MEANS_EACH_ACTIVITY] = "once for each activity",
	[MEANS_EVERY_QUEUE_AND_WAITER] = "every queue and every waiter is told; without it, one "
					 "queue among those that watch the same descriptor",
	[MEANS_EVERY_WAITER_OF_THE_QUEUE] = "every waiter on the queue is woken",
	[MEANS_EVERY_WAITER] = "every waiter is woken",
	[MEANS_LOOKED_AT_BEFORE] = "looked at before the report, and dropped if it does not hold "
				   "any more",
	[MEANS_READY_IS_QUEUED] = "ready at ADD: registered and reported, not handed back",
	[MEANS_NEVER_READY] = "no effect: never ready at ADD",
	[MEANS_OVER_IS_QUEUED] = "a transfer that is over at once is reported, not handed back",
	[MEANS_REPORTED_UNLESS_LOOKED_AT] = "reported once without having been looked at; "
					    "level-triggered or with LAST_CHECK: looked at",
	[MEANS_REPORTED] = "reported once",
};

static const char *const column_heads[FLAG_COLUMNS] = {
	[FLAG_CONDITION] = "SOCKET, PIPE, POLL",
	[FLAG_OCCURRENCE] = "TIMER, SIGNAL, POSIX_TIMER, INODE, USER",
	[FLAG_TRANSFER] = "AIO, NAIO",
};

static const struct {
	const char *name;
	enum flag_meaning means[FLAG_COLUMNS];
} table[FLAG_ROWS] = {
	[FLAG_NONE] = { "none",
			{ MEANS_WHILE_IT_HOLDS, MEANS_EACH_OCCURRENCE, MEANS_AS_ONESHOT } },
	[FLAG_ONESHOT] = { "ONESHOT",
			   { MEANS_ONCE_THEN_GONE, MEANS_ONCE_THEN_GONE, MEANS_ALWAYS_SET } },
	[FLAG_ET] = { "ET", { MEANS_EACH_ACTIVITY, MEANS_AS_NONE, MEANS_NO_EFFECT } },
	[FLAG_WAKEUP_ALL] = { "WAKEUP_ALL",
			      { MEANS_EVERY_QUEUE_AND_WAITER, MEANS_EVERY_WAITER_OF_THE_QUEUE,
				MEANS_EVERY_WAITER } },
	[FLAG_LAST_CHECK] = { "LAST_CHECK",
			      { MEANS_LOOKED_AT_BEFORE, MEANS_NO_EFFECT, MEANS_NO_EFFECT } },
	[FLAG_ALWAYS_QUEUE] = { "ALWAYS_QUEUE",
				{ MEANS_READY_IS_QUEUED, MEANS_NEVER_READY,
				  MEANS_OVER_IS_QUEUED } },
	[FLAG_READY] = { "READY",
			 { MEANS_REPORTED_UNLESS_LOOKED_AT, MEANS_REPORTED,
			   MEANS_AS_ALWAYS_QUEUE } },
};

enum flag_meaning flag_meaning(enum flag_row row, enum flag_column column)
{
	return table[row].means[column];
}

/* Reads the tbl(1) cell at *at into text, and goes on behind what ends it. */
static void read_cell(const char **at, const char *end, char *text)
{
	const char *from = *at, *stop = from;
	size_t length;

	if (end - from > 3 && strncmp(from, "T{\n", 3) == 0) {
		from += 3;
		stop = strstr(from, "\nT}");
		CHECK(stop && stop < end);
		*at = stop + 4;
	} else {
		while (stop < end && *stop != '\t' && *stop != '\n')
			stop++;
		*at = stop + 1;
	}
	length = (size_t)(stop - from);
	CHECK_LT(length, TEXT_SIZE);
	memcpy(text, from, length);
	text[length] = '\0';
}

static int row_of(const char *name)
{
	for (int row = 0; row < FLAG_ROWS; row++)
		if (strcmp(table[row].name, name) == 0)
			return row;
	ktest_fail(__FILE__, __LINE__, "the manual page has a flag %s", name);
}

static void check_text(const char *where, const char *said, const char *meant)
{
	if (strcmp(said, meant) != 0)
		ktest_fail(__FILE__, __LINE__, "%s: the manual page says \"%s\", tested is \"%s\"",
			   where, said, meant);
}

static void check_row(const char **at, const char *end, bool *seen)
{
	char name[TEXT_SIZE], said[TEXT_SIZE];
	int row;

	read_cell(at, end, name);
	row = row_of(name);
	CHECK(!seen[row]);
	seen[row] = true;
	for (int column = 0; column < FLAG_COLUMNS; column++) {
		read_cell(at, end, said);
		check_text(name, said, phrases[table[row].means[column]]);
	}
}

void check_manual_table(const char *begin, const char *end)
{
	char *page = strndup(begin, (size_t)(end - begin)), text[TEXT_SIZE];
	bool seen[FLAG_ROWS] = { false };
	const char *at, *stop;

	CHECK(page);
	at = strstr(page, "\n.TS\n");
	CHECK(at);
	stop = strstr(at, "\n.TE\n");
	CHECK(stop);
	stop++;
	/* What describes the columns ends with a dot. */
	at = strstr(at, ".\n");
	CHECK(at && at < stop);
	at += 2;
	read_cell(&at, stop, text);
	check_text("head", text, "flag");
	for (int column = 0; column < FLAG_COLUMNS; column++) {
		read_cell(&at, stop, text);
		check_text("head", text, column_heads[column]);
	}
	while (at < stop)
		check_row(&at, stop, seen);
	for (int row = 0; row < FLAG_ROWS; row++)
		if (!seen[row])
			ktest_fail(__FILE__, __LINE__, "the manual page says nothing of %s",
				   table[row].name);
	free(page);
}
