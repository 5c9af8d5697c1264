// SPDX-License-Identifier: MIT
//
// What all conformance tests share. A suite is one class of adapters; its cases run on every
// variant of that class, built in or loaded. Readiness and completion are told apart here, in
// consume(), and nowhere else in most cases.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "channel.hpp"
#include "kevbench/adapter/registry.hpp"
#include "subject.hpp"

namespace kevbench::adapter::conformance {

inline constexpr std::int64_t millisecond = 1'000'000;

/// Generous: only a test that is going to fail waits that long.
inline constexpr std::chrono::seconds patience{10};

/// True while the kernel has a thread of this process asleep.
[[nodiscard]] bool is_blocked(pid_t thread);

/// Page-aligned receive buffers.
class buffer_pool {
  public:
    buffer_pool(std::uint32_t count, std::uint32_t size);
    [[nodiscard]] buffer_set set() const { return {memory_.get(), count_, size_}; }

  private:
    struct release {
        void operator()(std::byte* memory) const;
    };
    std::uint32_t count_;
    std::uint32_t size_;
    std::unique_ptr<std::byte[], release> memory_;
};

/// A copy of one event, with its data.
struct delivery {
    watch* target;
    std::uint32_t bits;
    std::int32_t result;
    std::string data;
};

class ConformanceTest : public ::testing::TestWithParam<listing> {
  protected:
    void SetUp() override;

    /// Opens the adapter with `settings`, which gets default buffers if it has none.
    void open(config settings = {});

    [[nodiscard]] subject& adapter() { return *adapter_; }
    [[nodiscard]] const traits& fixed() const { return GetParam().fixed; }
    [[nodiscard]] bool has(std::uint32_t capability) const {
        return (fixed().capabilities & capability) != 0;
    }
    /// bits::error and hangup tell of an error, and reading is not the only way to learn of it.
    [[nodiscard]] bool tells_errors() const;
    [[nodiscard]] bool completes() const { return has(caps::completion); }

    /// One wait(); events are appended to `deliveries`. Returns what wait() returned.
    int collect(std::int64_t timeout, std::uint32_t max = 64);
    /// Waits, delivering to `sink`, until `done` or out of patience. False if so, or on an error.
    [[nodiscard]] bool await(const std::function<bool()>& done, const event_sink& sink,
                             std::uint32_t max = 64);
    /// The same with collect().
    [[nodiscard]] bool await_deliveries(std::size_t count, std::uint32_t max = 64);
    /// Waits until everything that is on its way has been delivered: events that were triggered
    /// later, on descriptors of their own, have come through. Appends the others to `deliveries`.
    void settle();

    /// Takes what an event announces the way its class of adapter does: the event's data, or reads
    /// (until there is no more in edge mode); re-arms one-shot watches. End of stream sets `ended`,
    /// an error `error`.
    void consume(const event& delivered, std::string& received);
    /// Submits a send of everything, waiting for room and for completions. Deliveries other than
    /// the send's go to `deliveries`. The last result, or bytes moved.
    std::int64_t send_all(watch& target, std::string& bytes);

    [[nodiscard]] std::size_t deliveries_to(const watch& target) const;

    std::vector<delivery> deliveries;
    bool ended = false;
    int error = 0;

  private:
    std::unique_ptr<buffer_pool> pool_;
    std::unique_ptr<subject> adapter_;
};

/// Readiness adapters by trigger mode, and completion adapters.
class ReadinessTest : public ConformanceTest {};
class LevelTest : public ConformanceTest {};
class EdgeTest : public ConformanceTest {};
class OneShotTest : public ConformanceTest {};
class CompletionTest : public ConformanceTest {};

/// The variants for each suite. All exclude the null adapter, which has no descriptors to test
/// with and a test of its own.
[[nodiscard]] std::vector<listing> all_variants();
[[nodiscard]] std::vector<listing> readiness_variants();
[[nodiscard]] std::vector<listing> readiness_variants(trigger mode);
[[nodiscard]] std::vector<listing> completion_variants();

/// "epoll_et_once": what GoogleTest allows in names.
[[nodiscard]] std::string test_name(const ::testing::TestParamInfo<listing>& info);

}  // namespace kevbench::adapter::conformance

namespace kevbench::adapter {
/// How GoogleTest prints the parameter of a failed case.
void PrintTo(const listing& row, std::ostream* out);
}  // namespace kevbench::adapter
