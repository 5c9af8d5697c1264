// SPDX-License-Identifier: MIT
#include "kevbench/adapter/ring_poll.hpp"

#include <array>
#include <cerrno>
#include <string_view>

#include "trial.hpp"

namespace kevbench::adapter {
namespace {

constexpr ring_poll_variant describe_variant(std::string_view name, ring_mode mode,
                                             bool multishot) {
    constexpr std::uint32_t common =
        caps::modify | caps::sigmask | caps::fine_timeout | caps::batched_control;
    return {{"io_uring", name, multishot ? trigger::edge : trigger::one_shot,
             multishot ? read_discipline::drain : read_discipline::once,
             common | detail::mode_capabilities(mode), 0},
            mode,
            multishot};
}

constexpr std::array all{
    describe_variant("poll", ring_mode::plain, false),
    describe_variant("poll+defer", ring_mode::defer, false),
    describe_variant("poll+fixed", ring_mode::fixed, false),
    describe_variant("poll+sqpoll", ring_mode::sqpoll, false),
    describe_variant("multishot", ring_mode::plain, true),
    describe_variant("multishot+defer", ring_mode::defer, true),
    describe_variant("multishot+fixed", ring_mode::fixed, true),
    describe_variant("multishot+sqpoll", ring_mode::sqpoll, true),
};

unsigned translate(const watch& target) noexcept {
    std::uint32_t wanted = target.interest & (bits::readable | bits::writable | bits::read_hangup);
    if ((target.interest & bits::acceptable) != 0) {
        wanted |= bits::readable;
    }
    return wanted;
}

}  // namespace

std::span<const ring_poll_variant> ring_poll_adapter::variants() {
    return all;
}

availability ring_poll_adapter::probe(const ring_poll_variant& variant) {
    return detail::try_out<ring_poll_adapter>(variant, detail::mode_feature(variant.mode));
}

int ring_poll_adapter::open(const config& settings) noexcept {
    if (const int status = ring_.open(settings, variant_.mode); status != 0) {
        return status;
    }
    if (const int status = slots_.open(settings.max_watches); status != 0) {
        ring_.close();
        return status;
    }
    max_batch_ = settings.max_batch;
    // Linux 6.18 under load: where work is deferred, a multishot timeout stops for good, seen
    // within a hundred runs.
    timers_ = detail::ring_timers{variant_.multishot && variant_.mode != ring_mode::defer};
    return 0;
}

int ring_poll_adapter::add(watch& target) noexcept {
    int status = slots_.acquire(target);
    if (status != 0) {
        return status;
    }
    status = ring_.bind_file(target.slot, target.fd);
    if (status == 0) {
        status = arm(*slots_.find(target));
    }
    if (status != 0) {
        slots_.release(target);
    }
    return status;
}

int ring_poll_adapter::modify(watch& target) noexcept {
    slot_type* const slot = slots_.find(target);
    if (slot == nullptr) {
        return -ENOENT;
    }
    if (target.fd < 0) {
        return -EINVAL;  // a native source has no interest
    }
    if (slot->state.armed) {
        if (const int status = disarm(*slot, target.slot); status != 0) {
            return status;
        }
    }
    return arm(*slot);
}

int ring_poll_adapter::remove(watch& target) noexcept {
    slot_type* const slot = slots_.find(target);
    if (slot == nullptr) {
        return -ENOENT;
    }
    int status = 0;
    if (slot->state.armed) {
        status = slot->state.kind == detail::request_kind::read ? abandon_read(*slot, target.slot)
                                                                : disarm(*slot, target.slot);
    }
    if (target.fd >= 0) {
        if (const int unbound = ring_.bind_file(target.slot, -1); status == 0) {
            status = unbound;
        }
    }
    slots_.release(target);
    return status;
}

int ring_poll_adapter::arm(slot_type& slot) noexcept {
    io_uring_sqe* const entry = ring_.take_entry();
    if (entry == nullptr) {
        return -EAGAIN;
    }
    const watch& target = *slot.target;
    if (variant_.multishot) {
        io_uring_prep_poll_multishot(entry, target.fd, translate(target));
    } else {
        io_uring_prep_poll_add(entry, target.fd, translate(target));
    }
    ring_.aim(*entry, target);
    io_uring_sqe_set_data64(
        entry,
        detail::request_id{slot.generation, target.slot, detail::request_kind::receive}.packed());
    slot.state.armed = true;
    return 0;
}

int ring_poll_adapter::disarm(slot_type& slot, std::uint32_t number) noexcept {
    io_uring_sqe* const entry = ring_.take_entry();
    if (entry == nullptr) {
        return -EAGAIN;
    }
    const detail::request_id id{slot.generation, number, slot.state.kind};
    // Not a poll removal: that fails with EALREADY while the request is about to report, and the
    // request would stay, and keep the file open, for ever.
    io_uring_prep_cancel64(entry, id.packed(), 0);
    io_uring_sqe_set_data64(entry, detail::control_request.packed());
    io_uring_sqe_set_flags(entry, IOSQE_CQE_SKIP_SUCCESS);
    slot.state.armed = false;
    slots_.renew(slot);  // what the old request still reports is dropped
    return 0;
}

bool ring_poll_adapter::conclude(slot_type& slot, const detail::completion& done,
                                 event& report) noexcept {
    const bool last = (done.flags & IORING_CQE_F_MORE) == 0;
    report.result = done.result;
    switch (detail::request_id{done.user_data}.kind()) {
        case detail::request_kind::receive:
            return conclude_poll(slot, last, report);
        case detail::request_kind::timer:
            return conclude_timer(slot, last, report);
        case detail::request_kind::read:
            return conclude_read(slot, report);
        default:
            report.bits = bits::occurred;  // a post: the result is their number
            return true;
    }
}

bool ring_poll_adapter::conclude_poll(slot_type& slot, bool last, event& report) noexcept {
    if (last) {
        slot.state.armed = false;
        if (report.result == -ECANCELED && arm(slot) == 0) {
            // The thread that submitted it has exited, which cancels its requests, not the
            // interest.
            return false;
        }
        if (variant_.multishot && report.result >= 0) {
            // The kernel ends a multishot request when the completion queue is full.
            static_cast<void>(arm(slot));
        }
    }
    if (report.result < 0) {
        report.bits = bits::broken;
    } else {
        report.result = 0;
    }
    return true;
}

void ring_poll_adapter::close() noexcept {
    if (ring_.is_open() && ring_.owned()) {
        // One by one: the ring's own cancellation of everything takes the square of their number,
        // a minute for 10,000 requests whose work is deferred.
        slots_.for_each([this](slot_type& slot, std::uint32_t number) {
            if (slot.state.armed && disarm(slot, number) == 0) {
                ring_.release_until(ring_.tail());
            }
        });
    }
    ring_.close();
    slots_.close();
}

static_assert(event_adapter<ring_poll_adapter>);

}  // namespace kevbench::adapter
