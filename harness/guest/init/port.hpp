// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "file.hpp"

namespace kevbench::guest {

/// What a frame says; the same values as `Frame` in transport.py, which explains the payloads.
enum class Frame : char {
    ready = 'R',
    standard_output = 'O',
    standard_error = 'E',
    exited = 'X',
    signaled = 'S',
    folder = 'D',
    file = 'F',
    data = 'f',
    link = 'L',
    kmsg = 'K',
    taint = 'T',
    fault = '!',
    end = 'Z',
};

/// The stream to the launcher: a virtio-serial port. Not safe for use from several threads.
class Port {
  public:
    /// Waits until the kernel has made the device of the port with that name; throws Fault when
    /// none appears.
    void open(const std::string& name);
    [[nodiscard]] bool is_open() const { return file_.is_open(); }

    /// Sends one frame; blocks while the launcher does not read. Throws Fault when it has gone.
    void send(Frame frame, std::string_view payload);

  private:
    File file_;
};

/// Pieces of this size keep a frame and its header within one page-backed write of the driver.
inline constexpr std::size_t max_piece = 32'768;

}  // namespace kevbench::guest
