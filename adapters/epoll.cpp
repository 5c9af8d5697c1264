// SPDX-License-Identifier: MIT
#include "kevbench/adapter/epoll.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include "kevbench/adapter/sharing.hpp"
#include "trial.hpp"

namespace kevbench::adapter {
namespace {

constexpr traits describe_variant(std::string_view variant, trigger mode,
                                  read_discipline discipline, std::uint32_t capabilities) {
    return {"epoll", variant, mode, discipline, capabilities | caps::shared, 0};
}

constexpr std::array waiting{
    epoll_variant{describe_variant("lt", trigger::level, read_discipline::once, caps::modify), 0},
    epoll_variant{describe_variant("et", trigger::edge, read_discipline::drain, caps::modify),
                  EPOLLET},
    epoll_variant{describe_variant("et-once", trigger::edge, read_discipline::once, caps::modify),
                  EPOLLET},
    epoll_variant{
        describe_variant("oneshot", trigger::one_shot, read_discipline::once, caps::modify),
        EPOLLONESHOT},
    epoll_variant{
        describe_variant("exclusive", trigger::level, read_discipline::once, caps::exclusive),
        EPOLLEXCLUSIVE},
};

constexpr std::array precise{
    epoll_variant{describe_variant("pwait2", trigger::level, read_discipline::once,
                                   caps::modify | caps::sigmask | caps::fine_timeout),
                  0},
};

std::uint32_t translate(const watch& target, std::uint32_t flags) noexcept {
    std::uint32_t wanted =
        flags | (target.interest & (bits::readable | bits::writable | bits::read_hangup));
    if ((target.interest & bits::acceptable) != 0) {
        wanted |= EPOLLIN;
    }
    if ((flags & EPOLLEXCLUSIVE) != 0) {
        // The kernel refuses this pair; end of stream is then seen by reading.
        wanted &= ~static_cast<std::uint32_t>(EPOLLRDHUP);
    }
    return wanted;
}

}  // namespace

int epoll_control::open(const config& settings) noexcept {
    return epoll_.valid() ? -EINVAL : start(::epoll_create1(EPOLL_CLOEXEC), settings);
}

int epoll_control::attach(const epoll_control& first, const config& settings) noexcept {
    return epoll_.valid() ? -EINVAL
                          : start(::fcntl(first.descriptor_, F_DUPFD_CLOEXEC, 0), settings);
}

int epoll_control::start(int made, const config& settings) noexcept {
    detail::descriptor opened{made};
    if (!opened.valid()) {
        return -errno;
    }
    const bool masks = (variant_.fixed.capabilities & caps::sigmask) != 0;
    if (settings.max_batch == 0 || (settings.wait_mask != nullptr && !masks)) {
        return -EINVAL;
    }
    try {
        storage_.resize(settings.max_batch);
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    }
    epoll_ = std::move(opened);
    descriptor_ = epoll_.get();
    batch_ = last_ = end_ = storage_.data();
    max_batch_ = settings.max_batch;
    max_watches_ = settings.max_watches;
    mask_ = settings.wait_mask;
    return 0;
}

int epoll_control::add(watch& target) noexcept {
    if (registered_ >= max_watches_) {
        return -ENOSPC;
    }
    epoll_event request{};
    request.events = translate(target, variant_.flags);
    request.data.ptr = &target;
    if (::epoll_ctl(descriptor_, EPOLL_CTL_ADD, target.fd, &request) != 0) {
        return -errno;
    }
    ++registered_;
    return 0;
}

int epoll_control::modify(watch& target) noexcept {
    epoll_event request{};
    request.events = translate(target, variant_.flags);
    request.data.ptr = &target;
    // With EPOLLEXCLUSIVE the kernel answers EINVAL, as the contract wants.
    return ::epoll_ctl(descriptor_, EPOLL_CTL_MOD, target.fd, &request) != 0 ? -errno : 0;
}

int epoll_control::remove(watch& target) noexcept {
    withdraw(target);
    if (::epoll_ctl(descriptor_, EPOLL_CTL_DEL, target.fd, nullptr) != 0) {
        return -errno;
    }
    --registered_;
    return 0;
}

void epoll_control::withdraw(const watch& target) noexcept {
    for (epoll_event* at = batch_; at != last_; ++at) {
        if (at->data.ptr == &target) {
            at->data.ptr = nullptr;
            end_ = batch_;
            return;  // epoll reports a registration at most once per batch
        }
    }
}

int epoll_control::count_withdrawn(const epoll_event* at) const noexcept {
    const epoll_event* const kept =
        std::find_if(at, static_cast<const epoll_event*>(last_),
                     [](const epoll_event& each) { return each.data.ptr != nullptr; });
    return static_cast<int>(kept - at);
}

void epoll_control::close() noexcept {
    epoll_.reset();
    descriptor_ = -1;
    registered_ = 0;
    last_ = end_ = batch_;
}

template <>
std::span<const epoll_variant> epoll_adapter<epoll_call::wait>::variants() {
    return waiting;
}
template <>
std::span<const epoll_variant> epoll_adapter<epoll_call::pwait2>::variants() {
    return precise;
}
template <>
availability epoll_adapter<epoll_call::wait>::probe(const epoll_variant& variant) {
    return detail::try_out<epoll_adapter<epoll_call::wait>>(variant, "epoll");
}
template <>
availability epoll_adapter<epoll_call::pwait2>::probe(const epoll_variant& variant) {
    return detail::try_out<epoll_adapter<epoll_call::pwait2>>(variant, "epoll_pwait2");
}

static_assert(event_adapter<epoll_adapter<epoll_call::wait>>);
static_assert(event_adapter<epoll_adapter<epoll_call::pwait2>>);
static_assert(shareable_adapter<epoll_adapter<epoll_call::wait>> &&
              shareable_adapter<epoll_adapter<epoll_call::pwait2>>);

}  // namespace kevbench::adapter
