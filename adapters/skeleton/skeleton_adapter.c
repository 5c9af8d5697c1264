/* SPDX-License-Identifier: MIT */
/*
 * A complete third-party adapter, to copy from. It watches descriptors with ppoll(2), which every
 * system has, and needs plugin.h and nothing else of Kevbench. Two variants show the two triggers a
 * readiness mechanism without memory of its own can offer: "level", and "one-shot", which stops
 * watching a descriptor once it has been reported, until modify().
 *
 * What each hook must do, may do and owns is said above it; the words Required and Optional are
 * those of plugin.h. The conformance suite runs on this file, and on yours:
 *     KEVBENCH_CONFORMANCE_PLUGIN=./libyours.so kevbench-conformance --gtest_filter='*yours*'
 */
#define _GNU_SOURCE
#include <errno.h>
#include <kevbench/adapter/plugin.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum variant { VARIANT_LEVEL, VARIANT_ONE_SHOT, VARIANT_COUNT };

/*
 * One object, made by open() and freed by close(). `entries` is what ppoll wants; `watches` has the
 * watch of each entry. Both have room for max_watches from the start, so that add() need not
 * allocate. A watch's own `slot` holds its index, which makes modify() and remove() constant time.
 */
struct skeleton {
    enum variant variant;
    struct pollfd* entries;
    struct kvb_watch** watches;
    uint32_t count;
    uint32_t capacity;
    uint32_t resume; /* where the next scan starts, so that no ready watch starves */
    const sigset_t* wait_mask;
};

/* Mechanisms translate interest once, at registration, never while waiting. */
static short wanted_events(const struct kvb_watch* watch) {
    uint32_t wanted = watch->interest & (KVB_READABLE | KVB_WRITABLE | KVB_READ_HANGUP);
    if ((watch->interest & KVB_ACCEPTABLE) != 0) {
        wanted |= KVB_READABLE; /* a connection waits: POLLIN on a listening socket */
    }
    return (short)wanted;
}

static int is_registered(const struct skeleton* self, const struct kvb_watch* watch) {
    return watch->slot < self->count && self->watches[watch->slot] == watch;
}

static void skeleton_close(void* object);

/*
 * probe: Required. May block, may allocate, leaves nothing behind. Finds out by trying, never by
 * comparing versions: containers and security policies forbid what the kernel has.
 */
static int skeleton_probe(uint32_t variant, char* reason, size_t size) {
    const struct timespec at_once = {0, 0};
    (void)variant;
    if (ppoll(NULL, 0, &at_once, NULL) != 0) {
        const int error = errno;
        snprintf(reason, size, "ppoll: %s; allow the system call or use another kernel",
                 strerror(error));
        return -error;
    }
    return 0;
}

/*
 * open: Required. May block, may allocate. The object is ours until close(); `config` itself is
 * gone when we return, but what it points to (buffers, wait_mask) stays valid until close().
 */
static int skeleton_open(uint32_t variant, const struct kvb_config* config, void** object) {
    struct skeleton* self = calloc(1, sizeof *self);
    if (self == NULL) {
        return -ENOMEM;
    }
    self->variant = (enum variant)variant;
    self->capacity = config->max_watches;
    self->wait_mask = config->wait_mask;
    self->entries = calloc((size_t)self->capacity + 1, sizeof *self->entries);
    self->watches = calloc((size_t)self->capacity + 1, sizeof *self->watches);
    if (self->entries == NULL || self->watches == NULL) {
        skeleton_close(self);
        return -ENOMEM;
    }
    *object = self;
    return 0;
}

/*
 * add: Required. May allocate, must not block. The watch is the host's, at this address until
 * remove() returns, so keeping the pointer is right. ppoll finds a bad descriptor only while it
 * waits, hence no look at the file here; wait() then reports it with KVB_BROKEN.
 */
static int skeleton_add(void* object, struct kvb_watch* watch) {
    struct skeleton* self = object;
    if (watch->fd < 0) {
        return -EBADF;
    }
    /* A mechanism whose kernel part keeps the registrations gets this answer from there. */
    for (uint32_t at = 0; at < self->count; ++at) {
        if (self->watches[at] == watch || self->watches[at]->fd == watch->fd) {
            return -EEXIST;
        }
    }
    if (self->count == self->capacity) {
        return -ENOSPC;
    }
    watch->slot = self->count++;
    self->watches[watch->slot] = watch;
    self->entries[watch->slot] = (struct pollfd){watch->fd, wanted_events(watch), 0};
    return 0;
}

/*
 * modify: Required. Must not block. Takes over a changed interest and re-arms: in the one-shot
 * variant the descriptor was set aside as a negative number when it was reported.
 */
static int skeleton_modify(void* object, struct kvb_watch* watch) {
    struct skeleton* self = object;
    if (!is_registered(self, watch)) {
        return -ENOENT;
    }
    self->entries[watch->slot].fd = watch->fd;
    self->entries[watch->slot].events = wanted_events(watch);
    return 0;
}

/*
 * remove: Required. May block until nothing is under way for the watch; here nothing ever is. The
 * watch may be freed as soon as we return, so no pointer to it may stay. The host calls this also
 * while it hands out the events of the last wait(), which are in its own array: moving our entries
 * about does no harm.
 */
static int skeleton_remove(void* object, struct kvb_watch* watch) {
    struct skeleton* self = object;
    if (!is_registered(self, watch)) {
        return -ENOENT;
    }
    const uint32_t last = --self->count;
    self->watches[last]->slot = watch->slot;
    self->watches[watch->slot] = self->watches[last];
    self->entries[watch->slot] = self->entries[last];
    return 0;
}

/*
 * wait: Required. May block for `timeout` nanoseconds, must not allocate. The array is the host's,
 * with room for `max` events. When more watches are ready than that, the next call starts where
 * this one stopped.
 */
static int skeleton_wait(void* object, int64_t timeout, struct kvb_event* events, uint32_t max) {
    struct skeleton* self = object;
    /* The kernel adds the present time; a limit of 146 years keeps that in range. */
    const int64_t longest = INT64_C(1) << 62;
    const int64_t limited = timeout > longest ? longest : timeout;
    const struct timespec limit = {limited / 1000000000, limited % 1000000000};
    const int ready =
        ppoll(self->entries, self->count, timeout < 0 ? NULL : &limit, self->wait_mask);
    if (ready <= 0) {
        return ready == 0 ? 0 : -errno;
    }
    const uint32_t first = self->resume < self->count ? self->resume : 0;
    uint32_t filled = 0;
    uint32_t step = 0;
    for (; step < self->count && filled < max && filled < (uint32_t)ready; ++step) {
        const uint32_t at = first + step < self->count ? first + step : first + step - self->count;
        struct pollfd* entry = &self->entries[at];
        if (entry->revents == 0) {
            continue;
        }
        events[filled++] = (struct kvb_event){self->watches[at], (uint16_t)entry->revents, 0, NULL};
        if (self->variant == VARIANT_ONE_SHOT || (entry->revents & POLLNVAL) != 0) {
            entry->fd = ~entry->fd; /* ppoll passes over negative numbers */
        }
    }
    self->resume = (uint32_t)ready > max ? (first + step) % self->count : 0;
    return (int)filled;
}

/*
 * close: Required. Removes everything and frees the object. A forked child calls it too: a
 * mechanism with state in the kernel must then leave the parent's registrations alone, which
 * closing a descriptor of ours does and un-registering one by one would not.
 */
static void skeleton_close(void* object) {
    struct skeleton* self = object;
    free(self->entries);
    free(self->watches);
    free(self);
}

static const struct kvb_variant variants[VARIANT_COUNT] = {
    [VARIANT_LEVEL] = {"level", KVB_TRIGGER_LEVEL, KVB_READ_ONCE,
                       KVB_CAP_MODIFY | KVB_CAP_SIGMASK | KVB_CAP_FINE_TIMEOUT, 0},
    [VARIANT_ONE_SHOT] = {"one-shot", KVB_TRIGGER_ONE_SHOT, KVB_READ_ONCE,
                          KVB_CAP_MODIFY | KVB_CAP_SIGMASK | KVB_CAP_FINE_TIMEOUT, 0},
};

static const struct kvb_plugin plugin = {
    .abi = KVB_PLUGIN_ABI,
    .plugin_size = sizeof(struct kvb_plugin),
    .config_size = sizeof(struct kvb_config),
    .watch_size = sizeof(struct kvb_watch),
    .event_size = sizeof(struct kvb_event),
    .variant_size = sizeof(struct kvb_variant),
    .mechanism = "skeleton",
    .variants = variants,
    .variant_count = VARIANT_COUNT,
    .probe = skeleton_probe,
    .open = skeleton_open,
    .add = skeleton_add,
    .modify = skeleton_modify,
    .remove = skeleton_remove,
    /*
     * submit: Optional. Null in a readiness mechanism: the host makes the same system calls for all
     * of them. A completion mechanism starts the operation here and answers KVB_QUEUED.
     */
    .submit = NULL,
    /* flush: Optional. Null because add, modify and remove take effect at once. */
    .flush = NULL,
    .wait = skeleton_wait,
    .close = skeleton_close,
};

/* The one exported symbol. Required. Must not block or allocate. */
__attribute__((visibility("default"))) const struct kvb_plugin* kvb_plugin_entry(void) {
    return &plugin;
}
