// SPDX-License-Identifier: MIT
#include "kevbench/harness/syscall_counters.hpp"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "kevbench/harness/threads.hpp"
#include "kevbench/harness/tracefs.hpp"

namespace kevbench::harness {
namespace {

struct named_call {
    std::string_view name;
    long number;
};

// The generic system call table of newer architectures leaves out the older calls.
constexpr std::array tracked{
#ifdef SYS_accept
    named_call{"accept", SYS_accept},
#endif
#ifdef SYS_epoll_wait
    named_call{"epoll_wait", SYS_epoll_wait},
#endif
#ifdef SYS_poll
    named_call{"poll", SYS_poll},
#endif
#ifdef SYS_select
    named_call{"select", SYS_select},
#endif
    named_call{"accept4", SYS_accept4},
    named_call{"close", SYS_close},
    named_call{"epoll_ctl", SYS_epoll_ctl},
    named_call{"epoll_pwait", SYS_epoll_pwait},
    named_call{"epoll_pwait2", SYS_epoll_pwait2},
    named_call{"futex", SYS_futex},
    named_call{"io_uring_enter", SYS_io_uring_enter},
    named_call{"ioctl", SYS_ioctl},
    named_call{"ppoll", SYS_ppoll},
    named_call{"pselect6", SYS_pselect6},
    named_call{"read", SYS_read},
    named_call{"readv", SYS_readv},
    named_call{"recvfrom", SYS_recvfrom},
    named_call{"recvmsg", SYS_recvmsg},
    named_call{"sendmsg", SYS_sendmsg},
    named_call{"sendto", SYS_sendto},
    named_call{"write", SYS_write},
    named_call{"writev", SYS_writev},
};

/// stop() enters ioctl once while the calling thread is still counted.
constexpr std::string_view stopping_call = "ioctl";

}  // namespace

syscall_counters::syscall_counters(pid_t left_out) {
    const auto [id, reason] = find_tracepoint("raw_syscalls/sys_enter");
    if (!id) {
        reason_ = reason;
        return;
    }
    const auto self = ::gettid();
    for (const auto tid : thread_ids())
        if (tid != self && tid != left_out) open_thread(tid, *id);
    open_thread(self, *id);
    if (!present()) groups_.clear();
}

void syscall_counters::open_thread(pid_t tid, std::uint64_t tracepoint_id) {
    perf_event_attr event{};
    event.type = PERF_TYPE_TRACEPOINT;
    event.config = tracepoint_id;
    thread_group group{tid, {}};
    group.counters.reserve(tracked.size() + 1);
    group.counters.emplace_back(event, tid);
    for (const auto& call : tracked) {
        auto& counter = group.counters.emplace_back(event, tid, &group.counters.front());
        counter.set_filter(fmt::format("id=={}", call.number));
    }
    const auto lacking =
        std::ranges::find_if(group.counters, [](const auto& each) { return !each.present(); });
    if (lacking == group.counters.end())
        groups_.push_back(std::move(group));
    else if (thread_exists(tid))
        reason_ = lacking->reason();
}

void syscall_counters::start() noexcept {
    for (auto& group : groups_) group.counters.front().start(perf_counter::scope::group);
}

void syscall_counters::stop() noexcept {
    // Not views::reverse: clang 14 cannot compile the library's.
    std::for_each(groups_.rbegin(), groups_.rend(),
                  [](auto& group) { group.counters.front().stop(perf_counter::scope::group); });
}

std::map<std::string, std::uint64_t> syscall_counters::counts() const {
    std::array<std::uint64_t, tracked.size() + 1> sums{};
    for (const auto& group : groups_)
        for (std::size_t i = 0; i < sums.size(); ++i)
            // A thread that did not run while counting has no value, and made no calls.
            sums.at(i) += group.counters[i].read().value.value_or(0);
    std::map<std::string, std::uint64_t> counts;
    if (groups_.empty()) return counts;
    auto other = sums.front() -= 1;
    for (std::size_t i = 0; i < tracked.size(); ++i) {
        const auto name = tracked.at(i).name;
        const auto count = sums.at(i + 1) - (name == stopping_call ? 1 : 0);
        other -= count;
        if (count != 0) counts.emplace(name, count);
    }
    if (other != 0) counts.emplace("other", other);
    counts.emplace("total", sums.front());
    return counts;
}

}  // namespace kevbench::harness
