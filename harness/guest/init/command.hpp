// SPDX-License-Identifier: MIT
#pragma once

#include "job.hpp"
#include "port.hpp"

namespace kevbench::guest {

/// How the command ended: exactly one of the two counts.
struct Ending {
    bool signaled = false;
    int number = 0;  ///< exit status, or the signal
};

/// Runs the command to its end with its output going to `port` as it comes.
///
/// Reaps whatever the command leaves behind, as process 1 must. A process that the command left
/// running keeps running; what it still writes after the command has ended is dropped.
Ending run_streamed(const Job& job, Port& port);

/// The same with the output going to two files in memory, so that no process but the command runs
/// while it works. `send_buffered` sends them.
Ending run_buffered(const Job& job);
void send_buffered(Port& port);

/// Sends a file in pieces.
void send_pieces(Port& port, Frame frame, const File& file);

}  // namespace kevbench::guest
