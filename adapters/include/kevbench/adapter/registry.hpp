// SPDX-License-Identifier: MIT
//
// Mechanisms and variants by name. Names select an instantiation once per run; nothing here is on a
// hot path.
#pragma once

#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "kevbench/adapter/builtin.hpp"
#include "kevbench/adapter/contract.hpp"

namespace kevbench::adapter {

/// One row of the list of mechanisms.
struct listing {
    traits fixed;
    availability state;
};

/// Every variant of every built-in and loaded adapter, in the order of builtin_adapters. Probes
/// each variant the first time it is listed in this process (which may block for milliseconds and
/// allocates) and remembers the answer. Thread-safe.
[[nodiscard]] std::vector<listing> list_variants();

/// Throws std::out_of_range with one line that names the nearest mechanism and variant.
[[noreturn]] void throw_unknown_variant(std::string_view mechanism, std::string_view variant);

namespace detail {

template <class F, class A, class... Rest>
decltype(auto) visit_in(type_list<A, Rest...>, std::string_view mechanism, std::string_view variant,
                        F&& f) {
    for (const typename A::variant_type& candidate : A::variants()) {
        if (candidate.fixed.mechanism == mechanism && candidate.fixed.variant == variant) {
            return std::forward<F>(f)(std::type_identity<A>{}, candidate);
        }
    }
    if constexpr (sizeof...(Rest) != 0) {
        return visit_in(type_list<Rest...>{}, mechanism, variant, std::forward<F>(f));
    } else {
        throw_unknown_variant(mechanism, variant);
    }
}

}  // namespace detail

/// Calls f(std::type_identity<A>{}, variant) for the adapter type A and the variant of that name,
/// once, and returns what it returns; the type must be the same for every A. The variant need not
/// be available: see list_variants(). Throws std::out_of_range for an unknown name.
template <class F>
decltype(auto) visit_variant(std::string_view mechanism, std::string_view variant, F&& f) {
    return detail::visit_in(builtin_adapters{}, mechanism, variant, std::forward<F>(f));
}

}  // namespace kevbench::adapter
