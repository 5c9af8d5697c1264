// SPDX-License-Identifier: MIT
//
// The native sources of ring_poll_adapter.
#include <cerrno>

#include "kevbench/adapter/ring_poll.hpp"

namespace kevbench::adapter {

using detail::request_id;
using detail::request_kind;

int ring_poll_adapter::add_timer(watch& target, const timer_plan& plan) noexcept {
    int status = timers_.reserve(slots_.size());
    if (status == 0) {
        status = slots_.acquire_native(target);
    }
    if (status != 0) {
        return status;
    }
    timers_.plan(target.slot, plan);
    status = start_timer(*slots_.find(target));
    if (status != 0) {
        slots_.release(target);
    }
    return status;
}

int ring_poll_adapter::rearm_timer(watch& target, const timer_plan& plan) noexcept {
    slot_type* const slot = slots_.find(target);
    if (slot == nullptr) {
        return -ENOENT;
    }
    if (slot->state.armed) {
        if (const int status = disarm(*slot, target.slot); status != 0) {
            return status;
        }
    }
    timers_.plan(target.slot, plan);
    return start_timer(*slot);
}

int ring_poll_adapter::start_timer(slot_type& slot) noexcept {
    io_uring_sqe* const entry = ring_.take_entry();
    if (entry == nullptr) {
        return -EAGAIN;
    }
    const std::uint32_t number = slot.target->slot;
    timers_.prepare(*entry, number);
    io_uring_sqe_set_data64(entry,
                            request_id{slot.generation, number, request_kind::timer}.packed());
    slot.state.armed = true;
    slot.state.kind = request_kind::timer;
    return 0;
}

bool ring_poll_adapter::conclude_timer(slot_type& slot, bool last, event& report) noexcept {
    slot.state.armed = slot.state.armed && !last;
    return timers_.conclude(slot.target->slot, last, report,
                            [this, &slot] { return start_timer(slot); });
}

int ring_poll_adapter::start_read(watch& target, const file_read& read) noexcept {
    slot_type* const slot = slots_.find(target);
    if (slot == nullptr) {
        return -ENOENT;
    }
    if (slot->state.armed) {
        return -EBUSY;
    }
    io_uring_sqe* const entry = ring_.take_entry();
    if (entry == nullptr) {
        return -EAGAIN;
    }
    io_uring_prep_read(entry, read.fd, read.buffer, read.size,
                       static_cast<std::uint64_t>(read.offset));
    io_uring_sqe_set_data64(entry,
                            request_id{slot->generation, target.slot, request_kind::read}.packed());
    slot->state.armed = true;
    slot->state.kind = request_kind::read;
    return 0;
}

bool ring_poll_adapter::conclude_read(slot_type& slot, event& report) noexcept {
    slot.state.armed = false;
    report.bits = bits::occurred;
    return true;
}

int ring_poll_adapter::abandon_read(const slot_type& slot, std::uint32_t number) noexcept {
    if (const int status = ring_.submit_and_resolve(); status != 0) {
        return status;
    }
    const int status =
        ring_.cancel_now(request_id{slot.generation, number, request_kind::read}.packed());
    return status == -ENOENT ? 0 : status;
}

int ring_poll_adapter::poster_type::open(ring_poll_adapter& adapter) noexcept {
    adapter_ = &adapter;
    return ring_.open(adapter.ring_);
}

int ring_poll_adapter::poster_type::post(watch& target) noexcept {
    // Registered, so its slot and generation do not change meanwhile.
    const slot_type* const slot = adapter_->slots_.find(target);
    return slot == nullptr
               ? -ENOENT
               : ring_.post(request_id{slot->generation, target.slot, request_kind::post});
}

static_assert(timer_source<ring_poll_adapter>);
static_assert(user_source<ring_poll_adapter>);
static_assert(file_source<ring_poll_adapter>);

}  // namespace kevbench::adapter
