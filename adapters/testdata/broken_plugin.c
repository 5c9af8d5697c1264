/* SPDX-License-Identifier: MIT */
/*
 * Plug-ins the loader must refuse, one for each value of KVB_FAULT; 0 is a sound one.
 */
#include <errno.h>
#include <kevbench/adapter/plugin.h>
#include <stdio.h>

enum {
    SOUND,
    NO_ENTRY,
    NO_TABLE,
    WRONG_ABI,
    WRONG_SIZE,
    NO_WAIT,
    NO_SUBMIT,
    BAD_NAME,
    DUPLICATE,
    NO_VARIANTS,
    TWIN_VARIANTS
};

static int probe(uint32_t variant, char* reason, size_t size) {
    snprintf(reason, size, "variant %u is\nonly a test", variant);
    return -ENOSYS;
}
static int open_object(uint32_t variant, const struct kvb_config* config, void** self) {
    (void)variant;
    (void)config;
    *self = NULL;
    return -ENOSYS;
}
static int control(void* self, struct kvb_watch* watch) {
    (void)self;
    (void)watch;
    return -ENOSYS;
}
static int wait_events(void* self, int64_t timeout, struct kvb_event* events, uint32_t max) {
    (void)self;
    (void)timeout;
    (void)events;
    (void)max;
    return -ENOSYS;
}
static void close_object(void* self) {
    (void)self;
}

static const struct kvb_variant variants[] = {
    {KVB_FAULT == BAD_NAME    ? "Two Words"
     : KVB_FAULT == DUPLICATE ? "lt"
                              : "only",
     KVB_TRIGGER_LEVEL, KVB_READ_ONCE, KVB_FAULT == NO_SUBMIT ? KVB_CAP_COMPLETION : 0, 0},
    {"only", KVB_TRIGGER_LEVEL, KVB_READ_ONCE, 0, 0},
};

static const struct kvb_plugin table = {
    .abi = KVB_PLUGIN_ABI + (KVB_FAULT == WRONG_ABI ? 41 : 0),
    .plugin_size = sizeof(struct kvb_plugin),
    .config_size = sizeof(struct kvb_config),
    .watch_size = sizeof(struct kvb_watch) + (KVB_FAULT == WRONG_SIZE ? 8 : 0),
    .event_size = sizeof(struct kvb_event),
    .variant_size = sizeof(struct kvb_variant),
    .mechanism = KVB_FAULT == DUPLICATE ? "epoll" : "test",
    .variants = variants,
    .variant_count = KVB_FAULT == NO_VARIANTS     ? 0
                     : KVB_FAULT == TWIN_VARIANTS ? 2
                                                  : 1,
    .probe = probe,
    .open = open_object,
    .add = control,
    .modify = control,
    .remove = control,
    .wait = KVB_FAULT == NO_WAIT ? NULL : wait_events,
    .close = close_object,
};

#if KVB_FAULT == 1
const struct kvb_plugin* another_name(void);
const struct kvb_plugin* another_name(void) {
#else
const struct kvb_plugin* kvb_plugin_entry(void) {
#endif
    return KVB_FAULT == NO_TABLE ? NULL : &table;
}
