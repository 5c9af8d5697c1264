// SPDX-License-Identifier: MIT
//
// What a server did, and the JSON line that says so.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "kevbench/workload/cell.hpp"
#include "kevbench/workload/http_server.hpp"

namespace kevbench::workload::http {

/// Everything that is not a request answered in full. Most are the clients' doing.
enum class error_class : std::uint8_t {
    bad_request,
    body_refused,
    head_too_large,
    method_unknown,
    version_unknown,
    end_in_request,     ///< the client closed between the first and the last byte of a request
    reset,              ///< the connection broke while receiving
    send_failed,        ///< the connection broke while sending (EPIPE, ECONNRESET)
    pipeline_too_deep,  ///< more unanswered requests than a connection may have
    over_limit,         ///< more connections than asked for
    accept_aborted,     ///< the client was gone before it was accepted
    accept_limited,     ///< no descriptor or memory to accept with; accepting paused
    not_watched,        ///< the mechanism refused the connection
    other,
};
inline constexpr std::array<std::string_view, 14> error_names{
    "bad_request",       "body_refused",   "head_too_large", "method_unknown",
    "version_unknown",   "end_in_request", "reset",          "send_failed",
    "pipeline_too_deep", "over_limit",     "accept_aborted", "accept_limited",
    "not_watched",       "other"};

inline constexpr std::array<std::pair<std::string_view, http_style>, 3> http_styles{
    {{"plain", http_style::plain},
     {"naive", http_style::naive},
     {"optimistic", http_style::optimistic}}};

/// Not thread-safe.
struct counters {
    std::uint64_t requests = 0;       ///< acceptable requests received
    std::uint64_t replies = 0;        ///< replies of any status handed to the kernel whole
    std::uint64_t connections = 0;    ///< accepted
    std::uint64_t registrations = 0;  ///< connections given to the mechanism
    std::uint64_t changes = 0;        ///< changes of interest asked of it
    std::array<std::uint64_t, error_names.size()> errors{};
    tally events;  ///< waits, events, batches, would_block, spurious

    void count(error_class which) noexcept { ++errors[static_cast<std::size_t>(which)]; }
};

/// Consumption of the whole process since the object was made: CPU of all threads, context switches
/// and time.
class usage_meter {
  public:
    usage_meter() noexcept;
    struct reading {
        std::int64_t wall_ns, cpu_user_ns, cpu_sys_ns, voluntary_switches, involuntary_switches;
    };
    [[nodiscard]] reading since_start() const noexcept;

  private:
    reading start_;
};

/// The line that tells where the server listens.
[[nodiscard]] std::string listening_line(const http_options& options, std::uint16_t port);
/// The line of the end.
[[nodiscard]] std::string counters_line(const counters& done, const usage_meter::reading& used);

}  // namespace kevbench::workload::http
