// SPDX-License-Identifier: MIT
#include "kevbench/harness/load_recorder.hpp"

#include <array>
#include <nlohmann/json.hpp>

namespace kevbench::harness {

using nlohmann::json;

void load_recorder::replied(std::int64_t intended, std::int64_t started, std::int64_t at) noexcept {
    move_to(at);
    corrected.record(at - intended);
    uncorrected.record(at - started);
    of_current_.record(at - intended);
    ++current_.replies;
}

void load_recorder::failed(workload::load_error /*why*/, std::int64_t at) noexcept {
    move_to(at);
    ++current_.errors;
}

/// Closes the seconds that are over at `at`.
void load_recorder::move_to(std::int64_t at) noexcept {
    while (at - start_ >= static_cast<std::int64_t>(past_.size() + 1) * nanoseconds_per_second) {
        past_.push_back(closed());
        current_ = {};
        of_current_.clear();
    }
}

load_recorder::second load_recorder::closed() const {
    second done = current_;
    if (of_current_.count() != 0) {
        constexpr std::array wanted{0.5, 0.99, 1.0};
        std::array<std::int64_t, wanted.size()> found{};
        of_current_.quantiles_into(wanted, found);
        done.p50_ns = found[0];
        done.p99_ns = found[1];
        done.max_ns = found[2];
    }
    return done;
}

std::vector<load_recorder::second> load_recorder::seconds() const {
    std::vector<second> all = past_;
    all.push_back(closed());
    return all;
}

json load_document(const workload::load_options& options, const workload::load_outcome& outcome,
                   const load_recorder& recorder, const process_usage& used) {
    auto errors = json::object();
    for (std::size_t at = 0; at < outcome.errors.size(); ++at)
        errors[std::string(workload::load_error_names[at])] = outcome.errors[at];
    auto seconds = json::array();
    for (const auto& each : recorder.seconds())
        seconds.push_back({{"replies", each.replies},
                           {"errors", each.errors},
                           {"p50_ns", each.p50_ns},
                           {"p99_ns", each.p99_ns},
                           {"max_ns", each.max_ns}});
    return {
        {"schema", "kvb.httpload"},
        {"plan",
         {{"address", options.address},
          {"port", options.port},
          {"sources", options.sources},
          {"rate", options.rate},
          {"duration_s", options.duration},
          {"arrivals", options.poisson ? "poisson" : "fixed"},
          {"burst", options.burst},
          {"seed", options.seed},
          {"connections", options.connections},
          {"requests", options.requests},
          {"timeout_s", options.timeout}}},
        {"planned", outcome.planned},
        {"started", outcome.started},
        {"replies", outcome.replies},
        {"bytes", outcome.bytes},
        {"connections", outcome.connections},
        {"queued", outcome.queued},
        {"idle_drops", outcome.idle_drops},
        {"most_open", outcome.most_open},
        {"errors", std::move(errors)},
        {"duration_ns", outcome.duration_ns},
        {"pace",
         {{"achieved", outcome.pace.achieved_of_intended},
          {"in_time", outcome.pace.share_in_time},
          {"kept", outcome.pace.kept_pace()}}},
        {"client_limited",
         !outcome.pace.kept_pace() ||
             outcome.errors[static_cast<std::size_t>(workload::load_error::no_address)] != 0 ||
             outcome.errors[static_cast<std::size_t>(workload::load_error::no_descriptor)] != 0 ||
             outcome.errors[static_cast<std::size_t>(workload::load_error::unsent)] != 0},
        {"cpu_ns", used.cpu_ns},
        {"cpu_user_ns", used.cpu_user_ns},
        {"cpu_sys_ns", used.cpu_system_ns},
        {"hist", recorder.corrected.to_json()},
        {"hist_uncorrected", recorder.uncorrected.to_json()},
        {"hist_lateness", recorder.late.to_json()},
        {"seconds", std::move(seconds)}};
}

}  // namespace kevbench::harness
