// SPDX-License-Identifier: MIT
#pragma once

namespace kevbench::worker {

/// Answers requests from standard input, one a line, until "exit", end of input, SIGINT or SIGTERM,
/// and tears an open cell down before it returns. A second signal ends the process at once, since
/// the first may have come during a long run. Returns the exit status: 0, or 2 after a fault.
[[nodiscard]] int serve();

}  // namespace kevbench::worker
