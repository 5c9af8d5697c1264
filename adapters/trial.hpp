// SPDX-License-Identifier: MIT
//
// The trial run behind every probe(): the mechanism is used for real, since a version number says
// nothing about what a distribution, a container or a security policy lets through.
#pragma once

#include <errno.h>
#include <fmt/format.h>
#include <sys/eventfd.h>

#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "kevbench/adapter/contract.hpp"
#include "kevbench/adapter/detail/descriptor.hpp"

namespace kevbench::adapter::detail {

/// One line for a step that failed with `code` (positive errno): what `feature` lacks and what
/// would help.
[[nodiscard]] std::string explain(std::string_view feature, std::string_view step, int code);

/// Opens `variant`, watches an eventfd that is ready and expects exactly one event for it.
/// `feature` names the system call or facility in the reason.
template <class A>
[[nodiscard]] availability try_out(const typename A::variant_type& variant,
                                   std::string_view feature) {
    constexpr std::uint32_t count = 4;
    constexpr std::uint32_t size = 4096;
    struct alignas(size) page {
        std::array<std::byte, size> bytes;
    };
    const auto pages = std::make_unique<std::array<page, count>>();
    config settings;
    settings.max_watches = 4;
    settings.max_batch = 4;
    settings.buffers = {pages->front().bytes.data(), count, size};

    const descriptor source{::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (!source.valid()) {
        return {false, explain("eventfd", "creating one", errno)};
    }
    A adapter{variant};
    if (const int status = adapter.open(settings); status != 0) {
        return {false, explain(feature, "set-up", -status)};
    }
    watch target{source.get(), bits::readable, false, 0};
    if (const int status = adapter.add(target); status != 0) {
        adapter.close();
        return {false, explain(feature, "registration", -status)};
    }
    int outcome = 0;
    // A ready eventfd is reported at once; the limit only bounds a kernel that misbehaves.
    constexpr std::int64_t patience = 2'000'000'000;
    const int events = adapter.wait(patience, 1, [&](const event& delivered) {
        if (delivered.result < 0) {
            outcome = delivered.result;
        }
    });
    adapter.remove(target);
    adapter.close();
    if (events < 0 || outcome < 0) {
        return {false, explain(feature, "waiting", events < 0 ? -events : -outcome)};
    }
    if (events != 1) {
        return {false, explain(feature, "waiting", ETIMEDOUT)};
    }
    return {};
}

}  // namespace kevbench::adapter::detail
