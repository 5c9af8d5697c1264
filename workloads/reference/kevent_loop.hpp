// SPDX-License-Identifier: MIT
//
// What a programmer would write for active_ratio on kevent's mapped ring, edge-triggered, without
// any adapter: the same stimulus, buffers, reads, counts and checks as engine/rounds.hpp, on
// libkevent. harness/reference.py holds the adapter loop to within 2 % of its instructions.
#pragma once

#include <kevent.h>

#include <cstdint>
#include <vector>

#include "engine/buffers.hpp"
#include "engine/flow.hpp"
#include "engine/rounds.hpp"
#include "engine/source.hpp"

namespace kevbench::workload::reference {

struct kevent_loop {
    /// Registers everything. Throws fault when a system call fails.
    explicit kevent_loop(const round_plan& plan);
    kevent_loop(const kevent_loop&) = delete;
    kevent_loop& operator=(const kevent_loop&) = delete;
    ~kevent_loop();

    std::uint32_t active;
    buffer_pool buffers;
    message stimulus;
    ssize_t (*emit)(int fd, const void* bytes, std::size_t size);  // as round_state has it
    message_counter<true> counter;
    std::vector<flow> flows;
    std::vector<flow*> turns;
    std::vector<ukevent> events;
    channel_set sources;
    kevent_mapped mapped{};
    flow** turn = nullptr;
    flow** last_turn = nullptr;
};

/// As kevbench_hot_rounds(). Throws fault when a system call fails.
void kevbench_hot_kevent(kevent_loop& loop, std::uint64_t operations, tally& work);

}  // namespace kevbench::workload::reference
