// SPDX-License-Identifier: MIT
//
// What the tests of native sources share: an opened adapter that has the source, and its reports.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "kevbench/adapter/native_sources.hpp"
#include "kevbench/adapter/registry.hpp"

namespace kevbench::adapter {

inline constexpr std::int64_t millisecond = 1'000'000;
inline constexpr std::chrono::seconds patience{10};

inline std::int64_t monotonic_now() {
    return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds{1};
}

/// Calls `body` with an opened adapter of the variant, if its type models the concept that `has`
/// stands for; else skips.
template <class Has, class Body>
void with_adapter(const listing& which, Has has, Body body) {
    visit_variant(which.fixed.mechanism, which.fixed.variant,
                  [&]<class A>(std::type_identity<A>, const typename A::variant_type& variant) {
                      if constexpr (!has.template operator()<A>()) {
                          GTEST_SKIP() << "this mechanism does not know the source";
                      } else {
                          std::vector<std::byte> memory(std::size_t{64} * 4096);
                          A adapter{variant};
                          config settings;
                          settings.buffers = {memory.data(), 64, 4096};
                          ASSERT_EQ(adapter.open(settings), 0);
                          body(adapter);
                          adapter.close();
                      }
                  });
}

struct report {
    watch* target;
    std::uint32_t bits;
    std::int32_t result;
};

/// Collects reports until `done` or out of patience.
template <class A>
std::vector<report> collect(A& adapter,
                            const std::function<bool(const std::vector<report>&)>& done) {
    std::vector<report> seen;
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!done(seen) && std::chrono::steady_clock::now() < end) {
        const auto sink = [&seen](const event& delivered) {
            seen.push_back({delivered.target, delivered.bits, delivered.result});
        };
        const int status = adapter.wait(100 * millisecond, 64, sink);
        EXPECT_TRUE(status >= 0 || status == -EINTR) << std::strerror(-status);
    }
    EXPECT_TRUE(done(seen)) << "out of patience";
    return seen;
}

inline std::uint64_t sum(const std::vector<report>& seen) {
    std::uint64_t total = 0;
    for (const report& each : seen) {
        EXPECT_EQ(each.bits, bits::occurred);
        EXPECT_GE(each.result, 1);
        total += static_cast<std::uint64_t>(each.result);
    }
    return total;
}

template <class A>
int take_nothing(A& adapter) {
    return adapter.wait(0, 64, [](const event&) {});
}

/// The available variants that know any such source.
inline std::vector<listing> variants_with_sources() {
    std::vector<listing> found;
    for (const listing& each : list_variants()) {
        const bool any =
            visit_variant(each.fixed.mechanism, each.fixed.variant,
                          []<class A>(std::type_identity<A>, const typename A::variant_type&) {
                              return timer_source<A> || posix_timer_source<A> || signal_source<A> ||
                                     change_source<A> || user_source<A> || file_source<A>;
                          });
        if (any && each.state.available) {
            found.push_back(each);
        }
    }
    return found;
}

inline std::string variant_name(const testing::TestParamInfo<listing>& given) {
    std::string name{given.param.fixed.mechanism};
    name += "_" + std::string{given.param.fixed.variant};
    for (char& letter : name) {
        letter = letter == '+' || letter == '-' ? '_' : letter;
    }
    return name;
}

}  // namespace kevbench::adapter
