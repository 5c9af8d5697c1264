// SPDX-License-Identifier: MIT
/* AIO: reading and writing files, buffered and direct, and sending them to a socket. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "queue.h"

#define BLOCK 4096
#define BLOCKS 64

struct operation {
	struct ukevent entry;
	struct kevent_aio what;
};

static void prepare(struct operation *self, unsigned int op, int file, void *buf, size_t len,
		    long long offset)
{
	static unsigned int number;

	memset(self, 0, sizeof(*self));
	self->entry = request(KEVENT_AIO, ++number, KEVENT_AIO_BIO, 0);
	self->entry.ret_data[0] = (uint32_t)(uintptr_t)&self->what;
	self->entry.ret_data[1] = (uint32_t)((uintptr_t)&self->what >> 32);
	self->what.op = op;
	self->what.fd = file;
	self->what.buf = (uintptr_t)buf;
	self->what.len = len;
	self->what.offset = offset;
}

static struct ukevent start(int queue, struct operation *operation)
{
	operation->entry.req_flags = KEVENT_REQ_ALWAYS_QUEUE;
	CHECK_EQ(add_refusal(queue, operation->entry), 0);
	return operation->entry;
}

static void done(int queue, struct ukevent entry, unsigned int bytes)
{
	struct ukevent event = take_one(queue);

	CHECK_SAME(event, entry);
	if (event.ret_flags & KEVENT_RET_BROKEN)
		ktest_fail(__FILE__, __LINE__, "broken: %s", strerror(-(int)event.ret_data[1]));
	CHECK_EQ(event.ret_flags, KEVENT_RET_DONE);
	CHECK_EQ(event.ret_data[0], bytes);
	CHECK_EQ(event.ret_data[1], 0);
	CHECK_EQ(remove_entry(queue, entry), -1);
}

static void run(int queue, unsigned int op, int file, void *buf, size_t len, long long offset,
		unsigned int bytes)
{
	struct operation operation;

	prepare(&operation, op, file, buf, len, offset);
	done(queue, start(queue, &operation), bytes);
}

static unsigned char pattern(size_t at)
{
	return (unsigned char)(at * 7 + (at >> 12));
}

static void fill_pattern(unsigned char *data, size_t len, size_t from)
{
	for (size_t i = 0; i < len; i++)
		data[i] = pattern(from + i);
}

static void check_pattern(const unsigned char *data, size_t len, size_t from)
{
	for (size_t i = 0; i < len; i++)
		CHECK_EQ(data[i], pattern(from + i));
}

/* An unnamed file; on the disk of the guest if `disk`, else in memory. */
static int make_file(bool disk, int flags)
{
	int file;

	if (disk && access("/scratch/lost+found", F_OK) != 0)
		SKIP("no disk on /scratch");
	file = open(disk ? "/scratch" : "/tmp", O_TMPFILE | O_RDWR | flags, 0600);
	if (file < 0 && !disk) {
		char path[] = "/tmp/kevent-aio-XXXXXX";

		file = mkostemp(path, flags);
		unlink(path);
	}
	CHECK_GE(file, 0);
	return file;
}

/* A file with the pattern in it, none of it in the page cache if it is on the disk. */
static int make_full_file(bool disk, int flags)
{
	int file = make_file(disk, flags & ~O_DIRECT);
	unsigned char *data = malloc(BLOCK * BLOCKS);

	CHECK(data);
	fill_pattern(data, BLOCK * BLOCKS, 0);
	CHECK_EQ(pwrite(file, data, BLOCK * BLOCKS, 0), BLOCK * BLOCKS);
	CHECK_EQ(fsync(file), 0);
	posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
	if (flags & O_DIRECT)
		CHECK_EQ(fcntl(file, F_SETFL, O_DIRECT), 0);
	free(data);
	return file;
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
	static struct operation operations[BLOCKS];
	int file = make_full_file(true, O_DIRECT);
	unsigned char *data = aligned(BLOCK * BLOCKS);
	unsigned int left = BLOCKS;

	for (unsigned int i = 0; i < BLOCKS; i++) {
		prepare(&operations[i], KEVENT_AIO_READ, file, data + i * BLOCK, BLOCK, i * BLOCK);
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
	struct operation operation;
	int file = make_file(true, 0);
	char data[4000] = "";

	signal(SIGXFSZ, SIG_IGN);
	CHECK_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
	run(self->fd, KEVENT_AIO_WRITE, file, data, 4000, 0, 4000);
	run(self->fd, KEVENT_AIO_WRITE, file, data, 4000, 4000, 1000);
	prepare(&operation, KEVENT_AIO_WRITE, file, data, 1, 5000);
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
	struct operation operation;
	unsigned char data[100];

	CHECK_EQ(pread(file, data, 100, 0), 100);
	prepare(&operation, KEVENT_AIO_READ, file, data, 100, 0);
	if (add_entry(self->fd, &operation.entry) == 0)
		SKIP("the file system has no reads that do not block");
	CHECK_EQ(operation.entry.ret_flags, KEVENT_RET_DONE);
	CHECK_EQ(operation.entry.ret_data[0], 100);
	take_none(self->fd);
}

CASE_ON(queue, rwf_nowait_does_not_wait)
{
	int file = make_full_file(true, 0);
	struct operation operation;
	unsigned char data[100];
	int refusal;

	prepare(&operation, KEVENT_AIO_READ, file, data, 100, 0);
	operation.what.flags = RWF_NOWAIT;
	refusal = add_refusal(self->fd, operation.entry);
	CHECK(refusal == EAGAIN || refusal == EOPNOTSUPP || refusal == 0);
	prepare(&operation, KEVENT_AIO_WRITE, file, data, 100, 0);
	operation.what.flags = RWF_NOWAIT;
	CHECK_EQ(add_refusal(self->fd, operation.entry), EOPNOTSUPP);
}

CASE_ON(queue, memory_that_faults_breaks_the_operation)
{
	int file = make_full_file(true, 0);
	struct operation operation;
	struct ukevent entry, event;

	prepare(&operation, KEVENT_AIO_WRITE, file, (void *)4096, 100, 0);
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
	struct operation operation;
	struct ukevent entry;

	prepare(&operation, KEVENT_AIO_READ, file, data, BLOCK * BLOCKS, 0);
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
		struct operation operation;
		struct ukevent entry;

		prepare(&operation, KEVENT_AIO_READ, file, data, BLOCK * BLOCKS, 0);
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
		struct operation operations[8];

		for (int j = 0; j < 8; j++) {
			prepare(&operations[j], KEVENT_AIO_READ, file, data + j * 8 * BLOCK,
				8 * BLOCK, j * 8 * BLOCK);
			start(queue, &operations[j]);
		}
		CHECK_EQ(close(queue), 0);
	}
}

/* SENDFILE */

static struct ukevent send_file(int queue, int file, int sock, long long offset, size_t len)
{
	struct operation operation;

	prepare(&operation, KEVENT_AIO_SENDFILE, file, NULL, len, offset);
	operation.what.out_fd = sock;
	return start(queue, &operation);
}

static void read_pattern(int fd, size_t len, size_t from)
{
	unsigned char data[4096];
	size_t at = 0;

	while (at < len) {
		ssize_t got;

		CHECK(readable(fd, SOON_MS));
		got = read(fd, data, sizeof(data));
		CHECK_GT(got, 0);
		check_pattern(data, (size_t)got, from + at);
		at += (size_t)got;
	}
	CHECK_EQ(at, len);
}

CASE_ON(queue, a_file_is_sent_to_a_stream)
{
	int file = make_full_file(true, 0), pair[2];
	struct ukevent entry;

	tcp_pair(pair);
	entry = send_file(self->fd, file, pair[0], 100, 70000);
	read_pattern(pair[1], 70000, 100);
	done(self->fd, entry, 70000);
	unix_pair(SOCK_STREAM, pair);
	entry = send_file(self->fd, file, pair[0], 0, BLOCK * BLOCKS + 1000);
	read_pattern(pair[1], BLOCK * BLOCKS, 0);
	/* It ends where the file ends. */
	done(self->fd, entry, BLOCK * BLOCKS);
}

CASE_ON(queue, sending_waits_for_a_slow_reader_even_on_a_blocking_socket)
{
	int file = make_full_file(true, 0), pair[2], size = 4096;
	struct ukevent entry;

	unix_pair(SOCK_STREAM, pair);
	CHECK_EQ(setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
	CHECK_EQ(fcntl(pair[0], F_SETFL, 0), 0);
	entry = send_file(self->fd, file, pair[0], 0, BLOCK * BLOCKS);
	CHECK(!readable(self->fd, 50));
	read_pattern(pair[1], BLOCK * BLOCKS, 0);
	done(self->fd, entry, BLOCK * BLOCKS);
}

CASE_ON(queue, removal_cancels_a_send_that_waits)
{
	int file = make_full_file(true, 0), pair[2];
	struct ukevent entry;
	unsigned int got;

	unix_pair(SOCK_STREAM, pair);
	fill(pair[0]);
	entry = send_file(self->fd, file, pair[0], 0, BLOCK * BLOCKS);
	CHECK(!readable(self->fd, 50));
	CHECK_EQ(remove_entry(self->fd, entry), 0);
	take_none(self->fd);
	got = drain(pair[1]);
	CHECK_GT(got, 0);
	CHECK_EQ(drain(pair[1]), 0);
}

CASE_ON(queue, a_peer_that_goes_breaks_the_send)
{
	int file = make_full_file(true, 0), pair[2];
	struct ukevent entry, event;

	unix_pair(SOCK_STREAM, pair);
	fill(pair[0]);
	entry = send_file(self->fd, file, pair[0], 0, BLOCK * BLOCKS);
	close(pair[1]);
	event = take_one(self->fd);
	CHECK_SAME(event, entry);
	CHECK_EQ(event.ret_flags, KEVENT_RET_DONE | KEVENT_RET_BROKEN);
	CHECK_EQ(-(int)event.ret_data[1], EPIPE);
}

CASE_ON(queue, closing_the_socket_breaks_the_send_that_waits)
{
	int file = make_full_file(true, 0), pair[2];
	struct ukevent event;

	unix_pair(SOCK_STREAM, pair);
	fill(pair[0]);
	send_file(self->fd, file, pair[0], 0, BLOCK * BLOCKS);
	CHECK(!readable(self->fd, 50));
	close(pair[0]);
	event = take_one(self->fd);
	CHECK_EQ(event.ret_flags, KEVENT_RET_DONE | KEVENT_RET_BROKEN);
	CHECK_EQ(-(int)event.ret_data[1], ECANCELED);
	take_none(self->fd);
}

static int refused(int queue, unsigned int op, int file, long long offset, int out,
		   unsigned int flags)
{
	struct operation operation;
	static char data[16];

	prepare(&operation, op, file, data, sizeof(data), offset);
	operation.what.out_fd = out;
	operation.what.flags = flags;
	return add_refusal(queue, operation.entry);
}

CASE_ON(queue, what_cannot_be_done_is_refused)
{
	int file = make_full_file(false, 0), pair[2], datagram[2];
	int blind = open("/proc/self/exe", O_RDONLY);
	struct operation operation;

	unix_pair(SOCK_STREAM, pair);
	unix_pair(SOCK_DGRAM, datagram);
	CHECK_EQ(refused(self->fd, KEVENT_AIO_READ, 999, 0, 0, 0), EBADF);
	CHECK_EQ(refused(self->fd, 3, file, 0, 0, 0), EINVAL);
	CHECK_EQ(refused(self->fd, KEVENT_AIO_READ, file, -2, 0, 0), EINVAL);
	CHECK_EQ(refused(self->fd, KEVENT_AIO_READ, pair[0], 0, 0, 0), EINVAL);
	CHECK_EQ(refused(self->fd, KEVENT_AIO_READ, open("/", O_RDONLY), 0, 0, 0), EISDIR);
	CHECK_EQ(refused(self->fd, KEVENT_AIO_READ, open("/proc/self/exe", O_PATH), 0, 0, 0),
		 EBADF);
	CHECK_EQ(refused(self->fd, KEVENT_AIO_WRITE, blind, 0, 0, 0), EBADF);
	CHECK_EQ(refused(self->fd, KEVENT_AIO_READ, file, 0, 0, 0x80000000), EOPNOTSUPP);
	CHECK_EQ(refused(self->fd, KEVENT_AIO_SENDFILE, file, 0, 999, 0), EBADF);
	CHECK_EQ(refused(self->fd, KEVENT_AIO_SENDFILE, file, 0, file, 0), ENOTSOCK);
	CHECK_EQ(refused(self->fd, KEVENT_AIO_SENDFILE, file, 0, datagram[0], 0), EOPNOTSUPP);
	CHECK_EQ(refused(self->fd, KEVENT_AIO_SENDFILE, file, 0, pair[0], 1), EINVAL);
	prepare(&operation, KEVENT_AIO_READ, file, NULL, 0, 0);
	operation.entry.event = 2;
	CHECK_EQ(add_refusal(self->fd, operation.entry), EINVAL);
	operation.entry.event = KEVENT_AIO_BIO;
	operation.what.reserved[0] = 1;
	CHECK_EQ(add_refusal(self->fd, operation.entry), EINVAL);
	operation.entry.ret_data[0] = 16;
	operation.entry.ret_data[1] = 0;
	CHECK_EQ(add_refusal(self->fd, operation.entry), EFAULT);
}

/* Each set of flags, on a write that a worker does. */
static void run_flags(const void *argument)
{
	unsigned int flags = *(const unsigned int *)argument;
	int queue = kevent_init(NULL, 0, 0), file = make_file(false, 0);
	struct operation operation;

	prepare(&operation, KEVENT_AIO_WRITE, file, (void *)"data", 4, 0);
	operation.entry.req_flags = flags;
	CHECK_EQ(add_refusal(queue, operation.entry), 0);
	if (flags & KEVENT_REQ_READY)
		/* Reported at once, whether it has happened or not. */
		CHECK_SAME(take_one(queue), operation.entry);
	else
		done(queue, operation.entry, 4);
	take_none(queue);
	CHECK_EQ(remove_entry(queue, operation.entry), -1);
}

KTEST_TABLE(register_flags)
{
	static unsigned int sets[64];

	for (unsigned int i = 0; i < 64; i++) {
		char what[16] = { (char)('0' + i / 10), (char)('0' + i % 10) };

		sets[i] = i;
		ktest_register_cell("AIO with flags", what, run_flags, &sets[i], KTEST_SECONDS);
	}
}
