// SPDX-License-Identifier: MIT
#include "engine/producers.hpp"

namespace kevbench::workload {

parameter threads_parameter(std::int64_t initial) {
    parameter made;
    made.name = "threads";
    made.initial = initial;
    made.min = 0;
    made.max = 128;
    made.help = "threads besides the one that waits";
    return made;
}

bool producer_account::await_room(std::uint64_t window, const companion& host) noexcept {
    while (posted - taken.load(std::memory_order_acquire) >= window) {
        const std::uint32_t seen = room.value();
        asleep.store(true);
        // Looked at again, since the waiter may have taken something before it saw the flag.
        if (posted - taken.load() < window) {
            asleep.store(false);
            break;
        }
        static_cast<void>(room.await(seen));
        if (host.stopping()) {
            return false;
        }
    }
    return true;
}

void producer_account::take(std::uint64_t posts) noexcept {
    taken.fetch_add(posts);
    if (asleep.load() && asleep.exchange(false)) {
        room.advance();
    }
}

}  // namespace kevbench::workload
