// SPDX-License-Identifier: MIT
//
// Every adapter type of this program. A workload's loop is instantiated once for each of them; a
// further mechanism is one more entry here.
#pragma once

#include "kevbench/adapter/epoll.hpp"
#include "kevbench/adapter/kevent_mapped.hpp"
#include "kevbench/adapter/kevent_naio.hpp"
#include "kevbench/adapter/kevent_queue.hpp"
#include "kevbench/adapter/null.hpp"
#include "kevbench/adapter/plugin_adapter.hpp"
#include "kevbench/adapter/poll.hpp"
#include "kevbench/adapter/ring_completion.hpp"
#include "kevbench/adapter/ring_poll.hpp"
#include "kevbench/adapter/select.hpp"

namespace kevbench::adapter {

template <class... A>
struct type_list {};

using builtin_adapters =
    type_list<null_adapter, select_adapter, poll_adapter, epoll_adapter<epoll_call::wait>,
              epoll_adapter<epoll_call::pwait2>, ring_poll_adapter, ring_completion_adapter,
              kevent_queue_adapter, kevent_mapped_adapter, kevent_naio_adapter, plugin_adapter>;

}  // namespace kevbench::adapter
