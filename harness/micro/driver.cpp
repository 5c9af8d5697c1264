// SPDX-License-Identifier: MIT
#include "driver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "kevbench/harness/histogram.hpp"
#include "kevbench/workload/error.hpp"

namespace kevbench::micro {
namespace {

/// Enough to use every part of a cell, and half a second where one operation scans 100,000
/// descriptors.
constexpr std::uint64_t opening_operations = 100;
/// Of the passes under counters and clocks, at most; never more than the timed pass.
constexpr std::uint64_t extra_operations = 1000;

double ratio(double amount, double by) {
    return by == 0.0 ? 0.0 : amount / by;
}

void add_counters(benchmark::State& state, const harness::slice_result& slice) {
    const auto& work = slice.work;
    const auto per_operation = [&](auto amount) {
        return ratio(static_cast<double>(amount), static_cast<double>(work.operations));
    };
    auto& counters = state.counters;
    counters["events_per_wait"] =
        ratio(static_cast<double>(work.events), static_cast<double>(work.waits));
    counters["waits_per_event"] = per_operation(work.waits);
    counters["would_block_per_event"] = per_operation(work.would_block);
    counters["spurious_per_event"] = per_operation(work.spurious);
    if (work.deliveries != 0)
        counters["messages_per_delivery"] =
            ratio(static_cast<double>(work.messages), static_cast<double>(work.deliveries));
    if (work.share_bottom != 0) {
        counters["wakeups_per_event"] = per_operation(work.wakeups);
        counters["share_index"] =
            ratio(static_cast<double>(work.share_top), static_cast<double>(work.share_bottom));
    }
    counters["ctxsw_per_event"] =
        per_operation(slice.used.voluntary_switches + slice.used.involuntary_switches);
    counters["cpu_ns_per_event"] = per_operation(slice.used.cpu_ns);
    counters["cpu_user_ns_per_event"] = per_operation(slice.used.cpu_user_ns);
    counters["cpu_sys_ns_per_event"] = per_operation(slice.used.cpu_system_ns);
}

/// Absent means not counted; the context says why.
std::map<std::string, double> counted_figures(const nlohmann::json& counted) {
    std::map<std::string, double> figures;
    const auto operations = counted["ops"].get<double>();
    if (!counted["syscalls"].is_null())
        figures["syscalls_per_event"] = counted["syscalls"]["total"].get<double>() / operations;
    for (const auto* name : {"cycles", "instructions"}) {
        const auto found = counted["perf"].find(name);
        if (found != counted["perf"].end() && !(*found)["value"].is_null())
            figures[std::string{name} + "_per_event"] =
                (*found)["value"].get<double>() / operations;
    }
    return figures;
}

void add_latencies(std::map<std::string, double>& figures, const nlohmann::json& timed) {
    const auto latencies = harness::histogram::from_json(timed["hist"]);
    for (const auto& [name, q] : {std::pair{"p50_ns", 0.5}, {"p99_ns", 0.99}})
        if (const auto value = latencies.quantile(q)) figures[name] = static_cast<double>(*value);
}

}  // namespace

void driver::add(micro_cell cell) {
    const auto name = cell.name;
    benchmark::RegisterBenchmark(
        name.c_str(), [this, cell = std::move(cell)](benchmark::State& state) { run(state, cell); })
        ->MeasureProcessCPUTime()
        ->UseManualTime();
}

void driver::run(benchmark::State& state, const micro_cell& cell) {
    try {
        measure(state, cell);
    } catch (const workload::not_available& reason) {
        state.SkipWithError((std::string{"skipped: "} + reason.what()).c_str());
    } catch (const workload::usage_error& reason) {
        // The names were checked before: what is left is what this machine does not allow.
        state.SkipWithError((std::string{"skipped: "} + reason.what()).c_str());
    } catch (const std::exception& reason) {
        faulted_ = true;
        state.SkipWithError((std::string{"fault: "} + reason.what()).c_str());
    }
}

void driver::measure(benchmark::State& state, const micro_cell& cell) {
    provide_reference(cell);
    harness::session session{cell.request};
    const auto opening = open(session, cell);
    harness::slice_result slice;
    const auto operations = static_cast<std::uint64_t>(state.max_iterations);
    while (state.KeepRunningBatch(state.max_iterations)) {
        slice = session.measure(operations);
        state.SetIterationTime(static_cast<double>(slice.wall_ns) / 1e9);
    }
    check_proportion(opening, slice.work);
    add_counters(state, slice);
    for (const auto& [name, value] : extra(session, cell, operations).by_name)
        state.counters[name] = value;
    if (const auto bytes = session.kernel_bytes_per_watch(); bytes >= 0.0)
        state.counters["bytes_per_fd"] = bytes;
    state.SetItemsProcessed(static_cast<std::int64_t>(slice.work.operations));
    if (slice.work.bytes != 0) state.SetBytesProcessed(static_cast<std::int64_t>(slice.work.bytes));
    std::string label{session.info().operation};
    if (const auto via = session.via(); !via.empty()) label += fmt::format(" via {}", via);
    state.SetLabel(label);
    session.close();
}

workload::tally driver::open(harness::session& session, const micro_cell& cell) {
    const auto opening = session.measure(opening_operations).work;
    ledger_.check_opening(cell.group, cell.name, opening, cell.synthetic);
    return opening;
}

/// Also a single selected cell is held against something: epoll, which every workload was written
/// on first. Where epoll cannot take part the first cell that runs is what the others must equal.
void driver::provide_reference(const micro_cell& cell) {
    const harness::mechanism_name epoll{"epoll", "lt"};
    const bool is_epoll = cell.request.mechanism.mechanism == epoll.mechanism &&
                          cell.request.mechanism.variant == epoll.variant;
    if (is_epoll || ledger_.knows(cell.group)) return;
    try {
        auto reference = cell;
        reference.request.mechanism = epoll;
        reference.name = "epoll+lt";
        reference.synthetic = false;
        harness::session session{reference.request};
        open(session, reference);
        session.close();
    } catch (const workload::not_available&) {
        return;
    } catch (const workload::usage_error&) {
        return;
    }
}

/// Kept between calls, since every repetition would count the same.
const driver::extra_figures& driver::extra(harness::session& session, const micro_cell& cell,
                                           std::uint64_t operations) {
    auto& known = extra_[cell.name];
    const auto wanted = std::min(operations, extra_operations);
    if (known.operations < wanted) {
        known.operations = wanted;
        known.by_name = counted_figures(session.counts(wanted));
        if (session.info().timed) add_latencies(known.by_name, session.slice(wanted, true));
    }
    return known;
}

}  // namespace kevbench::micro
