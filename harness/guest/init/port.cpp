// SPDX-License-Identifier: MIT
#include "port.hpp"

#include <glob.h>

#include <array>
#include <cstdint>
#include <ctime>

namespace kevbench::guest {
namespace {

/// The device file of the port called `name`, or nothing while the kernel has not made it yet.
std::string find_port(const std::string& name) {
    glob_t found{};
    std::string device;
    if (::glob("/sys/class/virtio-ports/*/name", 0, nullptr, &found) == 0) {
        for (std::size_t i = 0; i < found.gl_pathc; ++i) {
            const std::string path = found.gl_pathv[i];
            if (read_all(path) != name + "\n") continue;
            const std::string folder = path.substr(0, path.rfind('/'));
            device = "/dev" + folder.substr(folder.rfind('/'));
        }
    }
    ::globfree(&found);
    return !device.empty() && ::access(device.c_str(), W_OK) == 0 ? device : std::string();
}

}  // namespace

void Port::open(const std::string& name) {
    // The port is announced by the device some time after its driver was loaded. There is nothing
    // to wait on without a udev, so look every 2 ms. With -icount the guest's clock runs ahead of
    // the world while it idles, hence a count of looks instead of a time.
    constexpr int looks = 10'000;
    constexpr timespec pause{0, 2'000'000};
    std::string device;
    for (int i = 0; i < looks && (device = find_port(name)).empty(); ++i) {
        ::nanosleep(&pause, nullptr);
    }
    if (device.empty()) throw Fault("no virtio-serial port " + name);
    file_ = File(device, O_WRONLY);
}

void Port::send(Frame frame, std::string_view payload) {
    const auto size = static_cast<std::uint32_t>(payload.size());
    std::string bytes(1, static_cast<char>(frame));
    std::array<char, sizeof size> length{};
    std::memcpy(length.data(), &size, sizeof size);
    bytes.append(length.data(), length.size());
    bytes.append(payload);
    for (std::size_t sent = 0; sent < bytes.size();) {
        const ssize_t done = ::write(file_.get(), bytes.data() + sent, bytes.size() - sent);
        if (done > 0) {
            sent += static_cast<std::size_t>(done);
        } else if (done < 0 && errno != EINTR && errno != EAGAIN) {
            throw_errno("cannot send to the launcher");
        }
    }
}

}  // namespace kevbench::guest
