// SPDX-License-Identifier: MIT
/* INODE: what happens to files and in directories. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "queue.h"

/* A queue, and a directory of its own that is open and the working directory. */
struct place {
	int fd;
	int dir;
	char path[32];
};

static void place_setup(struct place *self)
{
	self->fd = kevent_init(NULL, 0, KEVENT_INIT_CLOEXEC);
	CHECK_GE(self->fd, 0);
	strcpy(self->path, "/tmp/kevent-inode-XXXXXX");
	CHECK(mkdtemp(self->path));
	CHECK_EQ(chdir(self->path), 0);
	self->dir = open(".", O_RDONLY | O_DIRECTORY);
	CHECK_GE(self->dir, 0);
}

static void place_teardown(struct place *self)
{
	char command[64];

	close(self->fd);
	close(self->dir);
	CHECK_EQ(chdir("/"), 0);
	snprintf(command, sizeof(command), "rm -rf %s", self->path);
	CHECK_EQ(system(command), 0);
}

static void make_file(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	CHECK_GE(fd, 0);
	CHECK_EQ(close(fd), 0);
}

static struct ukevent watch(struct place *self, int fd, unsigned int bits)
{
	return add(self->fd, KEVENT_INODE, (unsigned int)fd, bits, 0);
}

/* The one event there must be, for `entry`, says exactly `bits`. */
static struct ukevent told(struct place *self, struct ukevent entry, unsigned int bits)
{
	struct ukevent event = take_one(self->fd);

	CHECK_SAME(event, entry);
	CHECK_EQ(event.ret_flags, KEVENT_RET_DONE);
	CHECK_EQ(event.ret_data[0], bits);
	take_none(self->fd);
	return event;
}

CASE_ON(place, every_way_to_make_a_name_is_reported_as_create)
{
	struct ukevent entry = watch(self, self->dir, KEVENT_INODE_CREATE);

	take_none(self->fd);
	make_file("file");
	told(self, entry, KEVENT_INODE_CREATE);
	CHECK_EQ(mkdir("folder", 0700), 0);
	told(self, entry, KEVENT_INODE_CREATE | KEVENT_INODE_ISDIR);
	CHECK_EQ(link("file", "other"), 0);
	told(self, entry, KEVENT_INODE_CREATE);
	CHECK_EQ(symlink("file", "third"), 0);
	told(self, entry, KEVENT_INODE_CREATE);
	CHECK_EQ(mkfifo("fifo", 0600), 0);
	told(self, entry, KEVENT_INODE_CREATE);
}

CASE_ON(place, every_way_to_remove_a_name_is_reported_as_remove)
{
	struct ukevent entry;

	make_file("file");
	CHECK_EQ(mkdir("folder", 0700), 0);
	entry = watch(self, self->dir, KEVENT_INODE_REMOVE);
	take_none(self->fd);
	CHECK_EQ(unlink("file"), 0);
	told(self, entry, KEVENT_INODE_REMOVE);
	CHECK_EQ(rmdir("folder"), 0);
	told(self, entry, KEVENT_INODE_REMOVE | KEVENT_INODE_ISDIR);
}

CASE_ON(place, what_is_not_asked_for_is_not_reported)
{
	struct ukevent entry = watch(self, self->dir, KEVENT_INODE_REMOVE);

	make_file("file");
	CHECK_EQ(chmod(".", 0711), 0);
	take_none(self->fd);
	CHECK_EQ(unlink("file"), 0);
	told(self, entry, KEVENT_INODE_REMOVE);
}

CASE_ON(place, a_move_tells_both_directories_the_same_cookie)
{
	struct ukevent from, to, event;
	unsigned int cookie;
	int other;

	make_file("file");
	CHECK_EQ(mkdir("folder", 0700), 0);
	other = open("folder", O_RDONLY | O_DIRECTORY);
	from = watch(self, self->dir, KEVENT_INODE_MOVED_FROM);
	to = watch(self, other, KEVENT_INODE_MOVED_TO);
	CHECK_EQ(rename("file", "folder/file"), 0);
	CHECK_EQ(take(self->fd, &event, 1, SOON_MS), 1);
	CHECK_SAME(event, from);
	CHECK_EQ(event.ret_data[0], KEVENT_INODE_MOVED_FROM);
	cookie = event.ret_data[1];
	CHECK_NE(cookie, 0);
	event = told(self, to, KEVENT_INODE_MOVED_TO);
	CHECK_EQ(event.ret_data[1], cookie);
}

CASE_ON(place, children_are_reported_only_on_request)
{
	struct ukevent quiet, loud;
	int file, again;

	make_file("file");
	file = open("file", O_WRONLY);
	again = dup(open(".", O_RDONLY | O_DIRECTORY));
	quiet = watch(self, self->dir, KEVENT_INODE_MODIFY | KEVENT_INODE_ATTRIB);
	loud = watch(self, again, KEVENT_INODE_MODIFY | KEVENT_INODE_ON_CHILD);
	put_byte(file);
	told(self, loud, KEVENT_INODE_MODIFY);
	CHECK_EQ(chmod(".", 0711), 0);
	told(self, quiet, KEVENT_INODE_ATTRIB | KEVENT_INODE_ISDIR);
}

CASE_ON(place, what_happens_before_the_report_is_merged_into_one)
{
	struct ukevent entry =
		watch(self, self->dir, KEVENT_INODE_CREATE | KEVENT_INODE_REMOVE);

	make_file("one");
	make_file("two");
	CHECK_EQ(unlink("one"), 0);
	told(self, entry, KEVENT_INODE_CREATE | KEVENT_INODE_REMOVE);
}

CASE_ON(place, modify_changes_what_is_watched_for)
{
	struct ukevent entry = watch(self, self->dir, KEVENT_INODE_CREATE);

	CHECK_EQ(modify(self->fd, entry, KEVENT_INODE_REMOVE, 0), KEVENT_RET_DONE);
	make_file("file");
	take_none(self->fd);
	CHECK_EQ(unlink("file"), 0);
	told(self, entry, KEVENT_INODE_REMOVE);
	CHECK(modify(self->fd, entry, 0x40000, 0) & KEVENT_RET_BROKEN);
}

CASE_ON(place, every_queue_that_watches_an_inode_is_told)
{
	int other = kevent_init(NULL, 0, 0), again = open(".", O_RDONLY | O_DIRECTORY);
	struct ukevent one = watch(self, self->dir, KEVENT_INODE_CREATE);
	struct ukevent two = add(other, KEVENT_INODE, (unsigned int)again, KEVENT_INODE_CREATE, 0);
	struct ukevent three =
		add(other, KEVENT_INODE, (unsigned int)self->dir, KEVENT_INODE_CREATE, 0);
	struct ukevent events[3];

	make_file("file");
	told(self, one, KEVENT_INODE_CREATE);
	CHECK_EQ(take(other, events, 3, SOON_MS), 2);
	CHECK_EQ(remove_entry(other, two), 0);
	CHECK_EQ(remove_entry(other, three), 0);
	make_file("next");
	take_none(other);
	close(other);
}

CASE_ON(place, removing_ends_the_watch)
{
	struct ukevent entry = watch(self, self->dir, KEVENT_INODE_CREATE);

	CHECK_EQ(remove_entry(self->fd, entry), 0);
	make_file("file");
	take_none(self->fd);
	CHECK_EQ(remove_entry(self->fd, entry), -1);
}

CASE_ON(place, oneshot_reports_the_first_event_only)
{
	struct ukevent entry = add(self->fd, KEVENT_INODE, (unsigned int)self->dir,
				   KEVENT_INODE_CREATE, KEVENT_REQ_ONESHOT);

	make_file("one");
	told(self, entry, KEVENT_INODE_CREATE);
	make_file("two");
	take_none(self->fd);
	CHECK_EQ(remove_entry(self->fd, entry), -1);
}

CASE_ON(place, closing_the_descriptor_breaks_the_watch_once)
{
	struct ukevent entry = watch(self, self->dir, KEVENT_INODE_CREATE), event;
	int copy = dup(self->dir);

	close(self->dir);
	make_file("one");
	told(self, entry, KEVENT_INODE_CREATE);
	close(copy);
	event = take_one(self->fd);
	CHECK_SAME(event, entry);
	CHECK_EQ(event.ret_flags, KEVENT_RET_DONE | KEVENT_RET_BROKEN);
	make_file("two");
	take_none(self->fd);
}

CASE_ON(place, an_inode_that_dies_breaks_its_watch)
{
	struct ukevent entry, event;
	int file;

	make_file("file");
	file = open("file", O_RDONLY);
	entry = watch(self, file, KEVENT_INODE_DELETE_SELF);
	CHECK_EQ(unlink("file"), 0);
	/* It lives for as long as it is open. */
	take_none(self->fd);
	close(file);
	event = take_one(self->fd);
	CHECK_SAME(event, entry);
	CHECK_EQ(event.ret_flags, KEVENT_RET_DONE | KEVENT_RET_BROKEN);
	take_none(self->fd);
}

CASE_ON(place, a_watch_does_not_keep_a_file_system_mounted)
{
	struct ukevent event;
	int mounted;

	CHECK_EQ(mkdir("mount", 0700), 0);
	if (mount("none", "mount", "tmpfs", 0, "size=64k") != 0)
		SKIP("no mount: %s", strerror(errno));
	mounted = open("mount", O_RDONLY | O_DIRECTORY);
	watch(self, mounted, KEVENT_INODE_CREATE);
	close(mounted);
	CHECK_EQ(umount("mount"), 0);
	event = take_one(self->fd);
	CHECK_EQ(event.ret_flags, KEVENT_RET_DONE | KEVENT_RET_BROKEN);
	take_none(self->fd);
}

CASE_ON(place, what_cannot_be_watched_is_refused)
{
	int file, blind, shared = eventfd(0, 0);

	make_file("file");
	file = open("file", O_RDONLY);
	blind = open("file", O_WRONLY);
	CHECK_EQ(add_refusal(self->fd, request(KEVENT_INODE, 999, KEVENT_INODE_CREATE, 0)), EBADF);
	CHECK_EQ(add_refusal(self->fd, request(KEVENT_INODE, (unsigned int)file, 0, 0)), EINVAL);
	CHECK_EQ(add_refusal(self->fd, request(KEVENT_INODE, (unsigned int)file, 0x8, 0)), EINVAL);
	CHECK_EQ(add_refusal(self->fd, request(KEVENT_INODE, (unsigned int)file,
					       KEVENT_INODE_ON_CHILD, 0)),
		 EINVAL);
	CHECK_EQ(add_refusal(self->fd, request(KEVENT_INODE, (unsigned int)file,
					       KEVENT_INODE_CREATE | KEVENT_INODE_REMOVE, 0)),
		 ENOTDIR);
	CHECK_EQ(add_refusal(self->fd, request(KEVENT_INODE, (unsigned int)blind,
					       KEVENT_INODE_MODIFY, 0)),
		 EACCES);
	CHECK_EQ(add_refusal(self->fd, request(KEVENT_INODE, (unsigned int)shared,
					       KEVENT_INODE_MODIFY, 0)),
		 EINVAL);
	add(self->fd, KEVENT_INODE, (unsigned int)file, KEVENT_MASK_ALL, 0);
	CHECK_EQ(add_refusal(self->fd, request(KEVENT_INODE, (unsigned int)file,
					       KEVENT_INODE_MODIFY, 0)),
		 EEXIST);
}

CASE_ON(place, a_mapped_ring_gets_the_record_at_once)
{
	struct kevent_mapped mapped;
	struct ukevent event, entry;

	CHECK_GE(kevent_mapped_open(&mapped, 8, 0), 0);
	entry = add(mapped.fd, KEVENT_INODE, (unsigned int)self->dir, KEVENT_INODE_CREATE,
		    KEVENT_REQ_ET);
	make_file("file");
	CHECK_EQ(kevent_mapped_take(&mapped, &event, 1), 1);
	CHECK_SAME(event, entry);
	CHECK_EQ(event.ret_data[0], KEVENT_INODE_CREATE);
	kevent_mapped_close(&mapped);
}

/* One bit of the set, and what makes it happen to the watched file. */
struct bit_row {
	const char *name;
	unsigned int bit;
	void (*provoke)(int file);
};

static void provoke_access(int file)
{
	char byte;

	CHECK_EQ(pread(file, &byte, 1, 0), 1);
}

static void provoke_modify(int file)
{
	CHECK_EQ(pwrite(file, "x", 1, 0), 1);
}

static void provoke_attrib(int file)
{
	CHECK_EQ(fchmod(file, 0755), 0);
}

static void provoke_open(int file)
{
	CHECK_GE(open("file", O_RDONLY), 0);
}

static void provoke_close_write(int file)
{
	close(open("file", O_WRONLY));
}

static void provoke_close_nowrite(int file)
{
	close(open("file", O_RDONLY));
}

static void provoke_move(int file)
{
	CHECK_EQ(rename("file", "renamed"), 0);
}

static const struct bit_row bit_rows[] = {
	{ "ACCESS", KEVENT_INODE_ACCESS, provoke_access },
	{ "MODIFY", KEVENT_INODE_MODIFY, provoke_modify },
	{ "ATTRIB", KEVENT_INODE_ATTRIB, provoke_attrib },
	{ "OPEN", KEVENT_INODE_OPEN, provoke_open },
	{ "CLOSE_WRITE", KEVENT_INODE_CLOSE_WRITE, provoke_close_write },
	{ "CLOSE_NOWRITE", KEVENT_INODE_CLOSE_NOWRITE, provoke_close_nowrite },
	{ "MOVE_SELF", KEVENT_INODE_MOVE_SELF, provoke_move },
};

static void run_bit(const void *argument)
{
	const struct bit_row *row = argument;
	struct place place;
	struct ukevent entry;
	int file;

	place_setup(&place);
	make_file("file");
	file = open("file", O_RDWR);
	provoke_modify(file);
	entry = watch(&place, file, row->bit);
	take_none(place.fd);
	row->provoke(file);
	told(&place, entry, row->bit);
	place_teardown(&place);
}

KTEST_TABLE(register_bits)
{
	for (size_t i = 0; i < sizeof(bit_rows) / sizeof(bit_rows[0]); i++)
		ktest_register_cell("a file reports", bit_rows[i].name, run_bit, &bit_rows[i],
				    KTEST_SECONDS);
}
