// SPDX-License-Identifier: MIT
//
// Connections that are open and silent: what a mechanism has to carry besides those that speak.
//
// A connection that the server ends is opened anew, so that their number stays what was asked for;
// how often that happened is part of the result. Whatever the server sends is an end too: nothing
// was asked of it. Attempts that fail are repeated after a pause, so that a server that refuses
// everybody is not hammered.
#pragma once

#include <cstdint>
#include <deque>
#include <iosfwd>
#include <vector>

#include "engine/buffers.hpp"
#include "engine/consumer.hpp"
#include "http/load/connector.hpp"
#include "http/load/generator.hpp"
#include "kevbench/workload/http_load.hpp"

namespace kevbench::workload::http {

/// Used by one thread, which also destroys it.
class idle_holder : public consumer<idle_holder, read_once> {
  public:
    /// `stop` becomes readable when the holder is to end, and outlives it. Throws as hold_idle().
    idle_holder(const idle_options& options, int stop);
    idle_holder(const idle_holder&) = delete;
    idle_holder& operator=(const idle_holder&) = delete;
    ~idle_holder();

    /// Throws fault when not one connection can be opened.
    void run(std::ostream& announce);

    // What the consumer calls, from inside wait().

    bool on_data(adapter::watch& target, const std::byte* data, std::size_t size) noexcept;
    void on_end(adapter::watch& target, int result) noexcept;
    bool on_writable(adapter::watch& target) noexcept;

    buffer_pool buffers;
    client_engine mechanism;

  private:
    struct line : adapter::watch {
        bool standing = false;
    };

    void open_some() noexcept;
    void stand(line& of) noexcept;
    void shut(line& of) noexcept;
    [[nodiscard]] std::string report(std::string_view state) const;

    idle_options options_;
    connector connector_;
    std::vector<line> lines_;  // never resized: the adapter holds addresses
    std::deque<line*> closed_;
    adapter::watch stop_;
    std::uint32_t standing_ = 0;
    std::uint32_t least_ = 0;  // standing at once since all stood, at least
    std::uint64_t opened_ = 0;
    std::uint64_t dropped_ = 0;
    std::uint64_t failed_ = 0;
    bool pausing_ = false;
    bool announced_ = false;
    bool stopping_ = false;
};

}  // namespace kevbench::workload::http
