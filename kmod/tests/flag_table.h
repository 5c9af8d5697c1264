/* SPDX-License-Identifier: MIT */
/* What each request flag does on each kind of type: the table of kevent(7), as data. */
#ifndef FLAG_TABLE_H
#define FLAG_TABLE_H

/* Rows: no flag, and the flags in the order of their bits. */
enum flag_row {
	FLAG_NONE,
	FLAG_ONESHOT,
	FLAG_WAKEUP_ALL,
	FLAG_ET,
	FLAG_LAST_CHECK,
	FLAG_ALWAYS_QUEUE,
	FLAG_READY,
	FLAG_ROWS,
};

enum flag_column {
	FLAG_CONDITION,		/* SOCKET, PIPE, POLL */
	FLAG_OCCURRENCE,	/* TIMER, SIGNAL, POSIX_TIMER, INODE, USER */
	FLAG_TRANSFER,		/* AIO, NAIO */
	FLAG_COLUMNS,
};

enum flag_meaning {
	MEANS_NO_EFFECT,
	MEANS_AS_NONE,
	MEANS_AS_ONESHOT,
	MEANS_AS_ALWAYS_QUEUE,
	MEANS_ALWAYS_SET,
	MEANS_WHILE_IT_HOLDS,
	MEANS_EACH_OCCURRENCE,
	MEANS_ONCE_THEN_GONE,
	MEANS_EACH_ACTIVITY,
	MEANS_EVERY_QUEUE_AND_WAITER,
	MEANS_EVERY_WAITER_OF_THE_QUEUE,
	MEANS_EVERY_WAITER,
	MEANS_LOOKED_AT_BEFORE,
	MEANS_READY_IS_QUEUED,
	MEANS_NEVER_READY,
	MEANS_OVER_IS_QUEUED,
	MEANS_REPORTED_UNLESS_LOOKED_AT,
	MEANS_REPORTED,
};

enum flag_meaning flag_meaning(enum flag_row row, enum flag_column column);

/* Fails unless the manual page's text has this table, word for word. */
void check_manual_table(const char *begin, const char *end);

#endif
