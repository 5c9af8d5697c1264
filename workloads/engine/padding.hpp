// SPDX-License-Identifier: MIT
//
// A slow-down of known size, for testing whether the gate sees one (kevbench selftest power). Only
// a build of its own with KVB_SELFTEST_PADDING defined has it; in every other build pad_operation()
// is empty and leaves no trace in the loop.
#pragma once

#ifdef KVB_SELFTEST_PADDING
#include <cstdint>
#include <cstdlib>
#endif

namespace kevbench::workload {

#ifdef KVB_SELFTEST_PADDING
/// Turns of an empty loop for each message: KEVBENCH_SELFTEST_PADDING, 0 where it is not set.
inline const std::uint64_t padding_turns = [] {
    const char* text = std::getenv("KEVBENCH_SELFTEST_PADDING");
    return text == nullptr ? std::uint64_t{0} : std::strtoull(text, nullptr, 10);
}();

[[gnu::always_inline]] inline void pad_operation() noexcept {
    for (std::uint64_t left = padding_turns; left != 0; --left) {
        __asm__ volatile("" : "+r"(left));
    }
}
#else
inline void pad_operation() noexcept {}
#endif

}  // namespace kevbench::workload
