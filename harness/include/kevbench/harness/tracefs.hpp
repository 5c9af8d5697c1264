// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kevbench::harness {

/// Number of a tracepoint for perf_event_attr::config, or the reason why there is none.
struct tracepoint {
    std::optional<std::uint64_t> id;
    std::string reason;  ///< one line with the remedy; empty when found
};

/// Where to look. `any` tries them in this order.
enum class tracefs_source : std::uint8_t {
    any,
    mounted,   ///< the usual mount points
    detached,  ///< a mount of our own that no other process sees and that goes with its descriptor
};

/// Looks `event` ("raw_syscalls/sys_enter") up. Needs read access to tracefs, or the privilege to
/// mount it (CAP_SYS_ADMIN) where it is not mounted.
[[nodiscard]] tracepoint find_tracepoint(std::string_view event,
                                         tracefs_source source = tracefs_source::any);

}  // namespace kevbench::harness
