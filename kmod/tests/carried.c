// SPDX-License-Identifier: MIT
#include "carried.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "ktest.h"

extern const char preload_begin[], preload_end[];

__asm__(".section .rodata\n"
	".global preload_begin\npreload_begin:\n"
	".incbin \"" PRELOAD_FILE "\"\n"
	".global preload_end\npreload_end:\n"
	".previous\n");

const char *carried_library(void)
{
	static char path[] = "/tmp/libkevent-preload-XXXXXX";
	size_t size = (size_t)(preload_end - preload_begin);
	int fd;

	if (access(path, R_OK) == 0)
		return path;
	fd = mkstemp(path);
	CHECK_EQ(write(fd, preload_begin, size), size);
	CHECK_EQ(close(fd), 0);
	return path;
}
