// SPDX-License-Identifier: MIT
//
// The open loop. Every request has an intended time, drawn before the run. When its turn comes it
// takes the line that has been free for longest: one that is open, where lines carry several
// requests, or else a new connection. Where every line is taken it waits in order; that wait is
// part of its latency, since nothing but the server's slowness causes it.
//
// Two delays are told apart. Lateness is how long after the plan the loop got round to a request:
// the client's own doing, which voids a point (see punctuality). Latency is counted from the plan,
// so it holds lateness, waiting for a line and the server's time.
#pragma once

#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "engine/buffers.hpp"
#include "engine/consumer.hpp"
#include "http/load/connector.hpp"
#include "http/load/reply_reader.hpp"
#include "kevbench/adapter/epoll.hpp"
#include "kevbench/workload/http_load.hpp"

namespace kevbench::workload::http {

using client_engine = adapter::epoll_adapter<adapter::epoll_call::pwait2>;
/// Throws not_available without epoll_pwait2.
[[nodiscard]] const adapter::epoll_variant& client_variant();
/// Events one wait of a client delivers, at most; the same for every server.
inline constexpr std::uint32_t client_batch = 64;

/// Made, used and destroyed by one thread, whose timer slack it lowers to the least there is. Made
/// for one run.
class generator : public consumer<generator, read_once> {
  public:
    /// Throws as generate_load() does.
    generator(const load_options& options, load_observer& observer);
    generator(const generator&) = delete;
    generator& operator=(const generator&) = delete;
    ~generator();

    [[nodiscard]] load_outcome run();

    // What the consumer calls, from inside wait().

    bool on_data(adapter::watch& target, const std::byte* data, std::size_t size) noexcept;
    void on_end(adapter::watch& target, int result) noexcept;
    bool on_writable(adapter::watch& target) noexcept;

    buffer_pool buffers;
    client_engine mechanism;

  private:
    enum class stage : std::uint8_t {
        closed,
        connecting,  // the request goes out once the connection stands
        waiting,     // for a reply
        resting,     // open, between two requests
        ending,      // all done; waits for the server's end, so that its side has the TIME_WAIT
    };
    struct line : adapter::watch {
        stage at = stage::closed;
        std::uint32_t carried = 0;  // requests begun on this connection
        std::uint32_t turn = 0;     // counts deadlines, so that old ones are known
        std::int64_t intended = 0;
        std::int64_t started = 0;
        reply_reader reader;
    };
    struct deadline {
        std::int64_t at;
        line* of;
        std::uint32_t turn;
    };

    [[nodiscard]] bool settled() const noexcept {
        return done_.replies + failures_ == done_.planned;
    }
    void take_turns(std::int64_t now) noexcept;
    void begin(std::uint64_t request, std::int64_t now) noexcept;
    void begin_waiting(std::int64_t now) noexcept;
    void expire(std::int64_t now) noexcept;
    void give_up(std::int64_t now) noexcept;
    [[nodiscard]] std::int64_t next_alarm(std::int64_t now) const noexcept;
    [[nodiscard]] bool open(line& chosen) noexcept;
    [[nodiscard]] bool send_request(line& to) noexcept;
    void set_deadline(line& of, std::int64_t at) noexcept;
    void count_error(load_error why, std::int64_t at) noexcept;
    void fail(line& of, load_error why) noexcept;
    /// Ends what is under way on a line whose connection broke with `error`, 0 = ended.
    void lose(line& of, int error) noexcept;
    void shut(line& of, bool reset) noexcept;
    void set_free(line& of) noexcept;

    load_options options_;
    load_observer& observer_;
    connector connector_;
    std::string request_;                 // keeps the connection
    std::string last_request_;            // asks for its end
    std::vector<std::int64_t> plan_;      // from start_, ascending
    std::vector<std::int64_t> lateness_;  // by request
    std::vector<line> lines_;             // never resized: the adapter holds addresses
    std::deque<line*> free_;              // longest free first
    std::deque<deadline> deadlines_;      // earliest first, old ones included
    std::uint64_t due_ = 0;               // requests whose turn has come
    std::uint64_t begun_ = 0;             // requests begun or given up
    std::uint64_t failures_ = 0;
    std::uint32_t open_ = 0;
    std::int64_t timeout_;
    std::int64_t hard_end_;  // from start_
    std::int64_t start_ = 0;
    load_outcome done_;
};

}  // namespace kevbench::workload::http
