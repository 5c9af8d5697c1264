// SPDX-License-Identifier: MIT
#include "kevbench/adapter/ring_completion.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <new>
#include <utility>

#include "kevbench/adapter/detail/descriptor.hpp"
#include "kevbench/adapter/detail/direct_io.hpp"

namespace kevbench::adapter {
namespace {

using detail::request_id;
using detail::request_kind;

constexpr std::uint32_t receiving = bits::readable | bits::acceptable;

/// How long one round of waiting for cancelled requests lasts before they are cancelled again: a
/// request that the kernel thread is just working on can be missed.
constexpr std::int64_t cancel_round = 10'000'000;

/// Rounds after which close() stops waiting for a kernel that does not answer.
constexpr int cancel_rounds = 500;

void mark_failed(event& report) noexcept {
    if (detail::is_permanent(report.result)) {
        report.bits = bits::broken;
    }
}

}  // namespace

int ring_completion_adapter::open(const config& settings) noexcept {
    int status = ring_.open(settings, variant_.mode);
    if (status != 0) {
        return status;
    }
    status = slots_.open(settings.max_watches);
    if (status == 0) {
        status = buffers_.open(ring_.native(), settings.buffers);
    }
    if (status == 0) {
        try {
            held_.resize(settings.max_batch);
            starved_.reserve(settings.max_watches);
            sends_.open(detail::send_capacity(settings));
        } catch (const std::bad_alloc&) {
            status = -ENOMEM;
        }
    }
    if (status != 0) {
        close();
        return status;
    }
    max_batch_ = settings.max_batch;
    return 0;
}

int ring_completion_adapter::add(watch& target) noexcept {
    if ((target.interest & bits::writable) != 0) {
        return -EINVAL;
    }
    int status = slots_.acquire(target);
    if (status != 0) {
        return status;
    }
    slot_type& slot = *slots_.find(target);
    status = ring_.bind_file(target.slot, target.fd);
    if (status == 0 && (target.interest & receiving) != 0) {
        slot.state.wanted = true;
        status = start_receive(slot);
    }
    if (status != 0) {
        slots_.release(target);
    }
    return status;
}

int ring_completion_adapter::modify(watch& target) noexcept {
    slot_type* const slot = slots_.find(target);
    if (slot == nullptr) {
        return -ENOENT;
    }
    if (target.fd < 0) {
        return -EINVAL;  // a native source has no interest
    }
    if ((target.interest & bits::writable) != 0) {
        return -EINVAL;
    }
    stream& state = slot->state;
    const bool was_wanted = std::exchange(state.wanted, (target.interest & receiving) != 0);
    if (state.wanted) {
        return state.armed || state.starved ? 0 : start_receive(*slot);
    }
    return was_wanted && state.armed ? cancel_receive(*slot, target.slot) : 0;
}

int ring_completion_adapter::remove(watch& target) noexcept {
    slot_type* const slot = slots_.find(target);
    if (slot == nullptr) {
        return -ENOENT;
    }
    int status = slot->state.armed ? cancel_receive(*slot, target.slot) : 0;
    // Queued requests name the descriptor, whose number the caller may reuse as soon as we return.
    if (const int resolved = ring_.submit_and_resolve(); status == 0) {
        status = resolved;
    }
    if (!slot->state.sends.empty() && status == 0) {
        status = await_end(*slot, request_kind::send);
    }
    if (slot->state.armed && slot->state.kind == request_kind::read && status == 0) {
        status = await_end(*slot, request_kind::read);
    }
    sends_.drop(slot->state.sends);
    if (slot->state.starved) {
        std::erase(starved_, request_id{slot->generation, target.slot, slot->state.kind}.packed());
    }
    if (target.fd >= 0) {
        if (const int unbound = ring_.bind_file(target.slot, -1); status == 0) {
            status = unbound;
        }
    }
    slots_.release(target);
    return status;
}

submission ring_completion_adapter::submit(const operation& op) noexcept {
    slot_type* const slot = slots_.find(*op.target);
    if (slot == nullptr) {
        return {verdict::done, -ENOENT};
    }
    stream& state = slot->state;
    if (op.kind != op_kind::send) {
        if (!state.wanted) {
            return {verdict::done, -EINVAL};
        }
        const bool going = state.armed || state.starved || start_receive(*slot) == 0;
        return {going ? verdict::queued : verdict::full, 0};
    }
    if (sends_.full()) {
        return {verdict::full, 0};
    }
    const bool first = state.sends.empty();
    sends_.push(state.sends, op.buffer, op.size);
    if (first && start_send(*slot) != 0) {
        sends_.pop(state.sends);
        return {verdict::full, 0};
    }
    return {verdict::queued, 0};
}

int ring_completion_adapter::start_receive(slot_type& slot) noexcept {
    io_uring_sqe* const entry = ring_.take_entry();
    if (entry == nullptr) {
        return -EAGAIN;
    }
    const watch& target = *slot.target;
    if ((target.interest & bits::acceptable) != 0) {
        slot.state.kind = request_kind::accept;
        io_uring_prep_multishot_accept(entry, target.fd, nullptr, nullptr, detail::accept_flags);
    } else {
        slot.state.kind = request_kind::receive;
        if (target.socket) {
            io_uring_prep_recv_multishot(entry, target.fd, nullptr, 0, 0);
        } else {
            constexpr auto current_position = ~std::uint64_t{0};
            io_uring_prep_read(entry, target.fd, nullptr, buffers_.size(), current_position);
        }
        entry->flags |= IOSQE_BUFFER_SELECT;
        entry->buf_group = detail::buffer_ring::group;
    }
    ring_.aim(*entry, target);
    io_uring_sqe_set_data64(entry,
                            request_id{slot.generation, target.slot, slot.state.kind}.packed());
    slot.state.armed = true;
    ++in_flight_;
    return 0;
}

int ring_completion_adapter::start_send(slot_type& slot) noexcept {
    io_uring_sqe* const entry = ring_.try_entry();
    if (entry == nullptr) {
        return -EAGAIN;
    }
    const watch& target = *slot.target;
    const detail::pending_send& send = sends_.front(slot.state.sends);
    std::byte* const rest = send.rest();
    const std::size_t size = send.left();
    if (target.socket) {
        // WAITALL makes the kernel itself send what did not fit at first.
        io_uring_prep_send(entry, target.fd, rest, size, MSG_NOSIGNAL | MSG_WAITALL);
    } else {
        constexpr auto current_position = ~std::uint64_t{0};
        io_uring_prep_write(entry, target.fd, rest, static_cast<unsigned>(size), current_position);
    }
    ring_.aim(*entry, target);
    io_uring_sqe_set_data64(entry,
                            request_id{slot.generation, target.slot, request_kind::send}.packed());
    ++in_flight_;
    return 0;
}

int ring_completion_adapter::cancel_receive(const slot_type& slot, std::uint32_t number) noexcept {
    io_uring_sqe* const entry = ring_.take_entry();
    if (entry == nullptr) {
        return -EAGAIN;
    }
    const request_id id{slot.generation, number, slot.state.kind};
    io_uring_prep_cancel64(entry, id.packed(), 0);
    io_uring_sqe_set_data64(entry, detail::control_request.packed());
    io_uring_sqe_set_flags(entry, IOSQE_CQE_SKIP_SUCCESS);
    return 0;
}

void ring_completion_adapter::rearm(slot_type& slot) noexcept {
    slot.state.armed = false;
    if (slot.state.wanted && start_receive(slot) != 0) {
        starve(slot);
    }
}

void ring_completion_adapter::starve(slot_type& slot) noexcept {
    slot.state.starved = true;
    // One entry a slot at most, so never beyond the capacity reserved by open().
    starved_.push_back(request_id{slot.generation, slot.target->slot, slot.state.kind}.packed());
}

bool ring_completion_adapter::conclude(slot_type& slot, request_kind kind, bool last,
                                       std::uint32_t flags, event& report) noexcept {
    if ((flags & IORING_CQE_F_BUFFER) != 0) {  // picked, then not filled
        buffers_.give_back(flags >> IORING_CQE_BUFFER_SHIFT);
        buffers_.publish();
    }
    switch (kind) {
        case request_kind::receive:
            return conclude_receive(slot, last, report);
        case request_kind::send:
            return conclude_send(slot, report);
        case request_kind::accept:
            return conclude_accept(slot, last, report);
        case request_kind::timer:
            return conclude_timer(slot, last, report);
        case request_kind::read:
            return conclude_read(slot, report);
        case request_kind::post:
            report.bits = bits::occurred;  // the result is their number
            return true;
        default:
            return false;
    }
}

bool ring_completion_adapter::conclude_receive(slot_type& slot, bool last, event& report) noexcept {
    report.bits = bits::received;
    if (last) {
        slot.state.armed = false;
    }
    if (report.result == -ENOBUFS) {
        if (slot.state.wanted) {
            starve(slot);
        }
        return false;
    }
    // Cancelled by modify(), or because the thread that submitted it has exited.
    if (report.result == -ECANCELED || report.result == -EINTR) {
        rearm(slot);
        return false;
    }
    mark_failed(report);
    return true;
}

bool ring_completion_adapter::conclude_accept(slot_type& slot, bool last, event& report) noexcept {
    report.bits = bits::accepted;
    mark_failed(report);
    if (last && report.bits != bits::broken) {
        rearm(slot);
    } else if (last) {
        slot.state.armed = false;
    }
    return report.result != -ECANCELED && report.result != -EINTR;
}

bool ring_completion_adapter::conclude_send(slot_type& slot, event& report) noexcept {
    stream& state = slot.state;
    detail::pending_send& send = sends_.front(state.sends);
    if (report.result > 0) {
        send.moved += static_cast<std::size_t>(report.result);
        if (send.left() != 0 && start_send(slot) == 0) {
            return false;
        }
        report.result = static_cast<std::int32_t>(send.moved);
    }
    report.bits = bits::sent;
    sends_.pop(state.sends);
    if (!state.sends.empty() && start_send(slot) != 0) {
        // No room even after submitting: the kernel refuses work. What was queued is lost, which
        // the sender of a stream must learn of.
        sends_.drop(state.sends);
        report.result = -ENOBUFS;
    }
    return true;
}

void ring_completion_adapter::discard(const detail::completion& done) noexcept {
    if ((done.flags & IORING_CQE_F_BUFFER) != 0) {
        buffers_.give_back(done.flags >> IORING_CQE_BUFFER_SHIFT);
        buffers_.publish();
    }
    if (request_id{done.user_data}.kind() == request_kind::accept && done.result >= 0) {
        const detail::descriptor connection{done.result};
    }
}

void ring_completion_adapter::recycle() noexcept {
    const std::uint32_t returned = std::exchange(held_count_, 0);
    if (returned != 0) {
        for (std::uint32_t at = 0; at < returned; ++at) {
            buffers_.give_back(held_[at]);
        }
        buffers_.publish();
    }
    if (starved_.empty()) {
        return;
    }
    // As many as have a buffer waiting for them, else all would fail again on every wait(). With
    // nothing left to deliver, the kernel has every buffer.
    const bool idle = stash_.empty() && ring_.head() == ring_.tail();
    restart(idle ? buffers_.count() : returned);
    // Those may have nothing to receive (Linux 6.12 ends a multishot receive that has just emptied
    // its socket with ENOBUFS), and then must not keep the others waiting.
    while (idle && !starved_.empty() && ring_.settle(0) == 0) {
        const std::size_t before = starved_.size();
        restart(buffers_.count());
        if (starved_.size() == before) {
            break;  // the kernel takes no more
        }
    }
}

void ring_completion_adapter::restart(std::size_t most) noexcept {
    const std::size_t count = std::min(most, starved_.size());
    for (std::size_t at = 0; at < count; ++at) {
        if (slot_type* const slot = slots_.find(request_id{starved_[at]}); slot != nullptr) {
            slot->state.starved = false;
            if (slot->state.wanted && start_receive(*slot) != 0) {
                starve(*slot);
            }
        }
    }
    starved_.erase(starved_.begin(), starved_.begin() + static_cast<std::ptrdiff_t>(count));
}

int ring_completion_adapter::stash_completions() noexcept {
    const unsigned tail = ring_.tail();
    try {
        for (unsigned head = ring_.head(); head != tail; ++head) {
            stash_.push_back(ring_.at(head));
            ring_.release_until(head + 1);
        }
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    }
    batch_tail_ = tail;
    return 0;
}

int ring_completion_adapter::await_end(const slot_type& slot, request_kind kind) noexcept {
    const std::uint64_t wanted = request_id{slot.generation, slot.target->slot, kind}.packed();
    std::size_t seen = stash_next_;
    for (;;) {
        ring_.cancel_now(wanted);
        if (const int status = stash_completions(); status != 0) {
            return status;
        }
        for (; seen != stash_.size(); ++seen) {
            if (stash_[seen].user_data == wanted) {
                return 0;
            }
        }
        const int status = ring_.await_any(cancel_round);
        if (status < 0 && status != -ETIME && status != -EINTR) {
            return status;
        }
    }
}

void ring_completion_adapter::quiesce() noexcept {
    // One by one, for the reason given in ring_poll's close(); what is left goes below.
    slots_.for_each([this](slot_type& slot, std::uint32_t number) {
        if (slot.state.armed && cancel_receive(slot, number) == 0) {
            static_cast<void>(stash_completions());
        }
    });
    for (int round = 0; round < cancel_rounds && in_flight_ != 0; ++round) {
        ring_.cancel_everything();
        if (stash_completions() != 0) {
            return;
        }
        for (; stash_next_ != stash_.size(); ++stash_next_) {
            const detail::completion& done = stash_[stash_next_];
            if ((done.flags & IORING_CQE_F_MORE) == 0 && is_own(request_id{done.user_data})) {
                --in_flight_;
            }
            discard(done);
        }
        stash_.clear();
        stash_next_ = 0;
        if (in_flight_ != 0) {
            const int status = ring_.await_any(cancel_round);
            if (status < 0 && status != -ETIME && status != -EINTR) {
                return;
            }
        }
    }
}

void ring_completion_adapter::close() noexcept {
    if (ring_.is_open() && ring_.owned()) {
        quiesce();
    }
    ring_.close();
    buffers_.close();
    slots_.close();
    starved_.clear();
    stash_.clear();
    stash_next_ = 0;
    in_flight_ = 0;
}

static_assert(event_adapter<ring_completion_adapter>);

}  // namespace kevbench::adapter
