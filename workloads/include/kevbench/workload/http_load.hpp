// SPDX-License-Identifier: MIT
//
// The clients of the HTTP workloads: an open-loop request generator and a holder of idle
// connections. Both are one thread on one engine (epoll_pwait2, level-triggered), whatever serves
// them, so descriptors have no limit but the process's own.
//
// Why a generator of our own beside httperf and wrk: latency counts from the time at which a
// request was to be sent, so a server that stalls cannot hide the requests that waited meanwhile;
// wrk has no such time and httperf no percentiles, and its select() ends at 1024 descriptors.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "kevbench/workload/punctuality.hpp"

namespace kevbench::workload {

struct load_options {
    std::string address = "127.0.0.1";  ///< IPv4 of the server
    std::uint16_t port = 0;
    /// IPv4 addresses of this machine that connections come from, in turn: each gives one more
    /// range of ports. Empty = the kernel's choice.
    std::vector<std::string> sources;
    double rate = 1000.0;             ///< requests a second, over all connections
    double duration = 1.0;            ///< seconds of sending
    bool poisson = true;              ///< false = equal gaps
    std::uint32_t burst = 1;          ///< requests that come at the same time, at each time
    std::uint64_t seed = 1;           ///< of the plan of sends; the same one gives the same plan
    std::uint32_t connections = 512;  ///< open at once, at most
    std::uint32_t requests = 1;       ///< on each connection, which then closes
    double timeout = 5.0;             ///< seconds a request may take from when its turn came
};

/// Why a request got no reply, or not a good one.
enum class load_error : std::uint8_t {
    refused,
    reset,
    timeout,
    short_reply,    ///< the connection ended before the reply did
    malformed,      ///< no HTTP/1.x reply
    status,         ///< a whole reply that is not 2xx
    no_address,     ///< the client's own: no free local port
    no_descriptor,  ///< the client's own: descriptor limit
    unsent,         ///< the client's own: its turn had not come when the run ended
    other,
};
inline constexpr std::array<std::string_view, 10> load_error_names{
    "refused", "reset",      "timeout",       "short",  "malformed",
    "status",  "no-address", "no-descriptor", "unsent", "other"};

/// Clock and books of a run. Called by the thread that generates.
class load_observer {
  public:
    virtual ~load_observer() = default;
    /// Monotonic nanoseconds.
    [[nodiscard]] virtual std::int64_t now() noexcept = 0;
    /// The turn of a request came `lateness` nanoseconds after its plan.
    virtual void due(std::int64_t lateness) noexcept = 0;
    /// A good reply was complete at `at`. `intended` is the planned time, `started` the time at
    /// which its connection was opened or, on an open one, the request sent.
    virtual void replied(std::int64_t intended, std::int64_t started, std::int64_t at) noexcept = 0;
    virtual void failed(load_error why, std::int64_t at) noexcept = 0;
};

struct load_outcome {
    std::uint64_t planned = 0;  ///< requests; replies and errors add up to it
    std::uint64_t started = 0;
    std::uint64_t replies = 0;
    std::uint64_t bytes = 0;  ///< received, headers included
    std::uint64_t connections = 0;
    /// Requests whose turn came while all connections were in use. Their wait counts as latency.
    std::uint64_t queued = 0;
    /// Connections that the server ended between two requests.
    std::uint64_t idle_drops = 0;
    std::uint32_t most_open = 0;
    std::array<std::uint64_t, load_error_names.size()> errors{};
    std::int64_t start_ns = 0;     ///< by load_observer::now()
    std::int64_t duration_ns = 0;  ///< from there to the last reply or error
    punctuality pace;              ///< whether the client itself kept to the plan
};

/// Offers the load and returns when every request has ended one way or another: at the latest
/// `timeout` plus a quarter of `duration` (at least a second) after the planned end. Throws
/// usage_error for options that cannot be, not_available without epoll_pwait2 and fault when the
/// machine refuses something else.
[[nodiscard]] load_outcome generate_load(const load_options& options, load_observer& observer);

struct idle_options {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;
    std::vector<std::string> sources;  ///< as in load_options
    std::uint32_t connections = 1;
    double duration = 600.0;  ///< seconds after which the holder ends by itself
};

/// Opens connections, sends nothing on them, opens those anew that the server ends, until SIGTERM,
/// SIGINT or the end of the duration. Prints two JSON lines to `announce`: "holding" once all are
/// open, and at the end how many were open, had been dropped and could not be opened. Returns 0.
/// Throws usage_error and fault; the latter when not one connection could be opened. One call at a
/// time in a process.
int hold_idle(const idle_options& options, std::ostream& announce);

}  // namespace kevbench::workload
