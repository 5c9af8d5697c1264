// SPDX-License-Identifier: MIT
#include <valgrind/callgrind.h>

#include "commands.hpp"

namespace kevbench::worker {

void count_command(const count_arguments& arguments) {
    harness::session session{arguments.cell.request()};
    workload::tally ignored;
    if (arguments.warm_up != 0) session.run(arguments.warm_up, ignored);
    CALLGRIND_ZERO_STATS;  // a few instructions that do nothing outside valgrind
    session.run(arguments.operations, ignored);
    session.close();
}

}  // namespace kevbench::worker
