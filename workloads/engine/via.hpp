// SPDX-License-Identifier: MIT
//
// By what way a source reaches a mechanism: natively (kevbench/adapter/native_sources.hpp) or
// through a descriptor of the kernel's that every mechanism can watch.
//
// via=native gives each mechanism the best it has: those without the native source use the
// descriptor, so that all have a row in one table, and each row says which way it went (cell::via).
// via=descriptor sends all of them through the descriptor, which compares the mechanisms alone.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/consumer.hpp"
#include "kevbench/workload/catalogue.hpp"

namespace kevbench::workload {

enum class way : std::uint8_t {
    native,
    descriptor,
    posted,  ///< no kernel behind the mechanism: the harness floor
};

/// The `via` parameter.
[[nodiscard]] parameter via_parameter();

/// Calls make.template operator()<Way>() with the way that `via` means for adapter A, which has the
/// source natively or not.
template <class A, bool HasNative, class Make>
auto choose_way(std::string_view via, Make&& make) {
    if constexpr (synthetic_adapter<A>) {
        return make.template operator()<way::posted>();
    } else {
        if constexpr (HasNative) {
            if (via == "native") {
                return make.template operator()<way::native>();
            }
        }
        return make.template operator()<way::descriptor>();
    }
}

/// What cell::via() answers.
constexpr std::string_view name_way(way chosen, std::string_view descriptor) noexcept {
    switch (chosen) {
        case way::native:
            return "native";
        case way::descriptor:
            return descriptor;
        default:
            return "none";
    }
}

}  // namespace kevbench::workload
