/* SPDX-License-Identifier: MIT */
/*
 * The C interface of adapters that live outside this program: one shared library, one function
 * that returns one table. adapters/skeleton is a complete example; docs/adapters.md tells the
 * story.
 *
 * Meaning: the contract is kevbench/adapter/contract.hpp, in C. Every hook returns 0 or a count on
 * success and a negative errno value otherwise. Hooks never read a clock, count or print, and must
 * not let C++ exceptions out.
 *
 * Threads: one object (the `self` that open() makes) is used by one thread at a time, several
 * objects in parallel. probe() may be called from any thread.
 *
 * Fork: after fork() the child may only close(), which must not disturb the parent's object.
 *
 * Versions: KVB_PLUGIN_ABI changes whenever a struct or the meaning of a hook does. The loader
 * refuses a library with another number, or with structs of another size, by name.
 */
#ifndef KEVBENCH_ADAPTER_PLUGIN_H
#define KEVBENCH_ADAPTER_PLUGIN_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KVB_PLUGIN_ABI 1

/* Interest and event bits: those of poll(2), and four of our own. */
#define KVB_READABLE 0x0001u
#define KVB_WRITABLE 0x0004u
#define KVB_ERROR 0x0008u
#define KVB_HANGUP 0x0010u
#define KVB_BROKEN 0x0020u /* beyond watching; report at most once per registration */
#define KVB_READ_HANGUP 0x2000u
#define KVB_ACCEPTABLE (1u << 16) /* interest: a listening socket */
#define KVB_RECEIVED (1u << 17)   /* events of completion adapters */
#define KVB_SENT (1u << 18)
#define KVB_ACCEPTED (1u << 19)

/* Capability bits of a variant; absent ability = absent bit. */
#define KVB_CAP_COMPLETION (1u << 0)       /* delivers data, not readiness */
#define KVB_CAP_SIGMASK (1u << 1)          /* honours wait_mask atomically */
#define KVB_CAP_FINE_TIMEOUT (1u << 2)     /* timeouts finer than one millisecond */
#define KVB_CAP_MODIFY (1u << 3)           /* modify() may change the interest */
#define KVB_CAP_EXCLUSIVE (1u << 4)        /* wakes one of several waiters */
#define KVB_CAP_KERNEL_THREAD (1u << 5)    /* a kernel thread works for it */
#define KVB_CAP_REGISTERED_FILES (1u << 6) /* descriptors are registered up front */
#define KVB_CAP_BATCHED_CONTROL (1u << 8)  /* add and modify take effect at flush or wait */

/* kvb_variant.trigger: when a watch that stays ready is reported again. */
#define KVB_TRIGGER_LEVEL 0u    /* on every wait while the condition holds */
#define KVB_TRIGGER_EDGE 1u     /* once per activity */
#define KVB_TRIGGER_ONE_SHOT 2u /* once; the consumer re-arms with modify() */

/* kvb_variant.discipline: how consumers read after an event. */
#define KVB_READ_ONCE 0u
#define KVB_READ_DRAIN 1u

#define KVB_WAIT_FOREVER INT64_C(-1)

/*
 * One registration. Owned by the host at a fixed address from add() to the return of remove(). The
 * plug-in may keep the pointer in between and use `slot` as it likes; it reads the rest.
 */
struct kvb_watch {
    int fd;
    uint32_t interest; /* KVB_READABLE, WRITABLE, ACCEPTABLE, READ_HANGUP; may be 0 */
    bool socket;       /* send and recv apply; otherwise write and read are used */
    bool pipe;         /* a pipe or FIFO */
    uint32_t slot;
};

/* One event, filled by wait(). */
struct kvb_event {
    struct kvb_watch* target;
    uint32_t bits;
    int32_t result;   /* completions: bytes (0 = end of stream), a descriptor, or -errno; else 0 */
    const void* data; /* with KVB_RECEIVED and result > 0; valid until the next wait() */
};

#define KVB_RECEIVE 0u
#define KVB_SEND 1u
#define KVB_ACCEPT 2u

/* One operation for submit(). The buffer of a send stays unchanged until its event or remove(). */
struct kvb_operation {
    uint8_t kind; /* KVB_RECEIVE, SEND, ACCEPT */
    struct kvb_watch* target;
    void* buffer;
    size_t size; /* bytes */
};

#define KVB_DONE 0u   /* performed: result is what the system call returned, or -errno */
#define KVB_QUEUED 1u /* an event will report it */
#define KVB_FULL 2u   /* no room, nothing was started: the host will wait() and try again */

struct kvb_submission {
    uint8_t verdict;
    int32_t result;
};

/* Equal receive buffers, owned by the host, outliving the object. */
struct kvb_buffers {
    void* base;     /* page-aligned, count * size bytes; null if the host has none */
    uint32_t count; /* a power of two */
    uint32_t size;  /* bytes of one */
};

struct kvb_config {
    uint32_t max_watches;       /* registered at once, at most */
    uint32_t max_batch;         /* events of one wait(), at most; at least 1 */
    struct kvb_buffers buffers; /* for completion adapters */
    const sigset_t* wait_mask;  /* null unless the variant has KVB_CAP_SIGMASK */
    uint32_t ring_entries;      /* 0 = the plug-in's choice */
};

/* One variant; name and all else constant while the library is loaded. */
struct kvb_variant {
    const char* name;          /* a-z 0-9 _ - +; mechanism and name together are unique */
    uint32_t trigger;          /* KVB_TRIGGER_* */
    uint32_t discipline;       /* KVB_READ_* */
    uint32_t capabilities;     /* KVB_CAP_* */
    uint32_t descriptor_limit; /* one more than the highest descriptor that works; 0 = no limit */
};

/* The table. Owned by the library and constant; the library is never unloaded once accepted. */
struct kvb_plugin {
    uint32_t abi;          /* KVB_PLUGIN_ABI; stays the first field for ever */
    uint32_t plugin_size;  /* sizeof(struct kvb_plugin) */
    uint32_t config_size;  /* sizeof(struct kvb_config) */
    uint32_t watch_size;   /* sizeof(struct kvb_watch) */
    uint32_t event_size;   /* sizeof(struct kvb_event) */
    uint32_t variant_size; /* sizeof(struct kvb_variant) */

    const char* mechanism;              /* Required: a-z 0-9 _ - + */
    const struct kvb_variant* variants; /* Required. */
    uint32_t variant_count;             /* At least 1. */

    /*
     * Required. May block, may allocate; leaves nothing behind. 0 if the variant works on this
     * kernel, found out by using it, else -errno, with one line into `reason` (`size` bytes,
     * always terminated) that says what is missing.
     */
    int (*probe)(uint32_t variant, char* reason, size_t size);
    /*
     * Required. May block, may allocate. Makes *self, which the plug-in owns until close(). The
     * config is the host's and gone when the hook returns, what it points to stays until close().
     */
    int (*open)(uint32_t variant, const struct kvb_config* config, void** self);
    /*
     * Required. May allocate, must not block. -EEXIST same watch or descriptor, -EBADF, -EPERM not
     * watchable, -EMFILE beyond descriptor_limit, -ENOSPC beyond max_watches.
     */
    int (*add)(void* self, struct kvb_watch* watch);
    /*
     * Required. Must not block. Reads watch->interest again and re-arms a one-shot watch; what
     * holds is reported again. -ENOENT, -EINVAL where the mechanism cannot.
     */
    int (*modify)(void* self, struct kvb_watch* watch);
    /*
     * Required. May block until operations in flight no longer touch the host's memory. The
     * descriptor is still open. Once it returns the watch must not be touched or reported; the
     * host itself drops it from events of a wait() that has already returned. -ENOENT.
     */
    int (*remove)(void* self, struct kvb_watch* watch);
    /*
     * Optional: null for readiness mechanisms, whose system calls the host then makes itself, and
     * Required with KVB_CAP_COMPLETION. Must not block.
     */
    struct kvb_submission (*submit)(void* self, const struct kvb_operation* operation);
    /* Optional: null if nothing is ever queued. Must not block. */
    int (*flush)(void* self);
    /*
     * Required. Blocks up to `timeout` nanoseconds (0 = not at all, KVB_WAIT_FOREVER), flushes
     * first, must not allocate. Fills at most `max` events (at most max_batch) of the host's array
     * and returns how many, 0 on timeout, -EINTR if a signal handler ran first. Never two events
     * of one watch in one call from a readiness mechanism. When more are ready than fit, later
     * calls get to them all in turn.
     */
    int (*wait)(void* self, int64_t timeout, struct kvb_event* events, uint32_t max);
    /* Required. Removes everything and frees self. Called once per successful open(). */
    void (*close)(void* self);
};

/* What the library exports, under the name KVB_PLUGIN_ENTRY. Does not block or allocate. */
typedef const struct kvb_plugin* (*kvb_plugin_entry_fn)(void);
#define KVB_PLUGIN_ENTRY "kvb_plugin_entry"
const struct kvb_plugin* kvb_plugin_entry(void);

#ifdef __cplusplus
}
#endif

#endif
