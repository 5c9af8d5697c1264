// SPDX-License-Identifier: MIT
//
// The threads of this process, kernel workers of its rings (SQPOLL, io-wq) included.
#pragma once

#include <sys/types.h>

#include <vector>

namespace kevbench::harness {

/// In ascending order; a thread may end at any time after.
[[nodiscard]] std::vector<pid_t> thread_ids();
[[nodiscard]] bool thread_exists(pid_t tid);

/// CPUs a thread (0 = the calling one) may run on, ascending; empty if it has ended.
[[nodiscard]] std::vector<int> affinity_of(pid_t tid);

}  // namespace kevbench::harness
