// SPDX-License-Identifier: MIT
/* What watching a descriptor costs: calls, and memory of the kernel. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "count.h"

#define DESCRIPTORS 256

static int descriptors[DESCRIPTORS];

static double per_descriptor(int queue, unsigned int batch)
{
	uint64_t rounds[ROUNDS];

	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t start = now();

		if (batch)
			kevent_add_remove(queue, descriptors, DESCRIPTORS, batch);
		else
			epoll_add_remove(queue, descriptors, DESCRIPTORS);
		rounds[i] = now() - start;
	}
	return (double)median(rounds, ROUNDS) / DESCRIPTORS;
}

void count_registration(void)
{
	static const unsigned int batches[] = { 1, 16, 256 };
	int poll = epoll_create1(0);
	double epoll;

	MUST(poll >= 0);
	for (unsigned int i = 0; i < DESCRIPTORS; i += 2)
		MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, &descriptors[i]) == 0);
	epoll = per_descriptor(poll, 0);
	print_row("add+remove", "unix-dgram", "epoll", "lt", 0, 1, epoll, 0, 1.0);
	for (unsigned int i = 0; i < sizeof(batches) / sizeof(*batches); i++) {
		int queue = kevent_init(NULL, 0, 0);

		MUST(queue >= 0);
		print_row("add+remove", "unix-dgram", "kevent", "lt", 0, batches[i],
			  per_descriptor(queue, batches[i]), epoll, 1.0);
		close(queue);
	}
	close(poll);
	for (unsigned int i = 0; i < DESCRIPTORS; i++)
		close(descriptors[i]);
}

static void write_word(const char *path)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0)
		return;
	MUST(write(fd, "1", 1) == 1);
	close(fd);
}

/* Gives empty slabs back, so that what is allocated next is seen as growth. */
static void shrink_slabs(void)
{
	DIR *caches = opendir("/sys/kernel/slab");
	struct dirent *cache;
	char path[512];

	MUST(caches);
	while ((cache = readdir(caches))) {
		snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", cache->d_name);
		if (cache->d_name[0] != '.')
			write_word(path);
	}
	closedir(caches);
}

/* Bytes in slabs and in pages of the kernel's address space. */
static double kernel_bytes(void)
{
	char line[256];
	double total = 0;
	FILE *info;

	/* Adds up what processors count by themselves. */
	MUST(system("cat /proc/sys/vm/stat_refresh >/dev/null") == 0);
	info = fopen("/proc/meminfo", "r");
	MUST(info);
	while (fgets(line, sizeof(line), info)) {
		unsigned long kib;

		if (sscanf(line, "Slab: %lu", &kib) == 1 ||
		    sscanf(line, "VmallocUsed: %lu", &kib) == 1)
			total += (double)kib * 1024;
	}
	fclose(info);
	return total;
}

static double bytes_each(const int *fds, unsigned int count, bool kevent)
{
	int queue = kevent ? kevent_init(NULL, 0, 0) : epoll_create1(0);
	double before, after;

	MUST(queue >= 0);
	/* What the row before gave back may lie with RCU for some seconds; idle time is skipped. */
	sleep(10);
	shrink_slabs();
	before = kernel_bytes();
	for (unsigned int i = 0; i < count; i++) {
		if (kevent) {
			struct ukevent entry = kevent_request(KEVENT_POLL, (unsigned int)fds[i],
							      KEVENT_POLL_POLLIN, 0, i);

			MUST(kevent_ctl(queue, KEVENT_CTL_ADD, 1, &entry) == 0);
		} else {
			struct epoll_event event = { EPOLLIN, { .u32 = i } };

			MUST(epoll_ctl(queue, EPOLL_CTL_ADD, fds[i], &event) == 0);
		}
	}
	after = kernel_bytes();
	close(queue);
	return (after - before) / count;
}

void count_memory(void)
{
	static const unsigned int counts[] = { 1000, 10000, 100000 };
	unsigned int most = counts[sizeof(counts) / sizeof(*counts) - 1];
	int *fds = calloc(most, sizeof(*fds));

	MUST(fds);
	for (unsigned int i = 0; i < most; i++) {
		fds[i] = eventfd(0, 0);
		MUST(fds[i] >= 0);
	}
	for (unsigned int i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		double epoll = bytes_each(fds, counts[i], false);

		print_row("bytes", "eventfd", "epoll", "lt", counts[i], 0, epoll, 0, 1.25);
		print_row("bytes", "eventfd", "kevent", "lt", counts[i], 0,
			  bytes_each(fds, counts[i], true), epoll, 1.25);
	}
	for (unsigned int i = 0; i < most; i++)
		close(fds[i]);
	free(fds);
}
