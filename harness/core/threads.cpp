// SPDX-License-Identifier: MIT
#include "kevbench/harness/threads.hpp"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <memory>

namespace kevbench::harness {

std::vector<pid_t> thread_ids() {
    std::vector<pid_t> ids;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
        const auto name = entry.path().filename().string();
        pid_t id = 0;
        if (std::from_chars(name.data(), name.data() + name.size(), id).ec == std::errc{})
            ids.push_back(id);
    }
    std::ranges::sort(ids);
    return ids;
}

bool thread_exists(pid_t tid) {
    std::error_code ignored;
    return std::filesystem::exists(fmt::format("/proc/self/task/{}", tid), ignored);
}

std::vector<int> affinity_of(pid_t tid) {
    // The kernel refuses a mask shorter than its own; 8192 CPUs is the largest it can be built for.
    constexpr int most_cpus = 8192;
    struct deleter {
        void operator()(cpu_set_t* set) const { CPU_FREE(set); }
    };
    const std::unique_ptr<cpu_set_t, deleter> set{CPU_ALLOC(most_cpus)};
    const auto size = CPU_ALLOC_SIZE(most_cpus);
    CPU_ZERO_S(size, set.get());
    std::vector<int> cpus;
    if (::sched_getaffinity(tid, size, set.get()) != 0) return cpus;
    for (int cpu = 0; cpu < most_cpus; ++cpu)
        if (CPU_ISSET_S(static_cast<std::size_t>(cpu), size, set.get())) cpus.push_back(cpu);
    return cpus;
}

}  // namespace kevbench::harness
