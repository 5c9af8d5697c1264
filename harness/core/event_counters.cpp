// SPDX-License-Identifier: MIT
#include "kevbench/harness/event_counters.hpp"

#include <array>
#include <string_view>

#include "kevbench/harness/threads.hpp"

namespace kevbench::harness {
namespace {

struct event_kind {
    std::string_view name;
    std::uint32_t type;
    std::uint64_t config;
    bool user_only;
};

constexpr std::array kinds{
    event_kind{"context-switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES, false},
    event_kind{"cpu-migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS, false},
    event_kind{"cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, false},
    event_kind{"instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, false},
    event_kind{"instructions:u", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, true},
    event_kind{"page-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS, false},
    event_kind{"task-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, false},
};

perf_counter open_event(const event_kind& kind, pid_t tid) {
    perf_event_attr event{};
    event.type = kind.type;
    event.config = kind.config;
    event.exclude_kernel = kind.user_only ? 1 : 0;
    event.exclude_hv = 1;
    return perf_counter{event, tid};
}

}  // namespace

event_counters::event_counters() {
    const auto threads = thread_ids();
    for (const auto& kind : kinds) {
        named_counters event{std::string{kind.name}, {}};
        for (const auto tid : threads) event.by_thread.push_back(open_event(kind, tid));
        events_.push_back(std::move(event));
    }
}

void event_counters::start() noexcept {
    for (auto& event : events_)
        for (auto& counter : event.by_thread) counter.start(perf_counter::scope::single);
}

void event_counters::stop() noexcept {
    for (auto& event : events_)
        for (auto& counter : event.by_thread) counter.stop(perf_counter::scope::single);
}

std::map<std::string, perf_reading> event_counters::readings() const {
    std::map<std::string, perf_reading> readings;
    for (const auto& event : events_) {
        perf_reading sum;
        for (const auto& counter : event.by_thread) {
            const auto one = counter.read();
            if (one.value) {
                sum.value = sum.value.value_or(0) + *one.value;
                sum.enabled_ns += one.enabled_ns;
                sum.running_ns += one.running_ns;
                sum.status = one.status;
            } else if (!sum.value) {
                sum.status = one.status;
            }
        }
        readings.emplace(event.name, sum);
    }
    return readings;
}

}  // namespace kevbench::harness
