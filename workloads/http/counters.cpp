// SPDX-License-Identifier: MIT
#include "http/counters.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

namespace kevbench::workload::http {
namespace {

constexpr std::int64_t second = 1'000'000'000;

std::int64_t to_ns(const timeval& time) noexcept {
    return std::int64_t{time.tv_sec} * second + std::int64_t{time.tv_usec} * 1000;
}

usage_meter::reading read_now() noexcept {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return {std::int64_t{now.tv_sec} * second + now.tv_nsec, to_ns(used.ru_utime),
            to_ns(used.ru_stime), used.ru_nvcsw, used.ru_nivcsw};
}

}  // namespace

usage_meter::usage_meter() noexcept : start_(read_now()) {}

usage_meter::reading usage_meter::since_start() const noexcept {
    const reading now = read_now();
    return {now.wall_ns - start_.wall_ns, now.cpu_user_ns - start_.cpu_user_ns,
            now.cpu_sys_ns - start_.cpu_sys_ns, now.voluntary_switches - start_.voluntary_switches,
            now.involuntary_switches - start_.involuntary_switches};
}

// Names come from the registry and addresses have been parsed: no text here needs escaping.
std::string listening_line(const http_options& options, std::uint16_t port) {
    return fmt::format(
        R"({{"schema":"kvb.http","state":"listening","address":"{}","port":{},"pid":{},)"
        R"("mechanism":"{}","variant":"{}","connections":{},"body":{},"keepalive":{},"batch":{},"style":"{}",)"
        R"("accept":"{}","watch_limit":{},"backlog":{}}})",
        options.address, port, ::getpid(), options.mechanism, options.variant, options.connections,
        options.body, options.keep_alive, options.batch,
        http_styles[static_cast<std::size_t>(options.style)].first,
        options.accept_all ? "all" : "one", options.watch_limit, options.backlog);
}

std::string counters_line(const counters& done, const usage_meter::reading& used) {
    std::string errors;
    for (std::size_t at = 0; at < done.errors.size(); ++at) {
        errors += fmt::format(R"({}"{}":{})", at == 0 ? "" : ",", error_names[at], done.errors[at]);
    }
    return fmt::format(
        R"({{"schema":"kvb.http","state":"ended","requests":{},"replies":{},"connections":{},)"
        R"("registrations":{},"changes":{},"errors":{{{}}},"waits":{},"events":{},"would_block":{},"spurious":{},"batches":[{}],)"
        R"("wall_ns":{},"cpu_user_ns":{},"cpu_sys_ns":{},"vcsw":{},"ivcsw":{}}})",
        done.requests, done.replies, done.connections, done.registrations, done.changes, errors,
        done.events.waits, done.events.events, done.events.would_block, done.events.spurious,
        fmt::join(done.events.batches, ","), used.wall_ns, used.cpu_user_ns, used.cpu_sys_ns,
        used.voluntary_switches, used.involuntary_switches);
}

}  // namespace kevbench::workload::http
