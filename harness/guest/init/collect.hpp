// SPDX-License-Identifier: MIT
#pragma once

#include "port.hpp"

namespace kevbench::guest {

/// Sends everything below the results folder: folders, regular files, symbolic links. A file that
/// grows meanwhile is sent as long as it was at first; one that shrinks is a Fault.
void send_results(Port& port);

/// Sends the kernel's whole log as it is in memory now, one frame a record.
void send_kernel_log(Port& port);

}  // namespace kevbench::guest
