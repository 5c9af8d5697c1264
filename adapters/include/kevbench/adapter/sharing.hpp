// SPDX-License-Identifier: MIT
//
// One queue, several threads: further adapter objects on the kernel object of one that is open.
//
// Each thread has an object of its own, so a batch and whatever else an object keeps stay private;
// what the kernel keeps is shared. attach(first, settings) takes the place of open().
//
//   - add() and remove() go through the first object, and while nobody waits: a removal cannot take
//     back an event that another thread has in hand already.
//   - modify() goes through whichever object delivered the event, while others wait: a one-shot
//     watch belongs to one thread at a time.
//   - close() of one leaves the others as they are. What is registered goes with the last.
//
// Edge-triggered and one-shot events come to exactly one of those who wait. A level-triggered one
// may come to several before the first has read.
//
// Not every variant of a type that has the verb can: caps::shared tells, and why_not_shared() says
// what is in the way of the others. Nothing stands in for it.
#pragma once

#include <concepts>
#include <string_view>

#include "kevbench/adapter/contract.hpp"

namespace kevbench::adapter {

/// attach(first, settings): may block, may allocate; once per object, instead of open(). `first` is
/// open, of the same variant, and stays so during the call. max_watches is the first's. 0 or -errno
/// (EOPNOTSUPP without caps::shared).
template <class A>
concept shareable_adapter = event_adapter<A> &&
    requires(A a, const A& first, const config& settings) {
    { a.attach(first, settings) } -> std::same_as<int>;
};

/// One line for a variant without caps::shared.
[[nodiscard]] std::string_view why_not_shared(const traits& fixed) noexcept;

}  // namespace kevbench::adapter
