// SPDX-License-Identifier: MIT
#include "transfer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void set_parameters(struct transfer *self)
{
	self->entry.ret_data[0] = (uint32_t)(uintptr_t)&self->what;
	self->entry.ret_data[1] = (uint32_t)((uintptr_t)&self->what >> 32);
}

static unsigned int next_number(void)
{
	static unsigned int number;

	return ++number;
}

void prepare_aio(struct transfer *self, unsigned int op, int file, void *buf, size_t len,
		 long long offset)
{
	memset(self, 0, sizeof(*self));
	self->entry = request(KEVENT_AIO, next_number(), KEVENT_AIO_BIO, 0);
	self->what.op = op;
	self->what.fd = file;
	self->what.buf = (uintptr_t)buf;
	self->what.len = len;
	self->what.offset = offset;
	set_parameters(self);
}

void prepare_naio(struct transfer *self, int sock, unsigned int event, void *buf, size_t len,
		  int flags)
{
	memset(self, 0, sizeof(*self));
	self->entry = request(KEVENT_NAIO, (unsigned int)sock, event, 0);
	self->entry.id.raw[1] = next_number();
	self->what.buf = (uintptr_t)buf;
	self->what.len = len;
	self->what.flags = (unsigned int)flags;
	set_parameters(self);
}

struct ukevent start(int queue, struct transfer *transfer)
{
	transfer->entry.req_flags = KEVENT_REQ_ALWAYS_QUEUE;
	CHECK_EQ(add_refusal(queue, transfer->entry), 0);
	return transfer->entry;
}

void done(int queue, struct ukevent entry, unsigned int bytes)
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

void broken(int queue, struct ukevent entry, int error)
{
	struct ukevent event = take_one(queue);

	CHECK_SAME(event, entry);
	CHECK_EQ(event.ret_flags, KEVENT_RET_DONE | KEVENT_RET_BROKEN);
	CHECK_EQ(-(int)event.ret_data[1], error);
	CHECK_EQ(remove_entry(queue, entry), -1);
}

static unsigned char pattern(size_t at)
{
	return (unsigned char)(at * 7 + (at >> 12));
}

void fill_pattern(unsigned char *data, size_t len, size_t from)
{
	for (size_t i = 0; i < len; i++)
		data[i] = pattern(from + i);
}

void check_pattern(const unsigned char *data, size_t len, size_t from)
{
	for (size_t i = 0; i < len; i++)
		CHECK_EQ(data[i], pattern(from + i));
}

void read_pattern(int fd, size_t len, size_t from)
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

int make_file(bool disk, int flags)
{
	int file;

	if (disk && access("/scratch/lost+found", F_OK) != 0)
		SKIP("no disk on /scratch");
	file = open(disk ? "/scratch" : "/tmp", O_TMPFILE | O_RDWR | flags, 0600);
	/* The guest's first file system may not have unnamed files. */
	if (file < 0 && !disk) {
		char path[] = "/tmp/kevent-file-XXXXXX";

		file = mkostemp(path, flags);
		CHECK_EQ(unlink(path), 0);
	}
	CHECK_GE(file, 0);
	return file;
}

int make_full_file(bool disk, int flags)
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
