// SPDX-License-Identifier: MIT
/*
 * The table of flags and types: each of the 64 sets of request flags on each type that can be
 * provoked from user space goes through the same steps, and a model of the flags says what must be
 * seen. The model reads the table of flag_table.c, which is also compared with the manual page's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "flag_table.h"
#include "sleeper.h"
#include "source.h"

#define FLAG_SETS 64

struct cell {
	const struct type_row *row;
	unsigned int flags;
};

/* The manual page lies in here, so that it is at hand in a guest. */
extern const char manual_begin[], manual_end[];

__asm__(".section .rodata\n"
	".global manual_begin\nmanual_begin:\n"
	".incbin \"" MANUAL_FILE "\"\n"
	".global manual_end\nmanual_end:\n"
	".previous\n");

CASE(the_manual_page_has_the_table_that_is_tested)
{
	check_manual_table(manual_begin, manual_end);
}

static enum flag_column column_of(const struct type_row *row)
{
	return row->condition ? FLAG_CONDITION : FLAG_OCCURRENCE;
}

/* Is the flag of that row set, and does it mean that on the cell's type? */
static bool has(const struct cell *cell, enum flag_row row, enum flag_meaning meaning)
{
	bool set = row == FLAG_NONE || cell->flags & 1U << (row - 1);

	return set && flag_meaning(row, column_of(cell->row)) == meaning;
}

static bool ends_with_report(const struct cell *cell)
{
	return has(cell, FLAG_ONESHOT, MEANS_ONCE_THEN_GONE);
}

/* Does a report repeat while the condition holds? */
static bool repeats(const struct cell *cell)
{
	return has(cell, FLAG_NONE, MEANS_WHILE_IT_HOLDS) &&
	       !has(cell, FLAG_ET, MEANS_EACH_ACTIVITY) && !ends_with_report(cell);
}

/* Is the source asked before a report? */
static bool asked_before_report(const struct cell *cell)
{
	return has(cell, FLAG_LAST_CHECK, MEANS_LOOKED_AT_BEFORE) || repeats(cell);
}

/* Is a report due although nothing has happened? */
static bool reported_unasked(const struct cell *cell)
{
	return has(cell, FLAG_READY, MEANS_REPORTED) ||
	       (has(cell, FLAG_READY, MEANS_REPORTED_UNLESS_LOOKED_AT) &&
		!asked_before_report(cell));
}

/* One report is there; returns whether the registration still is. */
static bool reported(const struct cell *cell, struct source *self)
{
	struct ukevent event = take_one(self->queue);

	CHECK_SAME(event, self->entry);
	CHECK_EQ(event.ret_flags, KEVENT_RET_DONE);
	CHECK_EQ(event.req_flags, cell->flags);
	if (!ends_with_report(cell))
		return true;
	take_none(self->queue);
	CHECK_EQ(remove_entry(self->queue, self->entry), -1);
	return false;
}

static void quiet_at_add(const struct cell *cell)
{
	struct source self;
	bool there = true;

	start_source(cell->row, &self, cell->flags);
	CHECK_EQ(add_refusal(self.queue, self.entry), 0);
	if (reported_unasked(cell))
		there = reported(cell, &self);
	take_none(self.queue);
	if (!there)
		return;

	cell->row->provoke(&self);
	there = reported(cell, &self);
	if (there && repeats(cell)) {
		reported(cell, &self);
		reported(cell, &self);
	}
	if (there && !repeats(cell))
		take_none(self.queue);
	cell->row->settle(&self);
	take_none(self.queue);
	if (!there)
		return;

	cell->row->provoke(&self);
	cell->row->settle(&self);
	if (!asked_before_report(cell))
		reported(cell, &self);
	take_none(self.queue);
	CHECK_EQ(remove_entry(self.queue, self.entry), 0);
}

static void ready_at_add(const struct cell *cell)
{
	struct source self;
	struct ukevent answer;
	bool queued = has(cell, FLAG_ALWAYS_QUEUE, MEANS_READY_IS_QUEUED) ||
		      cell->flags & KEVENT_REQ_READY;

	if (!cell->row->condition)
		return;
	start_source(cell->row, &self, cell->flags);
	cell->row->provoke(&self);
	answer = self.entry;
	CHECK_EQ(add_entry(self.queue, &answer), queued ? 0 : 1);
	if (!queued) {
		CHECK_SAME(answer, self.entry);
		CHECK_EQ(answer.ret_flags, KEVENT_RET_DONE);
		take_none(self.queue);
		CHECK_EQ(remove_entry(self.queue, self.entry), -1);
		return;
	}
	if (!reported(cell, &self))
		return;
	if (repeats(cell))
		reported(cell, &self);
	else
		take_none(self.queue);
	CHECK_EQ(remove_entry(self.queue, self.entry), 0);
}

static void two_queues(const struct cell *cell)
{
	int other, told;
	struct source self;
	struct ukevent event;

	/* READY reports without an event; that is not what is counted here. */
	if (!cell->row->condition || cell->flags & KEVENT_REQ_READY)
		return;
	start_source(cell->row, &self, cell->flags);
	other = kevent_init(NULL, 0, 0);
	CHECK_EQ(add_refusal(self.queue, self.entry), 0);
	CHECK_EQ(add_refusal(other, self.entry), 0);
	cell->row->provoke(&self);
	told = (int)take(self.queue, &event, 1, 0) + (int)take(other, &event, 1, 0);
	CHECK_EQ(told, has(cell, FLAG_WAKEUP_ALL, MEANS_EVERY_QUEUE_AND_WAITER) ? 2 : 1);
}

static void run_cell(const void *argument)
{
	const struct cell *cell = argument;

	quiet_at_add(cell);
	ready_at_add(cell);
	two_queues(cell);
}

/* Two wait for the one event: both wake, and one of them goes back to sleep. */
static void run_waiters(const void *argument)
{
	const struct type_row *row = argument;
	struct sleeper sleepers[2] = { { .min = 1, .max = 1 }, { .min = 1, .max = 1 } };
	struct source self;
	long before[2];

	CHECK(flag_meaning(FLAG_WAKEUP_ALL, column_of(row)) == MEANS_EVERY_QUEUE_AND_WAITER ||
	      flag_meaning(FLAG_WAKEUP_ALL, column_of(row)) == MEANS_EVERY_WAITER_OF_THE_QUEUE);
	start_source(row, &self, KEVENT_REQ_WAKEUP_ALL | KEVENT_REQ_ET);
	CHECK_EQ(add_refusal(self.queue, self.entry), 0);
	for (int i = 0; i < 2; i++)
		sleeper_start(&sleepers[i], self.queue);
	for (int i = 0; i < 2; i++)
		before[i] = sleeper_sleeps(sleepers[i].tid);
	row->provoke(&self);
	sleepers_woke(sleepers, before, 2);
	CHECK_EQ(kevent_ctl(self.queue, KEVENT_CTL_READY, 0, NULL), 0);
	CHECK_EQ(sleeper_finish(&sleepers[0]) + sleeper_finish(&sleepers[1]), 1);
}

static void run_unknown_flag(const void *argument)
{
	struct cell cell = { .row = argument };
	struct source self;

	for (unsigned int bit = 0x40; bit; bit <<= 1) {
		start_source(cell.row, &self, 0);
		self.entry.req_flags = bit;
		CHECK_EQ(add_refusal(self.queue, self.entry), EINVAL);
		self.entry.req_flags = 0;
		CHECK_EQ(add_refusal(self.queue, self.entry), 0);
		self.entry.req_flags = bit;
		CHECK_LE(kevent_ctl(self.queue, KEVENT_CTL_MODIFY, 1, &self.entry), 1);
		CHECK(!(self.entry.ret_flags & KEVENT_RET_DONE) ||
		      self.entry.ret_flags & KEVENT_RET_BROKEN);
		close(self.queue);
	}
}

static void name_of(unsigned int flags, char *text, size_t size)
{
	static const char *const names[] = { "ONESHOT",	   "WAKEUP_ALL",   "ET",
					     "LAST_CHECK", "ALWAYS_QUEUE", "READY" };

	text[0] = '\0';
	for (int i = 0; i < 6; i++) {
		if (!(flags & 1U << i))
			continue;
		strncat(text, text[0] ? "|" : "", size - strlen(text) - 1);
		strncat(text, names[i], size - strlen(text) - 1);
	}
	if (!flags)
		strncat(text, "none", size - 1);
}

KTEST_TABLE(register_cells)
{
	static struct cell cells[TYPE_ROWS][FLAG_SETS];

	for (size_t i = 0; i < TYPE_ROWS; i++) {
		for (unsigned int flags = 0; flags < FLAG_SETS; flags++) {
			char what[96];

			name_of(flags, what, sizeof(what));
			cells[i][flags] = (struct cell){ &type_rows[i], flags };
			ktest_register_cell(type_rows[i].name, what, run_cell, &cells[i][flags],
					    KTEST_SECONDS);
		}
		ktest_register_cell(type_rows[i].name, "every waiter wakes", run_waiters,
				    &type_rows[i], KTEST_SECONDS);
		ktest_register_cell(type_rows[i].name, "unknown flags", run_unknown_flag, &type_rows[i],
				    KTEST_SECONDS);
	}
}
