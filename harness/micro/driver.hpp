// SPDX-License-Identifier: MIT
//
// One cell as a Google Benchmark function.
//
// A call sets the cell up, does the same few opening operations for the equality check, and then
// one slice of as many operations as Google Benchmark asks for; setting up, checking and tearing
// down are outside the time it sees. Real time is the slice's own wall time, CPU time that of the
// whole process, since rings and companions have threads.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>
#include <map>
#include <string>

#include "cells.hpp"
#include "work_ledger.hpp"

namespace kevbench::micro {

/// Not thread-safe, and neither are the functions it registers: Google Benchmark calls them one
/// after another. Must outlive them.
class driver {
  public:
    /// Registers the cell under its name.
    void add(micro_cell cell);
    /// True when a run was void: wrong or unequal work, or a system call that failed.
    [[nodiscard]] bool faulted() const noexcept { return faulted_; }

  private:
    /// What takes a run of its own, because measuring it disturbs time.
    struct extra_figures {
        std::uint64_t operations = 0;
        std::map<std::string, double> by_name;
    };

    void run(benchmark::State& state, const micro_cell& cell);
    void measure(benchmark::State& state, const micro_cell& cell);
    workload::tally open(harness::session& session, const micro_cell& cell);
    void provide_reference(const micro_cell& cell);
    const extra_figures& extra(harness::session& session, const micro_cell& cell,
                               std::uint64_t operations);

    work_ledger ledger_;
    std::map<std::string, extra_figures> extra_;
    bool faulted_ = false;
};

}  // namespace kevbench::micro
