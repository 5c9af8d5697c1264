// SPDX-License-Identifier: MIT
//
// The native sources of ring_poll_adapter.
#include <cerrno>

#include "kevbench/adapter/ring_poll.hpp"
#include "native_requests.hpp"

namespace kevbench::adapter {

using detail::request_id;
using detail::request_kind;

int ring_poll_adapter::add_timer(watch& target, const timer_plan& plan) noexcept {
    return detail::place_timer(slots_, timers_, target, plan,
                               [this](slot_type& slot) { return start_timer(slot); });
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
    return detail::request_timer(ring_, timers_, slot);
}

bool ring_poll_adapter::conclude_timer(slot_type& slot, bool last, event& report) noexcept {
    slot.state.armed = slot.state.armed && !last;
    return timers_.conclude(slot.target->slot, last, report,
                            [this, &slot] { return start_timer(slot); });
}

int ring_poll_adapter::start_read(watch& target, const file_read& read) noexcept {
    return detail::request_read(ring_, slots_, target, read);
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
    return detail::post_to(ring_, adapter_->slots_, target);
}

static_assert(timer_source<ring_poll_adapter>);
static_assert(user_source<ring_poll_adapter>);
static_assert(file_source<ring_poll_adapter>);

}  // namespace kevbench::adapter
