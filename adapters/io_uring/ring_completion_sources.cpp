// SPDX-License-Identifier: MIT
//
// The native sources of ring_completion_adapter.
#include <cerrno>

#include "kevbench/adapter/ring_completion.hpp"
#include "native_requests.hpp"

namespace kevbench::adapter {

int ring_completion_adapter::add_timer(watch& target, const timer_plan& plan) noexcept {
    return detail::place_timer(slots_, timers_, target, plan,
                               [this](slot_type& slot) { return start_timer(slot); });
}

int ring_completion_adapter::rearm_timer(watch& target, const timer_plan& plan) noexcept {
    slot_type* const slot = slots_.find(target);
    if (slot == nullptr) {
        return -ENOENT;
    }
    if (slot->state.armed) {
        if (const int status = cancel_receive(*slot, target.slot); status != 0) {
            return status;
        }
        slots_.renew(*slot);  // what the old request still reports is dropped
    }
    timers_.plan(target.slot, plan);
    return start_timer(*slot);
}

int ring_completion_adapter::start_timer(slot_type& slot) noexcept {
    const int status = detail::request_timer(ring_, timers_, slot);
    if (status == 0) {
        ++in_flight_;
    }
    return status;
}

bool ring_completion_adapter::conclude_timer(slot_type& slot, bool last, event& report) noexcept {
    slot.state.armed = slot.state.armed && !last;
    return timers_.conclude(slot.target->slot, last, report,
                            [this, &slot] { return start_timer(slot); });
}

int ring_completion_adapter::start_read(watch& target, const file_read& read) noexcept {
    const int status = detail::request_read(ring_, slots_, target, read);
    if (status == 0) {
        ++in_flight_;
    }
    return status;
}

bool ring_completion_adapter::conclude_read(slot_type& slot, event& report) noexcept {
    slot.state.armed = false;
    report.bits = bits::occurred;
    return true;
}

int ring_completion_adapter::poster_type::open(ring_completion_adapter& adapter) noexcept {
    adapter_ = &adapter;
    return ring_.open(adapter.ring_);
}

int ring_completion_adapter::poster_type::post(watch& target) noexcept {
    return detail::post_to(ring_, adapter_->slots_, target);
}

static_assert(timer_source<ring_completion_adapter>);
static_assert(user_source<ring_completion_adapter>);
static_assert(file_source<ring_completion_adapter>);

}  // namespace kevbench::adapter
