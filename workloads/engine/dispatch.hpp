// SPDX-License-Identifier: MIT
//
// From names to code: picks the adapter type and the consume policy of a variant, so that a
// workload's loop is compiled once for every combination and decides nothing at run time.
#pragma once

#include <fmt/format.h>

#include <memory>
#include <stdexcept>
#include <string_view>
#include <type_traits>
#include <utility>

#include "engine/bare.hpp"
#include "engine/consumer.hpp"
#include "kevbench/adapter/registry.hpp"
#include "kevbench/workload/cell.hpp"
#include "kevbench/workload/error.hpp"

namespace kevbench::workload {

/// What is known of all variants of an adapter type: spares the compiler loops that nothing can
/// reach, which would be half of them.
template <class A, class... Those>
inline constexpr bool is_one_of = (std::is_same_v<A, Those> || ...);
template <class A>
inline constexpr bool only_completes =
    is_one_of<A, adapter::ring_completion_adapter, adapter::kevent_naio_adapter>;
template <class A>
inline constexpr bool may_complete = only_completes<A> || is_one_of<A, adapter::plugin_adapter>;
template <class A>
inline constexpr bool only_level = is_one_of<A, adapter::select_adapter, adapter::poll_adapter,
                                             adapter::epoll_adapter<adapter::epoll_call::pwait2>>;

/// Calls make.template operator()<A, Policy>(variant) for the named variant and returns the Result
/// it makes. Throws usage_error for an unknown name.
template <class Result, class Make>
Result dispatch_to(std::string_view mechanism, std::string_view variant, Make&& make) {
    const auto visit = [&make]<class A>(std::type_identity<A>,
                                        const typename A::variant_type& chosen) -> Result {
        const auto with = [&]<class Policy>(Policy) -> Result {
            return make.template operator()<A, Policy>(chosen);
        };
        const adapter::traits& fixed = chosen.fixed;
        if constexpr (synthetic_adapter<A>) {
            return with(read_once{});
        } else {
            if constexpr (only_completes<A>) {
                return with(take_completion{});
            } else if constexpr (only_level<A>) {
                return with(read_once{});
            } else {
                if constexpr (may_complete<A>) {
                    if ((fixed.capabilities & adapter::caps::completion) != 0) {
                        return with(take_completion{});
                    }
                }
                const bool drains = fixed.discipline == adapter::read_discipline::drain;
                if (fixed.mode == adapter::trigger::one_shot) {
                    return drains ? with(drain_and_rearm{}) : with(read_once_and_rearm{});
                }
                if (!drains && fixed.mode == adapter::trigger::edge) {
                    return with(read_once_edge{});
                }
                return drains ? with(drain{}) : with(read_once{});
            }
        }
    };
    try {
        return adapter::visit_variant(mechanism, variant, visit);
    } catch (const std::out_of_range& unknown) {
        throw usage_error(unknown.what());
    }
}

template <class Make>
std::unique_ptr<cell> dispatch(std::string_view mechanism, std::string_view variant, Make&& make) {
    return dispatch_to<std::unique_ptr<cell>>(mechanism, variant, std::forward<Make>(make));
}

/// For workloads that also run without a mechanism: the same, and bare_adapter for those names.
template <class Make>
std::unique_ptr<cell> dispatch_or_bare(std::string_view mechanism, std::string_view variant,
                                       Make&& make) {
    if (is_bare(mechanism, variant)) {
        const bare_variant chosen{bare_traits(variant)};
        return variant == bare_drain ? make.template operator()<bare_adapter, drain>(chosen)
                                     : make.template operator()<bare_adapter, read_once>(chosen);
    }
    return dispatch(mechanism, variant, std::forward<Make>(make));
}

/// Throws not_available when the highest descriptor number that `watched` registrations need is
/// beyond what the mechanism can name; `parameter` is what to lower then.
inline void require_descriptor_range(const adapter::traits& fixed, std::uint64_t watched,
                                     std::string_view parameter = "registered") {
    // Standard streams, the worker's pipes, counters and the mechanism's own descriptors.
    constexpr std::uint64_t already_open = 16;
    if (fixed.descriptor_limit != 0 && watched + already_open > fixed.descriptor_limit) {
        throw not_available(
            fmt::format("not applicable: descriptor limit: {} {} cannot watch a number of {} or "
                        "more; lower {} to {}",
                        fixed.mechanism, fixed.variant, fixed.descriptor_limit, parameter,
                        fixed.descriptor_limit - already_open));
    }
}

}  // namespace kevbench::workload
