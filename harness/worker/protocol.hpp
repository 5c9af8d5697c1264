// SPDX-License-Identifier: MIT
//
// The requests of `kevbench-worker serve`, apart from how lines come in and go out. The protocol is
// described in docs/architecture.md.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

#include "kevbench/harness/session.hpp"

namespace kevbench::worker {

/// Holds at most one open cell. Not thread-safe.
class protocol {
  public:
    /// One request line to one answer. Never throws for what a request can cause.
    [[nodiscard]] nlohmann::json answer(std::string_view line);

    /// True after "exit", and after a fault in a run, whose cell is in an unknown state.
    [[nodiscard]] bool ended() const noexcept { return ended_; }
    [[nodiscard]] bool faulted() const noexcept { return faulted_; }
    /// Closes the cell if one is open; teardown time in nanoseconds, if one was.
    std::optional<std::int64_t> close();

  private:
    [[nodiscard]] nlohmann::json perform(const nlohmann::json& request);
    [[nodiscard]] nlohmann::json open(const nlohmann::json& request);
    [[nodiscard]] nlohmann::json measure(const nlohmann::json& request, bool with_counters);

    std::optional<harness::session> session_;
    bool running_ = false;
    bool ended_ = false;
    bool faulted_ = false;
};

}  // namespace kevbench::worker
