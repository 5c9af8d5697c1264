// SPDX-License-Identifier: MIT
#include "kevbench/harness/tracefs.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "kevbench/harness/unique_fd.hpp"

namespace kevbench::harness {
namespace {

constexpr std::array mount_points{"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};

/// A mount that is attached nowhere: containers and minimal guests have tracefs in the kernel but
/// not in the tree, and a measuring program should not change the tree.
unique_fd mount_detached() {
    const unique_fd context{::fsopen("tracefs", FSOPEN_CLOEXEC)};
    if (!context) return {};
    if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return {};
    return unique_fd{::fsmount(context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOEXEC)};
}

std::optional<std::uint64_t> read_id(const unique_fd& root, std::string_view event) {
    const auto path = fmt::format("events/{}/id", event);
    const unique_fd file{::openat(root.get(), path.c_str(), O_RDONLY | O_CLOEXEC)};
    std::array<char, 32> text{};
    const auto length = file ? ::read(file.get(), text.data(), text.size()) : -1;
    if (length <= 0) return std::nullopt;
    std::uint64_t id = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + length, id);
    return parsed.ec == std::errc{} ? std::optional{id} : std::nullopt;
}

}  // namespace

tracepoint find_tracepoint(std::string_view event, tracefs_source source) {
    int error = ENOENT;
    if (source != tracefs_source::detached) {
        for (const auto* const point : mount_points) {
            const unique_fd root{::open(point, O_PATH | O_DIRECTORY | O_CLOEXEC)};
            if (!root) continue;
            if (const auto id = read_id(root, event)) return {id, {}};
            if (errno == EACCES) error = EACCES;
        }
    }
    if (source != tracefs_source::mounted) {
        if (const auto root = mount_detached()) {
            if (const auto id = read_id(root, event)) return {id, {}};
        } else if (error != EACCES) {
            error = errno;
        }
    }
    return {std::nullopt,
            fmt::format("tracepoint {}: {}: run as root, or mount tracefs on {} and allow reading",
                        event, std::generic_category().message(error), mount_points.front())};
}

}  // namespace kevbench::harness
