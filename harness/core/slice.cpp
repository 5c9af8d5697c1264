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
    const pid_t load = cell.load_thread();
    const auto load_before = load != 0 ? read_clock(thread_cpu_clock(load)) : 0;
    const auto before = meter.before();
    slice.start_ns = monotonic_now();
    cell.run(operations, timing, slice.work);
    slice.wall_ns = monotonic_now() - slice.start_ns;
    slice.used = meter.after() - before;
    if (load != 0) slice.load_cpu_ns = read_clock(thread_cpu_clock(load)) - load_before;
    slice.pace = cell.load_pace();
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
        {"deliveries", work.deliveries},
        {"errors", std::move(errors)},
        {"batches", std::vector<std::uint64_t>(work.batches.begin(), last.base())},
        {"load_cpu_ns", nullptr},
        {"pace", nullptr},
    };
    if (work.share_bottom != 0) {
        fields["wakeups"] = work.wakeups;
        fields["share_top"] = work.share_top;
        fields["share_bottom"] = work.share_bottom;
    }
    if (used.steal_ticks) fields["steal_ticks"] = *used.steal_ticks;
    if (slice.load_cpu_ns) fields["load_cpu_ns"] = *slice.load_cpu_ns;
    if (slice.pace)
        fields["pace"] = {{"achieved", slice.pace->achieved_of_intended},
                          {"in_time", slice.pace->share_in_time},
                          {"kept", slice.pace->kept_pace()}};
    return fields;
}

void add_histograms(nlohmann::json& fields, const latency_recorder& recorder) {
    fields["hist"] = recorder.corrected.to_json();
    if (recorder.uncorrected.count() != 0)
        fields["hist_uncorrected"] = recorder.uncorrected.to_json();
    if (recorder.late.count() != 0) fields["hist_lateness"] = recorder.late.to_json();
}

}  // namespace kevbench::harness
