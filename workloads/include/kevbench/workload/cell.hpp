// SPDX-License-Identifier: MIT
//
// A cell is one workload on one adapter variant with one set of parameters, ready to run. Both
// drivers (kevbench-micro and the slice worker) run the same cells; only they read clocks.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kevbench/workload/punctuality.hpp"

namespace kevbench::workload {

/// What a run did. The fields up to `order` are the equality check: on every mechanism the same
/// operations must move the same messages and bytes in the same per-flow order, or the run is void.
/// The rest describes how the mechanism got there and may differ.
struct tally {
    std::uint64_t operations = 0;  ///< what per-event metrics divide by
    std::uint64_t messages = 0;    ///< application messages delivered
    std::uint64_t bytes = 0;       ///< application bytes delivered
    /// Checksum of what was delivered in which order within each flow, combined over flows by a
    /// commutative sum, since mechanisms may legally interleave flows differently.
    std::uint64_t order = 0;

    std::uint64_t events = 0;       ///< notifications that led to a consume step
    std::uint64_t waits = 0;        ///< calls of wait()
    std::uint64_t would_block = 0;  ///< reads that found nothing (EAGAIN)
    std::uint64_t spurious = 0;     ///< events whose first read found nothing
    std::uint64_t errors = 0;       ///< must be 0
    /// Sources that merge (timers, signals, posts): what arrived apart. messages / deliveries is
    /// how many were merged. 0 where nothing merges.
    std::uint64_t deliveries = 0;
    /// Several threads waiting: how often one of them was woken from its sleep, with work or
    /// without; and of the messages each took, the square of the sum and the number of threads
    /// times the sum of the squares: their quotient is Jain's index, 1 when all took the same. 0
    /// elsewhere.
    std::uint64_t wakeups = 0;
    std::uint64_t share_top = 0;
    std::uint64_t share_bottom = 0;
    /// Waits by number of events delivered: index 0 = none, i = 2^(i-1) .. 2^i - 1 events.
    std::array<std::uint64_t, 24> batches{};

    void count_wait(std::uint32_t delivered) noexcept {
        ++waits;
        events += delivered;
        ++batches[std::bit_width(delivered)];
    }

    tally& operator+=(const tally& other) noexcept {
        operations += other.operations;
        messages += other.messages;
        bytes += other.bytes;
        order += other.order;
        events += other.events;
        waits += other.waits;
        would_block += other.would_block;
        spurious += other.spurious;
        errors += other.errors;
        deliveries += other.deliveries;
        wakeups += other.wakeups;
        share_top += other.share_top;
        share_bottom += other.share_bottom;
        for (std::size_t at = 0; at < batches.size(); ++at) {
            batches[at] += other.batches[at];
        }
        return *this;
    }
};

/// The harness's clock and histograms, lent to a cell for a timed run. Calls cost one indirect call
/// and, for now(), one clock read, so throughput runs pass no observer at all. Used by one thread
/// at a time.
class observer {
  public:
    virtual ~observer() = default;
    /// Monotonic nanoseconds, the same clock in every thread and process of the machine.
    [[nodiscard]] virtual std::int64_t now() noexcept = 0;
    /// Latency in nanoseconds from the intended start (open loop) or the actual one (closed loop).
    virtual void latency(std::int64_t nanoseconds) noexcept = 0;
    /// Open loop only: the same operation measured from its actual send.
    virtual void uncorrected_latency(std::int64_t nanoseconds) noexcept = 0;
    /// Open loop only: how late the generator sent, against its plan.
    virtual void lateness(std::int64_t nanoseconds) noexcept = 0;
};

/// Not thread-safe. Life: construct, setup(), run() any number of times, teardown(), destroy.
/// The three phases are timed apart. All three throw workload::fault; errors inside run() that are
/// part of the measurement are counted in tally::errors instead.
class cell {
  public:
    cell() = default;
    cell(const cell&) = delete;
    cell& operator=(const cell&) = delete;
    virtual ~cell() = default;

    virtual void setup() = 0;
    /// Performs exactly `operations` operations (at least 1) and adds to `work`. `timing` is null
    /// in throughput runs.
    virtual void run(std::uint64_t operations, observer* timing, tally& work) = 0;
    virtual void teardown() = 0;

    /// Kernel thread id of the thread that plays the outside world, known after setup(); 0 = none.
    /// It runs the same code whatever the mechanism, so its system calls belong to no mechanism.
    [[nodiscard]] virtual int load_thread() const { return 0; }
    /// How the load of the last run kept to its plan; none where nothing was planned.
    [[nodiscard]] virtual std::optional<punctuality> load_pace() const { return std::nullopt; }

    /// How the sources reach the mechanism, where there is a choice: "native" or what stands in
    /// between, as in "timerfd". Empty where there is none.
    [[nodiscard]] virtual std::string_view via() const { return {}; }

    /// Bytes of kernel memory one watch costs, known after setup(); negative = not measured here.
    [[nodiscard]] virtual double kernel_bytes_per_watch() const { return -1.0; }
    /// The same for this process's own memory.
    [[nodiscard]] virtual double user_bytes_per_watch() const { return -1.0; }
    /// One line: how those two were measured, or why not.
    [[nodiscard]] virtual std::string memory_note() const {
        return "not measured: only footprint measures memory";
    }
};

}  // namespace kevbench::workload
