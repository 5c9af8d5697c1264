// SPDX-License-Identifier: MIT
// The module's pure parts as C++ sees them.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include <pure.h>

// The kernel orders the load of head before the store to the slot by the branch between them; a
// compiler, and with it the thread sanitizer, knows only loads that acquire.
#undef READ_ONCE
#define READ_ONCE(x) __atomic_load_n(&(x), __ATOMIC_ACQUIRE)

extern "C" {
#include <avl.h>
#include <kevent.h>
#include <mring.h>
#include <state.h>
#include <uring.h>
}
