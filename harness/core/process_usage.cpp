// SPDX-License-Identifier: MIT
#include "kevbench/harness/process_usage.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/time.h>

#include <array>
#include <charconv>
#include <string_view>

#include "kevbench/harness/clock.hpp"

namespace kevbench::harness {
namespace {

std::int64_t nanoseconds(const timeval& time) noexcept {
    return time.tv_sec * nanoseconds_per_second + time.tv_usec * 1000;
}

void fill_from_rusage(process_usage& moment) noexcept {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    moment.cpu_user_ns = nanoseconds(used.ru_utime);
    moment.cpu_system_ns = nanoseconds(used.ru_stime);
    moment.voluntary_switches = used.ru_nvcsw;
    moment.involuntary_switches = used.ru_nivcsw;
    moment.minor_faults = used.ru_minflt;
}

/// The n-th number of the line "cpu  user nice system idle iowait irq softirq steal ...".
std::optional<std::int64_t> number_at(std::string_view line, int wanted) noexcept {
    for (int field = 0;; ++field) {
        const auto digit = line.find_first_of("0123456789");
        if (digit == std::string_view::npos) return std::nullopt;
        line.remove_prefix(digit);
        std::int64_t number = 0;
        const auto [end, fault] = std::from_chars(line.data(), line.data() + line.size(), number);
        if (fault != std::errc{}) return std::nullopt;
        if (field == wanted) return number;
        line.remove_prefix(static_cast<std::size_t>(end - line.data()));
    }
}

}  // namespace

process_usage process_usage::operator-(const process_usage& earlier) const noexcept {
    process_usage spent{cpu_ns - earlier.cpu_ns,
                        cpu_user_ns - earlier.cpu_user_ns,
                        cpu_system_ns - earlier.cpu_system_ns,
                        voluntary_switches - earlier.voluntary_switches,
                        involuntary_switches - earlier.involuntary_switches,
                        minor_faults - earlier.minor_faults,
                        std::nullopt};
    if (steal_ticks && earlier.steal_ticks) spent.steal_ticks = *steal_ticks - *earlier.steal_ticks;
    return spent;
}

usage_meter::usage_meter() : proc_stat_(::open("/proc/stat", O_RDONLY | O_CLOEXEC)) {}

std::optional<std::int64_t> usage_meter::read_steal() const noexcept {
    constexpr int steal_field = 7;
    // The first line holds ten numbers; a short read still does the kernel's work of all lines.
    std::array<char, 256> text{};
    const auto length = ::pread(proc_stat_.get(), text.data(), text.size(), 0);
    if (length <= 0) return std::nullopt;
    const std::string_view all{text.data(), static_cast<std::size_t>(length)};
    return number_at(all.substr(0, all.find('\n')), steal_field);
}

process_usage usage_meter::before() const noexcept {
    process_usage moment;
    moment.steal_ticks = read_steal();
    fill_from_rusage(moment);
    moment.cpu_ns = read_clock(CLOCK_PROCESS_CPUTIME_ID);
    return moment;
}

process_usage usage_meter::after() const noexcept {
    process_usage moment;
    moment.cpu_ns = read_clock(CLOCK_PROCESS_CPUTIME_ID);
    fill_from_rusage(moment);
    moment.steal_ticks = read_steal();
    return moment;
}

}  // namespace kevbench::harness
