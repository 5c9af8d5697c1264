// SPDX-License-Identifier: MIT
//
// The trial run behind every probe(): the mechanism is used for real, since a version number says
// nothing about what a distribution, a container or a security policy lets through.
#pragma once

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "kevbench/adapter/contract.hpp"
#include "kevbench/adapter/detail/descriptor.hpp"

namespace kevbench::adapter::detail {

/// One line for a step that failed with `code` (positive errno): what `feature` lacks and what
/// would help.
[[nodiscard]] std::string explain(std::string_view feature, std::string_view step, int code);

/// Opens `variant`, watches `target`, which has something to report, and expects exactly one event
/// for it. `feature` names the system call or facility in the reason.
template <class A>
[[nodiscard]] availability try_watch(const typename A::variant_type& variant, watch target,
                                     std::string_view feature) {
    constexpr std::uint32_t count = 4;
    constexpr std::uint32_t size = 4096;
    struct alignas(size) page {
        std::array<std::byte, size> bytes;
    };
    const auto pages = std::make_unique<std::array<page, count>>();
    config settings;
    settings.max_watches = count;
    settings.max_batch = count;
    settings.buffers = {pages->front().bytes.data(), count, size};

    A adapter{variant};
    if (const int status = adapter.open(settings); status != 0) {
        return {false, explain(feature, "set-up", -status)};
    }
    if (const int status = adapter.add(target); status != 0) {
        return {false, explain(feature, "registration", -status)};
    }
    int outcome = 0;
    // What is ready is reported at once; the limit only bounds a kernel that misbehaves.
    constexpr std::int64_t patience = 2'000'000'000;
    const int events = adapter.wait(patience, 1, [&](const event& delivered) {
        outcome = std::min(delivered.result, 0);
        if ((delivered.bits & bits::accepted) != 0) {
            const descriptor connection{delivered.result};
        }
    });
    adapter.remove(target);
    if (events < 0 || outcome < 0) {
        return {false, explain(feature, "waiting", events < 0 ? -events : -outcome)};
    }
    if (events != 1) {
        return {false, explain(feature, "waiting", ETIMEDOUT)};
    }
    return {};
}

/// try_watch() with an eventfd that is ready, which every mechanism can watch.
template <class A>
[[nodiscard]] availability try_out(const typename A::variant_type& variant,
                                   std::string_view feature) {
    const descriptor source{::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (!source.valid()) {
        return {false, explain("eventfd", "creating one", errno)};
    }
    return try_watch<A>(variant, watch{source.get(), bits::readable, false}, feature);
}

/// try_watch() with a socket that has a byte to receive.
template <class A>
[[nodiscard]] availability try_receive(const typename A::variant_type& variant,
                                       std::string_view feature) {
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
        return {false, explain("UNIX sockets", "creating a pair", errno)};
    }
    const descriptor near{pair[0]};
    const descriptor far{pair[1]};
    if (::send(far.get(), "x", 1, MSG_NOSIGNAL) != 1) {
        return {false, explain("UNIX sockets", "sending", errno)};
    }
    return try_watch<A>(variant, watch{near.get(), bits::readable, true}, feature);
}

}  // namespace kevbench::adapter::detail
