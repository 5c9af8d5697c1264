// SPDX-License-Identifier: MIT
#include "kevbench/harness/perf_counter.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace kevbench::harness {
namespace {

std::string reason_for(int error) {
    switch (error) {
        case ENOENT:
        case EOPNOTSUPP:
        case ENODEV:
            return "not supported";
        case EACCES:
        case EPERM:
            return "not permitted: run as root, or set kernel.perf_event_paranoid to -1";
        case EMFILE:
            return "too few file descriptors: raise the limit with 'ulimit -n'";
        default:
            return fmt::format("perf_event_open: {}", std::generic_category().message(error));
    }
}

unsigned long flag(perf_counter::scope reach) noexcept {
    return reach == perf_counter::scope::group ? static_cast<unsigned long>(PERF_IOC_FLAG_GROUP)
                                               : 0UL;
}

}  // namespace

perf_counter::perf_counter(perf_event_attr event, pid_t tid, const perf_counter* group) {
    event.size = sizeof event;
    event.disabled = group == nullptr ? 1 : 0;  // members follow their leader
    event.inherit = 1;
    event.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    const int leader = group == nullptr ? -1 : group->fd_.get();
    const auto opened = ::syscall(SYS_perf_event_open, &event, tid, -1, leader,
                                  static_cast<unsigned long>(PERF_FLAG_FD_CLOEXEC));
    if (opened < 0)
        reason_ = reason_for(errno);
    else
        fd_ = unique_fd{static_cast<int>(opened)};
}

void perf_counter::set_filter(const std::string& filter) {
    if (!present() || ::ioctl(fd_.get(), PERF_EVENT_IOC_SET_FILTER, filter.c_str()) == 0) return;
    reason_ = fmt::format("filter '{}': {}", filter, std::generic_category().message(errno));
    fd_ = unique_fd{};
}

void perf_counter::start(scope reach) noexcept {
    if (!present()) return;
    ::ioctl(fd_.get(), PERF_EVENT_IOC_RESET, flag(reach));
    ::ioctl(fd_.get(), PERF_EVENT_IOC_ENABLE, flag(reach));
}

void perf_counter::stop(scope reach) noexcept {
    if (present()) ::ioctl(fd_.get(), PERF_EVENT_IOC_DISABLE, flag(reach));
}

perf_reading perf_counter::read() const {
    if (!present()) return {std::nullopt, 0, 0, reason_};
    std::array<std::uint64_t, 3> words{};
    if (::read(fd_.get(), words.data(), sizeof words) != static_cast<ssize_t>(sizeof words))
        return {std::nullopt, 0, 0, "could not be read"};
    const auto [value, enabled, running] = words;
    if (running == 0) return {std::nullopt, enabled, 0, "not counted"};
    return {value, enabled, running, "counted"};
}

}  // namespace kevbench::harness
