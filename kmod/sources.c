// SPDX-License-Identifier: GPL-2.0-only
/* The table of event sources: one row a type. */
#include "kevent_core.h"

const struct kevent_source_ops *const kevent_sources[KEVENT_MAX] = {
};
