// SPDX-License-Identifier: MIT
#include "kevbench/harness/session.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "kevbench/harness/event_counters.hpp"
#include "kevbench/harness/syscall_counters.hpp"
#include "kevbench/harness/threads.hpp"
#include "kevbench/workload/bare.hpp"
#include "kevbench/workload/error.hpp"

namespace kevbench::harness {
namespace {

nlohmann::json to_json(const std::map<std::string, perf_reading>& readings) {
    auto document = nlohmann::json::object();
    for (const auto& [name, reading] : readings) {
        document[name] = {{"value", nullptr},
                          {"enabled_ns", reading.enabled_ns},
                          {"running_ns", reading.running_ns},
                          {"status", reading.status}};
        if (reading.value) document[name]["value"] = *reading.value;
    }
    return document;
}

void require_operations(std::uint64_t operations) {
    if (operations == 0)
        throw workload::usage_error("operations=0 measures nothing: use at least 1");
}

}  // namespace

session::session(const cell_request& request) : info_(&workload::find_workload(request.workload)) {
    workload::parameters values{info_->parameters};
    for (const auto& [name, value] : request.params) values.set(name, value);
    const bool bare = workload::is_bare(request.mechanism.mechanism, request.mechanism.variant);
    case_key_ = workload::case_key(
        *info_,
        bare ? workload::bare_traits(request.mechanism.variant) : find_traits(request.mechanism),
        values);
    if (info_->external_load)
        throw workload::usage_error(fmt::format(
            "{} is driven by load generators from outside: use 'kevbench run'", info_->name));
    if (!bare) require_available(request.mechanism);
    cell_ =
        workload::make_cell(*info_, request.mechanism.mechanism, request.mechanism.variant, values);
    const auto start = monotonic_now();
    cell_->setup();
    setup_ns_ = monotonic_now() - start;
}

nlohmann::json session::describe() const {
    auto others = nlohmann::json::array();
    for (const auto tid : thread_ids())
        if (tid != ::gettid()) others.push_back(affinity_of(tid));
    nlohmann::json document{{"case_key", case_key_},      {"operation", info_->operation},
                            {"setup_ns", setup_ns_},      {"kernel_bytes_per_watch", nullptr},
                            {"affinity", affinity_of(0)}, {"other_affinities", std::move(others)}};
    if (const auto bytes = kernel_bytes_per_watch(); bytes >= 0.0)
        document["kernel_bytes_per_watch"] = bytes;
    if (const auto via = cell_->via(); !via.empty()) document["via"] = via;
    return document;
}

slice_result session::measure(std::uint64_t operations) {
    require_operations(operations);
    return run_slice(*cell_, operations, nullptr, meter_);
}

nlohmann::json session::slice(std::uint64_t operations, bool timed) {
    require_operations(operations);
    if (timed && !info_->timed)
        throw workload::usage_error(
            fmt::format("{} records no latencies: ask for an untimed slice", info_->name));
    if (!timed) return harness::to_json(measure(operations));
    if (!recorder_) recorder_ = std::make_unique<latency_recorder>();
    recorder_->clear();
    auto fields = harness::to_json(run_slice(*cell_, operations, recorder_.get(), meter_));
    add_histograms(fields, *recorder_);
    return fields;
}

nlohmann::json session::counts(std::uint64_t operations) {
    event_counters events;
    events.start();
    const auto measured = measure(operations);
    events.stop();
    auto fields = harness::to_json(measured);
    fields["perf"] = to_json(events.readings());

    syscall_counters syscalls{cell_->load_thread()};
    workload::tally work;
    syscalls.start();
    cell_->run(operations, nullptr, work);
    syscalls.stop();
    if (syscalls.present()) {
        fields["syscalls"] = syscalls.counts();
    } else {
        fields["syscalls"] = nullptr;
        fields["syscalls_reason"] = syscalls.reason();
    }
    return fields;
}

void session::run(std::uint64_t operations, workload::tally& work) {
    cell_->run(operations, nullptr, work);
}

std::int64_t session::close() {
    const auto start = monotonic_now();
    cell_->teardown();
    return monotonic_now() - start;
}

}  // namespace kevbench::harness
