// SPDX-License-Identifier: MIT
//
// The client of tcp_rr: one thread, one engine (epoll_pwait2, level-triggered) whatever mechanism
// serves it, so that servers differ and their load does not.
//
// Request number k of a run goes to connection k modulo their number, on every mechanism, so that
// each flow carries the same messages in the same order. A connection has one request under way.
//   Closed loop: the reply to one request lets the connection's next one go.
//   Open loop: each request has an intended time, drawn before the run. It is sent then, or as soon
//   afterwards as its connection is free; latency counts from the intended time, so neither a slow
//   server nor a late client can hide the wait.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/buffers.hpp"
#include "engine/companion.hpp"
#include "engine/consumer.hpp"
#include "engine/flow.hpp"
#include "engine/source.hpp"
#include "kevbench/adapter/epoll.hpp"
#include "kevbench/workload/cell.hpp"
#include "net/arrivals.hpp"

namespace kevbench::workload::net {

struct rr_plan {
    std::uint32_t connections = 1;
    std::uint32_t request = 1;   ///< bytes
    std::uint32_t response = 1;  ///< bytes
    std::uint32_t batch = 64;    ///< events one wait of the server delivers, at most
    double rate = 0.0;           ///< requests per second of an open loop; 0 = closed loop
    arrival_process arrivals = arrival_process::poisson;
    [[nodiscard]] bool open_loop() const noexcept { return rate > 0.0; }
};

/// Made, used and destroyed by one thread, whose timer slack it lowers to the least there is.
class rr_client : public consumer<rr_client, read_once> {
  public:
    /// Uses the far ends of `channels`, which outlive it. Throws not_available without
    /// epoll_pwait2, fault when a step fails.
    rr_client(const rr_plan& plan, const channel_set& channels);
    rr_client(const rr_client&) = delete;
    rr_client& operator=(const rr_client&) = delete;
    ~rr_client() { mechanism.close(); }

    /// Sends `operations` requests and returns when every reply is there. A job of `host`. Throws
    /// fault when a reply cannot come any more, and when asked to stop.
    void run(std::uint64_t operations, observer* timing, const companion& host);

    /// Adds the replies of the last run, and nothing of how the client waited for them.
    void report(tally& work) noexcept;
    /// Of the last run; none after a closed loop.
    [[nodiscard]] std::optional<punctuality> pace() const noexcept { return pace_; }

    void on_data(adapter::watch& target, const std::byte* data, std::size_t size) noexcept;
    void on_end(adapter::watch&, int) noexcept { broken_ = true; }

    buffer_pool buffers;
    adapter::epoll_adapter<adapter::epoll_call::pwait2> mechanism;

  private:
    struct line : flow {
        std::uint64_t next = 0;     // number of the request to be sent next
        std::uint64_t due = 0;      // requests whose time has come, not sent yet
        std::uint64_t awaited = 0;  // number of the request under way
        std::int64_t sent_at = 0;
        bool busy = false;
    };

    void begin(std::uint64_t operations, observer* timing);
    void run_closed(const companion& host);
    void run_open(const companion& host);
    void wait(std::int64_t timeout, const companion& host);
    void send_next(line& free) noexcept;
    void replied(line& to) noexcept;
    [[nodiscard]] std::int64_t now() const noexcept;

    rr_plan plan_;
    std::vector<line> lines_;  // never resized: the adapter holds addresses
    message_counter<true> counter_;
    message request_;
    std::vector<std::int64_t> intended_;  // from start_, ascending
    std::vector<std::int64_t> lateness_;  // by request number
    std::optional<punctuality> pace_;
    std::uint64_t operations_ = 0;
    std::uint64_t runs_ = 0;
    std::int64_t start_ = 0;
    observer* timing_ = nullptr;
    bool broken_ = false;
};

}  // namespace kevbench::workload::net
