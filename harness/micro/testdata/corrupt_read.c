// SPDX-License-Identifier: MIT
//
// Preloaded by tests: flips one bit of the byte at CORRUPT_AT in what read and recv deliver, from
// the delivery numbered CORRUPT_FROM (1 = the first) on. Counts and touches only deliveries of
// exactly CORRUPT_SIZE bytes, since a harness also reads counters and files of /proc. A program
// that really looks at what it receives must notice.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

static long number(const char* name) {
    const char* text = getenv(name);

    return text ? atol(text) : 0;
}

static ssize_t corrupt(void* buffer, ssize_t got) {
    static long size, from, at, seen;

    if (size == 0) {
        size = number("CORRUPT_SIZE");
        from = number("CORRUPT_FROM");
        at = number("CORRUPT_AT");
    }
    if (got == size && ++seen >= from) ((unsigned char*)buffer)[at] ^= 1;
    return got;
}

ssize_t read(int fd, void* buffer, size_t size) {
    static ssize_t (*next)(int, void*, size_t);

    if (!next) next = (ssize_t(*)(int, void*, size_t))dlsym(RTLD_NEXT, "read");
    return corrupt(buffer, next(fd, buffer, size));
}

ssize_t recv(int fd, void* buffer, size_t size, int flags) {
    static ssize_t (*next)(int, void*, size_t, int);

    if (!next) next = (ssize_t(*)(int, void*, size_t, int))dlsym(RTLD_NEXT, "recv");
    return corrupt(buffer, next(fd, buffer, size, flags));
}
