// SPDX-License-Identifier: MIT
#include "kevbench/harness/slice.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "kevbench/workload/error.hpp"

namespace kevbench::harness {

slice_result run_slice(workload::cell& cell, std::uint64_t operations, workload::observer* timing,
                       const usage_meter& meter) {
    slice_result slice;
    const auto before = meter.before();
    slice.start_ns = monotonic_now();
    cell.run(operations, timing, slice.work);
    slice.wall_ns = monotonic_now() - slice.start_ns;
    slice.used = meter.after() - before;
    if (slice.work.operations != operations)
        throw workload::fault(
            fmt::format("{} operations were asked for and {} done: the run is void", operations,
                        slice.work.operations));
    return slice;
}

nlohmann::json to_json(const slice_result& slice) {
    const auto& work = slice.work;
    const auto& used = slice.used;
    auto errors = nlohmann::json::object();
    if (work.errors != 0) errors["run"] = work.errors;
    // Trailing zeros say nothing and would be most of the array.
    const auto last = std::find_if(work.batches.rbegin(), work.batches.rend(),
                                   [](std::uint64_t count) { return count != 0; });
    nlohmann::json fields{
        {"t_start_ns", slice.start_ns},
        {"ops", work.operations},
        {"wall_ns", slice.wall_ns},
        {"cpu_ns", used.cpu_ns},
        {"cpu_user_ns", used.cpu_user_ns},
        {"cpu_sys_ns", used.cpu_system_ns},
        {"vcsw", used.voluntary_switches},
        {"ivcsw", used.involuntary_switches},
        {"minflt", used.minor_faults},
        {"steal_ticks", nullptr},
        {"messages", work.messages},
        {"bytes", work.bytes},
        {"order", std::to_string(work.order)},
        {"events", work.events},
        {"waits", work.waits},
        {"would_block", work.would_block},
        {"spurious", work.spurious},
        {"errors", std::move(errors)},
        {"batches", std::vector<std::uint64_t>(work.batches.begin(), last.base())},
    };
    if (used.steal_ticks) fields["steal_ticks"] = *used.steal_ticks;
    return fields;
}

void add_histograms(nlohmann::json& fields, const latency_recorder& recorder) {
    fields["hist"] = recorder.corrected.to_json();
    if (recorder.uncorrected.count() != 0)
        fields["hist_uncorrected"] = recorder.uncorrected.to_json();
    if (recorder.late.count() != 0) fields["hist_lateness"] = recorder.late.to_json();
}

}  // namespace kevbench::harness
