// SPDX-License-Identifier: MIT
/* AIO: reading and writing files, buffered and direct. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include "transfer.h"

static void run(int queue, unsigned int op, int file, void *buf, size_t len, long long offset,
		unsigned int bytes)
{
	struct transfer operation;

	prepare_aio(&operation, op, file, buf, len, offset);
	done(queue, start(queue, &operation), bytes);
}

static unsigned char *aligned(size_t len)
{
	void *memory = NULL;

	CHECK_EQ(posix_memalign(&memory, BLOCK, len), 0);
	memset(memory, 0, len);
	return memory;
}

static void reads_everything(int queue, int file)
{
	unsigned char *data = aligned(BLOCK * BLOCKS);

	run(queue, KEVENT_AIO_READ, file, data, BLOCK * BLOCKS, 0, BLOCK * BLOCKS);
	check_pattern(data, BLOCK * BLOCKS, 0);
	memset(data, 0, BLOCK);
	run(queue, KEVENT_AIO_READ, file, data, BLOCK, 3 * BLOCK, BLOCK);
	check_pattern(data, BLOCK, 3 * BLOCK);
	/* Up to the end, and behind it. */
	run(queue, KEVENT_AIO_READ, file, data, 2 * BLOCK, (BLOCKS - 1) * BLOCK, BLOCK);
	run(queue, KEVENT_AIO_READ, file, data, BLOCK, BLOCKS * BLOCK, 0);
	free(data);
}

CASE_ON(queue, a_file_in_memory_is_read)
{
	reads_everything(self->fd, make_full_file(false, 0));
}

CASE_ON(queue, a_file_on_disk_is_read_whether_cached_or_not)
{
	int file = make_full_file(true, 0);

	reads_everything(self->fd, file);
	reads_everything(self->fd, file);
}

CASE_ON(queue, a_file_on_disk_is_read_directly)
{
	reads_everything(self->fd, make_full_file(true, O_DIRECT));
}

static void writes(int queue, int file)
{
	unsigned char *data = aligned(8 * BLOCK), *back = aligned(8 * BLOCK);

	fill_pattern(data, 8 * BLOCK, 0);
	run(queue, KEVENT_AIO_WRITE, file, data, 8 * BLOCK, 0, 8 * BLOCK);
	run(queue, KEVENT_AIO_WRITE, file, data, BLOCK, 8 * BLOCK, BLOCK);
	/* Over what is there. */
	fill_pattern(data, 2 * BLOCK, 2 * BLOCK);
	run(queue, KEVENT_AIO_WRITE, file, data, 2 * BLOCK, 2 * BLOCK, 2 * BLOCK);
	CHECK_EQ(lseek(file, 0, SEEK_END), 9 * BLOCK);
	CHECK_EQ(pread(file, back, 8 * BLOCK, 0), 8 * BLOCK);
	check_pattern(back, 8 * BLOCK, 0);
	free(data);
	free(back);
}

CASE_ON(queue, a_file_in_memory_is_written)
{
	writes(self->fd, make_file(false, 0));
}

CASE_ON(queue, a_file_on_disk_is_written)
{
	writes(self->fd, make_file(true, 0));
}

CASE_ON(queue, a_file_on_disk_is_written_directly)
{
	writes(self->fd, make_file(true, O_DIRECT));
}

CASE_ON(queue, many_direct_operations_run_at_once)
{
	static struct transfer operations[BLOCKS];
	int file = make_full_file(true, O_DIRECT);
	unsigned char *data = aligned(BLOCK * BLOCKS);
	unsigned int left = BLOCKS;

	for (unsigned int i = 0; i < BLOCKS; i++) {
		prepare_aio(&operations[i], KEVENT_AIO_READ, file, data + i * BLOCK, BLOCK, i * BLOCK);
		start(self->fd, &operations[i]);
	}
	while (left) {
		struct ukevent events[16];
		unsigned int got = take(self->fd, events, 16, SOON_MS);

		CHECK_NE(got, 0);
		for (unsigned int i = 0; i < got; i++)
			CHECK_EQ(events[i].ret_data[0], BLOCK);
		left -= got;
	}
	check_pattern(data, BLOCK * BLOCKS, 0);
	take_none(self->fd);
	free(data);
}

CASE_ON(queue, offset_minus_one_uses_and_moves_the_files_position)
{
	int file = make_full_file(false, 0);
	unsigned char data[100];

	CHECK_EQ(lseek(file, 50, SEEK_SET), 50);
	run(self->fd, KEVENT_AIO_READ, file, data, 100, -1, 100);
	check_pattern(data, 100, 50);
	CHECK_EQ(lseek(file, 0, SEEK_CUR), 150);
	run(self->fd, KEVENT_AIO_WRITE, file, data, 10, -1, 10);
	CHECK_EQ(lseek(file, 0, SEEK_CUR), 160);
	run(self->fd, KEVENT_AIO_READ, file, data, 100, 0, 100);
	CHECK_EQ(lseek(file, 0, SEEK_CUR), 160);
}

CASE_ON(queue, appending_writes_at_the_end)
{
	int file = make_file(true, O_APPEND);

	run(self->fd, KEVENT_AIO_WRITE, file, (void *)"one", 3, 0, 3);
	run(self->fd, KEVENT_AIO_WRITE, file, (void *)"two", 3, 0, 3);
	CHECK_EQ(lseek(file, 0, SEEK_END), 6);
}

CASE_ON(queue, the_file_size_limit_of_the_process_holds)
{
	struct rlimit limit = { .rlim_cur = 5000, .rlim_max = 5000 };
	struct transfer operation;
	int file = make_file(true, 0);
	char data[4000] = "";

	signal(SIGXFSZ, SIG_IGN);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	run(self->fd, KEVENT_AIO_WRITE, file, data, 4000, 0, 4000);
	run(self->fd, KEVENT_AIO_WRITE, file, data, 4000, 4000, 1000);
	prepare_aio(&operation, KEVENT_AIO_WRITE, file, data, 1, 5000);
	CHECK_EQ(add_refusal(self->fd, operation.entry), EFBIG);
}

CASE_ON(queue, an_operation_of_no_bytes_is_done)
{
	int file = make_full_file(false, 0);
	char byte;

	run(self->fd, KEVENT_AIO_READ, file, &byte, 0, 0, 0);
	run(self->fd, KEVENT_AIO_WRITE, file, &byte, 0, 0, 0);
}

CASE_ON(queue, what_is_done_inside_add_is_handed_back)
{
	int file = make_full_file(true, 0);
	struct transfer operation;
	unsigned char data[100];

	CHECK_EQ(pread(file, data, 100, 0), 100);
	prepare_aio(&operation, KEVENT_AIO_READ, file, data, 100, 0);
	if (add_entry(self->fd, &operation.entry) == 0)
		SKIP("the file system has no reads that do not block");
	CHECK_EQ(operation.entry.ret_flags, KEVENT_RET_DONE);
	CHECK_EQ(operation.entry.ret_data[0], 100);
	take_none(self->fd);
}

CASE_ON(queue, rwf_nowait_does_not_wait)
{
	int file = make_full_file(true, 0);
	struct transfer operation;
	unsigned char data[100];
	int refusal;

	prepare_aio(&operation, KEVENT_AIO_READ, file, data, 100, 0);
	operation.what.flags = RWF_NOWAIT;
	/* Done at once where the page cache still has it. */
	if (add_entry(self->fd, &operation.entry) == 1 &&
	    operation.entry.ret_flags & KEVENT_RET_BROKEN) {
		refusal = -(int)operation.entry.ret_data[1];
		CHECK(refusal == EAGAIN || refusal == EOPNOTSUPP);
	}
	prepare_aio(&operation, KEVENT_AIO_WRITE, file, data, 100, 0);
	operation.what.flags = RWF_NOWAIT;
	CHECK_EQ(add_refusal(self->fd, operation.entry), EOPNOTSUPP);
}

CASE_ON(queue, memory_that_faults_breaks_the_operation)
{
	int file = make_full_file(true, 0);
	struct transfer operation;
	struct ukevent entry, event;

	prepare_aio(&operation, KEVENT_AIO_WRITE, file, (void *)4096, 100, 0);
	entry = start(self->fd, &operation);
	event = take_one(self->fd);
	CHECK_SAME(event, entry);
	CHECK_EQ(event.ret_flags, KEVENT_RET_DONE | KEVENT_RET_BROKEN);
	CHECK_EQ(-(int)event.ret_data[1], EFAULT);
}

CASE_ON(queue, the_file_may_be_closed_while_it_is_read)
{
	int file = make_full_file(true, O_DIRECT);
	unsigned char *data = aligned(BLOCK * BLOCKS);
	struct transfer operation;
	struct ukevent entry;

	prepare_aio(&operation, KEVENT_AIO_READ, file, data, BLOCK * BLOCKS, 0);
	entry = start(self->fd, &operation);
	close(file);
	done(self->fd, entry, BLOCK * BLOCKS);
	check_pattern(data, BLOCK * BLOCKS, 0);
}

CASE_ON(queue, removal_waits_for_the_operation_so_that_its_memory_is_free)
{
	int file = make_full_file(true, O_DIRECT);
	unsigned char *data = aligned(BLOCK * BLOCKS);

	for (int i = 0; i < 50; i++) {
		struct transfer operation;
		struct ukevent entry;

		prepare_aio(&operation, KEVENT_AIO_READ, file, data, BLOCK * BLOCKS, 0);
		entry = start(self->fd, &operation);
		remove_entry(self->fd, entry);
		memset(data, 0xee, BLOCK * BLOCKS);
		take_none(self->fd);
		for (size_t at = 0; at < BLOCK * BLOCKS; at += BLOCK)
			CHECK_EQ(data[at], 0xee);
	}
	free(data);
}

CASE(the_queue_may_be_closed_with_operations_in_flight)
{
	int file = make_full_file(true, O_DIRECT);
	unsigned char *data = aligned(BLOCK * BLOCKS);

	for (int i = 0; i < 20; i++) {
		int queue = kevent_init(NULL, 0, 0);
		struct transfer operations[8];

		for (int j = 0; j < 8; j++) {
			prepare_aio(&operations[j], KEVENT_AIO_READ, file, data + j * 8 * BLOCK,
				8 * BLOCK, j * 8 * BLOCK);
			start(queue, &operations[j]);
		}
		CHECK_EQ(close(queue), 0);
	}
}

static int refused(int queue, unsigned int op, int file, long long offset, unsigned int flags)
{
	struct transfer operation;
	static char data[16];

	prepare_aio(&operation, op, file, data, sizeof(data), offset);
	operation.what.flags = flags;
	return add_refusal(queue, operation.entry);
}

CASE_ON(queue, what_cannot_be_done_is_refused)
{
	int file = make_full_file(false, 0), pair[2];
	int blind = open("/proc/self/exe", O_RDONLY);
	struct transfer operation;

	unix_pair(SOCK_STREAM, pair);
	CHECK_EQ(refused(self->fd, KEVENT_AIO_READ, 999, 0, 0), EBADF);
	CHECK_EQ(refused(self->fd, 3, file, 0, 0), EINVAL);
	CHECK_EQ(refused(self->fd, KEVENT_AIO_READ, file, -2, 0), EINVAL);
	CHECK_EQ(refused(self->fd, KEVENT_AIO_READ, pair[0], 0, 0), EINVAL);
	CHECK_EQ(refused(self->fd, KEVENT_AIO_READ, open("/", O_RDONLY), 0, 0), EISDIR);
	CHECK_EQ(refused(self->fd, KEVENT_AIO_READ, open("/proc/self/exe", O_PATH), 0, 0),
		 EBADF);
	CHECK_EQ(refused(self->fd, KEVENT_AIO_WRITE, blind, 0, 0), EBADF);
	CHECK_EQ(refused(self->fd, KEVENT_AIO_READ, file, 0, 0x80000000), EOPNOTSUPP);
	prepare_aio(&operation, KEVENT_AIO_READ, file, NULL, 0, 0);
	operation.entry.event = 2;
	CHECK_EQ(add_refusal(self->fd, operation.entry), EINVAL);
	operation.entry.event = KEVENT_AIO_BIO;
	operation.what.reserved[0] = 1;
	CHECK_EQ(add_refusal(self->fd, operation.entry), EINVAL);
	operation.entry.ret_data[0] = 16;
	operation.entry.ret_data[1] = 0;
	CHECK_EQ(add_refusal(self->fd, operation.entry), EFAULT);
}
