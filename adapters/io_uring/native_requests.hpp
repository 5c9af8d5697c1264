// SPDX-License-Identifier: MIT
//
// Timers, file reads and posts as requests of a ring: what both adapters of io_uring do alike.
// `State` is a slot's, with `armed` and `kind`.
#pragma once

#include <cerrno>
#include <cstdint>

#include "kevbench/adapter/detail/ring.hpp"
#include "kevbench/adapter/detail/ring_poster.hpp"
#include "kevbench/adapter/detail/ring_slots.hpp"
#include "kevbench/adapter/detail/ring_timers.hpp"
#include "kevbench/adapter/native_sources.hpp"

namespace kevbench::adapter::detail {

template <class State>
std::uint64_t packed_id(const ring_slot<State>& slot, request_kind kind) noexcept {
    return request_id{slot.generation, slot.target->slot, kind}.packed();
}

template <class State>
void mark_armed(ring_slot<State>& slot, request_kind kind) noexcept {
    slot.state.armed = true;
    slot.state.kind = kind;
}

/// Gives a timer watch a slot and its plan, and has `start(slot)` make the first request. 0 or
/// -errno, with nothing kept.
template <class State, class Start>
int place_timer(ring_slots<State>& slots, ring_timers& timers, watch& target,
                const timer_plan& plan, Start start) noexcept {
    int status = timers.reserve(slots.size());
    if (status == 0) {
        status = slots.acquire_native(target);
    }
    if (status != 0) {
        return status;
    }
    timers.plan(target.slot, plan);
    status = start(*slots.find(target));
    if (status != 0) {
        slots.release(target);
    }
    return status;
}

/// Queues the request for the next expiration. 0 or -EAGAIN.
template <class State>
int request_timer(ring& instance, ring_timers& timers, ring_slot<State>& slot) noexcept {
    io_uring_sqe* const entry = instance.take_entry();
    if (entry == nullptr) {
        return -EAGAIN;
    }
    timers.prepare(*entry, slot.target->slot);
    io_uring_sqe_set_data64(entry, packed_id(slot, request_kind::timer));
    mark_armed(slot, request_kind::timer);
    return 0;
}

/// Queues a read for a reader's watch. 0, -ENOENT, -EBUSY while one is under way, or -EAGAIN.
template <class State>
int request_read(ring& instance, ring_slots<State>& slots, const watch& target,
                 const file_read& read) noexcept {
    ring_slot<State>* const slot = slots.find(target);
    if (slot == nullptr) {
        return -ENOENT;
    }
    if (slot->state.armed) {
        return -EBUSY;
    }
    io_uring_sqe* const entry = instance.take_entry();
    if (entry == nullptr) {
        return -EAGAIN;
    }
    io_uring_prep_read(entry, read.fd, read.buffer, read.size,
                       static_cast<std::uint64_t>(read.offset));
    io_uring_sqe_set_data64(entry, packed_id(*slot, request_kind::read));
    mark_armed(*slot, request_kind::read);
    return 0;
}

/// Posts to a user event. Any thread: the watch is registered, so its slot and generation do not
/// change meanwhile.
template <class State>
int post_to(ring_poster& poster, ring_slots<State>& slots, const watch& target) noexcept {
    const ring_slot<State>* const slot = slots.find(target);
    return slot == nullptr
               ? -ENOENT
               : poster.post(request_id{slot->generation, target.slot, request_kind::post});
}

}  // namespace kevbench::adapter::detail
