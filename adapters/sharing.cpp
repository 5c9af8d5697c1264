// SPDX-License-Identifier: MIT
#include "kevbench/adapter/sharing.hpp"

#include <array>

namespace kevbench::adapter {
namespace {

struct obstacle {
    std::string_view mechanism;
    std::string_view variant;  // how its name begins
    std::string_view reason;
};

constexpr std::array obstacles{
    obstacle{"null", "", "has no kernel object"},
    obstacle{"select", "", "keeps nothing in the kernel: every wait brings its own set"},
    obstacle{"poll", "", "keeps nothing in the kernel: every wait brings its own array"},
    obstacle{"io_uring", "",
             "takes submissions and completions of one ring from one thread at a time"},
    obstacle{"kevent", "ring", "frees slots of the ring of 2006 in order, so one thread reads it"},
    obstacle{"kevent", "mapped", "lets one thread at a time take records from a mapped ring"},
    obstacle{"kevent", "naio", "lets one thread at a time take records from a mapped ring"},
};

}  // namespace

std::string_view why_not_shared(const traits& fixed) noexcept {
    for (const obstacle& each : obstacles) {
        if (fixed.mechanism == each.mechanism && fixed.variant.starts_with(each.variant)) {
            return each.reason;
        }
    }
    return "has no way to attach a second thread's object to its queue";
}

}  // namespace kevbench::adapter
