// SPDX-License-Identifier: MIT
//
// What kevent_naio_adapter starts and how it ends.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "kevbench/adapter/detail/direct_io.hpp"
#include "kevbench/adapter/kevent_naio.hpp"

namespace kevbench::adapter {

using detail::request_id;
using detail::request_kind;

void kevent_naio_adapter::place_parameters() noexcept {
    for (std::size_t at = 0; at < changes_.size(); ++at) {
        if (changes_[at].type == KEVENT_NAIO) {
            const auto address = reinterpret_cast<std::uintptr_t>(&parameters_[at]);
            changes_[at].ret_data[0] = static_cast<std::uint32_t>(address);
            changes_[at].ret_data[1] = static_cast<std::uint32_t>(std::uint64_t{address} >> 32);
        }
    }
}

void kevent_naio_adapter::settle(bool any_came_back) noexcept {
    // What follows from a result is a change for the next call; at most one for each of these.
    changes_.swap(handed_over_);
    parameters_.swap(handed_parameters_);
    for (std::size_t at = 0; any_came_back && at < handed_over_.size(); ++at) {
        const ukevent& change = handed_over_[at];
        if (change.ret_flags == 0 || change.user_u64 == detail::control_request.packed()) {
            continue;
        }
        if (change.type == KEVENT_NAIO) {
            settle_operation(change, handed_parameters_[at]);
        } else if ((change.ret_flags & KEVENT_RET_BROKEN) != 0) {
            settle_registration(change);
        }
    }
    handed_over_.clear();
    handed_parameters_.clear();
}

void kevent_naio_adapter::settle_operation(const ukevent& change,
                                           const kevent_aio& parameters) noexcept {
    const request_id id{change.user_u64};
    const bool broken = (change.ret_flags & KEVENT_RET_BROKEN) != 0;
    const auto result = static_cast<std::int32_t>(change.ret_data[broken ? 1 : 0]);
    slot_type* const slot = slots_.find(id);
    if (id.kind() == request_kind::send) {
        if (slot != nullptr) {
            conclude_send(*slot, result);
        }
        return;
    }
    const std::uint32_t buffer = buffers_.index_of(parameters.buf);
    if (slot != nullptr) {
        conclude_receive(*slot, result, buffer);
    } else {
        buffers_.give_back(buffer);
    }
}

void kevent_naio_adapter::settle_registration(const ukevent& change) noexcept {
    slot_type* const slot = slots_.find(request_id{change.user_u64});
    const auto result = static_cast<std::int32_t>(change.ret_data[1]);
    if (slot == nullptr || result >= 0) {
        return;  // removed, or replaced by what follows
    }
    stream& state = slot->state;
    if (result == -EPERM && !slot->target->socket) {
        state.unpollable = true;  // always ready, as poll(2) has it
        if ((state.mask & bits::readable) != 0) {
            receive_later(*slot);
        }
        return;
    }
    state.mask = 0;
    state.over = true;
    report(*slot, bits::broken, result, none);
}

std::uint32_t kevent_naio_adapter::take_records(std::uint32_t limit) noexcept {
    // No more than can be received at once and delivered in turn.
    const auto pending = static_cast<std::uint32_t>(finished_.size());
    const std::uint32_t room = limit > pending ? limit - pending : 1;
    std::uint32_t count = std::min({kevent_mapped_count(&mapped_), room, max_batch_});
    if (unreported_others_ >= max_batch_ || buffers_.available() == 0) {
        count = 0;
    }
    count = std::min(count, buffers_.count());
    const ukevent* const events = mapped_.ring->event;
    for (std::uint32_t at = 0; at < count; ++at) {
        const ukevent& each = events[(mapped_.head + at) & mapped_.mask];
        batch_[at] = {each.user_u64, each.ret_flags, each.ret_data[0],
                      static_cast<std::int32_t>(each.ret_data[1])};
    }
    if (count != 0) {
        kevent_mapped_release(&mapped_, count);
    }
    since_call_ += count;
    for (std::uint32_t at = 0; at < count; ++at) {
        handle(batch_[at]);
    }
    return count;
}

void kevent_naio_adapter::handle(const record& each) noexcept {
    const request_id id{each.user};
    slot_type* const slot = slots_.find(id);
    if (slot == nullptr) {
        return;
    }
    const bool broken = (each.ret_flags & KEVENT_RET_BROKEN) != 0;
    if (id.kind() == request_kind::send) {
        conclude_send(*slot, broken ? each.failure : static_cast<std::int32_t>(each.fired));
        return;
    }
    stream& state = slot->state;
    if (broken) {
        state.mask = 0;  // an error and nothing to read, or closed: the next attempt tells
    }
    const bool otherwise = broken || (each.fired & ~bits::writable) != 0;
    if (!slot->target->socket && !state.sends.empty() &&
        (otherwise || (each.fired & bits::writable) != 0)) {
        write_on(*slot);
    }
    if (otherwise && state.wanted && !state.over) {
        start_receive(*slot);
    }
}

void kevent_naio_adapter::start_ready() noexcept {
    std::size_t started = 0;
    while (started < ready_.size() && buffers_.available() != 0) {
        // One that finds no buffer is put behind the others, which `started` does not reach.
        if (slot_type* const slot = slots_.find(request_id{ready_[started++]})) {
            slot->state.queued = false;
            start_receive(*slot);
        }
    }
    ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(started));
}

void kevent_naio_adapter::receive_later(slot_type& slot) noexcept {
    if (!std::exchange(slot.state.queued, true)) {
        ready_.push_back(identify(slot, request_kind::receive).packed());
    }
}

void kevent_naio_adapter::start_receive(slot_type& slot) noexcept {
    const watch& target = *slot.target;
    if (slot.state.listening) {
        accept_one(slot);
        return;
    }
    if (buffers_.available() == 0) {
        receive_later(slot);
        return;
    }
    const std::uint32_t buffer = buffers_.take();
    std::byte* const memory = buffers_.data(buffer);
    if (!target.socket) {
        const ssize_t moved = ::read(target.fd, memory, buffers_.size());
        conclude_receive(slot, moved < 0 ? -errno : static_cast<std::int32_t>(moved), buffer);
        return;
    }
    const request_id id = identify(slot, request_kind::receive);
    // Handed back when done, which it is at once: no ALWAYS_QUEUE.
    ukevent change = kevent_request(KEVENT_NAIO, static_cast<unsigned>(target.fd), KEVENT_NAIO_RECV,
                                    KEVENT_REQ_ONESHOT, id.packed());
    change.id.raw[1] = operation_number(id);
    change.ret_flags = KEVENT_CTL_ADD;
    kevent_aio parameters{};
    parameters.flags = MSG_DONTWAIT;
    parameters.buf = reinterpret_cast<std::uintptr_t>(memory);
    parameters.len = buffers_.size();
    if (const int status = postpone(change, parameters); status != 0) {
        conclude_receive(slot, status, buffer);
    }
}

void kevent_naio_adapter::conclude_receive(slot_type& slot, std::int32_t result,
                                           std::uint32_t buffer) noexcept {
    stream& state = slot.state;
    const bool going = state.wanted && !state.over;
    if (result > 0) {
        report(slot, bits::received, result, buffer);
        // A regular file has more; after a stop, what had arrived may have filled the buffer.
        const bool filled = static_cast<std::uint32_t>(result) == buffers_.size();
        if (going ? state.unpollable : filled) {
            receive_later(slot);
        }
        static_cast<void>(register_interest(slot));
        return;
    }
    buffers_.give_back(buffer);
    if (result == -EAGAIN && (!going || state.mask != 0)) {
        return;  // taken already
    }
    // Nothing to take although the kernel gave the registration up: nothing will come, either.
    const bool permanent = detail::is_permanent(result) || result == -EAGAIN;
    state.over = true;
    report(slot, permanent ? bits::broken : bits::received, result, none);
    static_cast<void>(register_interest(slot));
}

void kevent_naio_adapter::accept_one(slot_type& slot) noexcept {
    const submission done = detail::perform({op_kind::accept, slot.target});
    const std::int32_t result = done.result;
    if (result == -EAGAIN && slot.state.mask != 0) {
        return;
    }
    // Nothing to take although the kernel gave the registration up: nothing will come, either.
    const bool permanent = detail::is_permanent(result) || result == -EAGAIN;
    slot.state.over = permanent;
    report(slot, permanent ? bits::broken : bits::accepted, result, none);
    static_cast<void>(register_interest(slot));
}

void kevent_naio_adapter::start_send(slot_type& slot) noexcept {
    const watch& target = *slot.target;
    const detail::pending_send& send = sends_.front(slot.state.sends);
    const request_id id = identify(slot, request_kind::send);
    ukevent change = kevent_request(KEVENT_NAIO, static_cast<unsigned>(target.fd), KEVENT_NAIO_SEND,
                                    KEVENT_REQ_ONESHOT, id.packed());
    change.id.raw[1] = operation_number(id);
    change.ret_flags = KEVENT_CTL_ADD;
    kevent_aio parameters{};
    parameters.flags = MSG_NOSIGNAL;
    parameters.buf = reinterpret_cast<std::uintptr_t>(send.rest());
    parameters.len = send.left();
    slot.state.sending = true;
    if (const int status = postpone(change, parameters); status != 0) {
        conclude_send(slot, status);
    }
}

void kevent_naio_adapter::write_on(slot_type& slot) noexcept {
    detail::send_line& line = slot.state.sends;
    while (!line.empty()) {
        const detail::pending_send& send = sends_.front(line);
        const ssize_t moved = ::write(slot.target->fd, send.rest(), send.left());
        if (moved < 0 && errno == EAGAIN) {
            break;
        }
        conclude_send(slot, moved < 0 ? -errno : static_cast<std::int32_t>(moved));
    }
    static_cast<void>(register_interest(slot));
}

void kevent_naio_adapter::conclude_send(slot_type& slot, std::int32_t result) noexcept {
    stream& state = slot.state;
    detail::pending_send& send = sends_.front(state.sends);
    state.sending = false;
    if (result > 0) {
        send.moved += static_cast<std::size_t>(result);
        result = static_cast<std::int32_t>(send.moved);
    }
    if (result <= 0 || send.left() == 0) {
        sends_.pop(state.sends);
        report(slot, bits::sent, result, none);
    }
    if (slot.target->socket && !state.sends.empty()) {
        start_send(slot);
    }
}

void kevent_naio_adapter::report(const slot_type& slot, std::uint32_t what, std::int32_t result,
                                 std::uint32_t buffer) noexcept {
    unreported_others_ += what == bits::sent ? 0 : 1;
    finished_.push_back({identify(slot, request_kind::receive).packed(), what, result, buffer});
}

}  // namespace kevbench::adapter
