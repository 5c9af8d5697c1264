// SPDX-License-Identifier: MIT
#include "kevbench/adapter/kevent_mapped.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <new>
#include <utility>

#include "kevbench/adapter/detail/timeout.hpp"
#include "trial.hpp"

namespace kevbench::adapter {
namespace {

constexpr kevent_variant describe_variant(std::string_view name, trigger mode, bool batched,
                                          bool only_poll = false, bool tells_one = false) {
    constexpr std::uint32_t common = caps::modify | caps::sigmask | caps::fine_timeout;
    return {
        {"kevent", name, mode,
         mode == trigger::edge ? read_discipline::drain : read_discipline::once,
         common | (batched ? caps::batched_control : 0U) | (tells_one ? caps::exclusive : 0U), 0},
        kevent_way::mapped,
        only_poll,
        tells_one};
}

constexpr std::array all{
    describe_variant("mapped", trigger::level, false),
    describe_variant("mapped-et", trigger::edge, false),
    describe_variant("mapped-oneshot", trigger::one_shot, false),
    describe_variant("mapped+batch", trigger::level, true),
    describe_variant("mapped+batch-et", trigger::edge, true),
    describe_variant("mapped+batch-oneshot", trigger::one_shot, true),
    describe_variant("mapped+poll", trigger::level, false, true),
    describe_variant("mapped+poll-et", trigger::edge, false, true),
    describe_variant("mapped+one", trigger::level, false, false, true),
    describe_variant("mapped+one-et", trigger::edge, false, false, true),
};

}  // namespace

std::span<const kevent_variant> kevent_mapped_adapter::variants() {
    return all;
}

availability kevent_mapped_adapter::probe(const kevent_variant& variant) {
    if (availability device = probe_kevent_device(); !device.available) {
        return device;
    }
    return detail::try_out<kevent_mapped_adapter>(variant, "kevent's mapped ring");
}

int kevent_mapped_adapter::open(const config& settings) noexcept {
    if (const int status = open_control(settings); status != 0) {
        return status;
    }
    try {
        batch_.resize(settings.max_batch);
    } catch (const std::bad_alloc&) {
        close();
        return -ENOMEM;
    }
    queue_ = kevent_mapped_open(&mapped_, kevent_ring_entries(settings), KEVENT_INIT_CLOEXEC);
    if (queue_ < 0) {
        const int status = -errno;
        close();
        return status;
    }
    owner_ = ::getpid();
    since_call_ = 0;
    round_ = std::max(settings.max_watches, settings.max_batch);
    return 0;
}

int kevent_mapped_adapter::enter(std::int64_t timeout) noexcept {
    timespec storage;
    const timespec* const limit = detail::to_timespec(timeout, storage);
    since_call_ = 0;
    if (changes_.empty()) {
        const int count = kevent_pwait(queue_, 1, 0, limit, 0, mask_, nullptr);
        return count < 0 ? -errno : count;
    }
    kevent_batch call{};
    call.cmd = KEVENT_CTL_BATCH;
    call.num = static_cast<unsigned>(changes_.size());
    call.changes = changes_.data();
    call.max_nr = 1;
    call.timeout = limit;
    call.sigmask = mask_;
    const int count = kevent_enter(queue_, &call);
    if (count < 0 && errno != EINTR) {
        return -errno;
    }
    settle_changes(call.ctl_result != 0);
    return count < 0 ? -EINTR : count;
}

void kevent_mapped_adapter::close() noexcept {
    if (std::exchange(queue_, -1) >= 0) {
        if (owner_ == ::getpid()) {
            kevent_mapped_close(&mapped_);
        } else {
            ::close(mapped_.fd);
        }
    }
    close_control();
}

static_assert(event_adapter<kevent_mapped_adapter>);

}  // namespace kevbench::adapter
