// SPDX-License-Identifier: MIT
//
// Signals as event sources: whose they are while a cell lives, and the descriptor that reports
// them. Signals are sent to the process, so every thread of it must leave them alone: cells that
// use them make no threads, and block them before anything else may.
#pragma once

#include <sys/signalfd.h>

#include <csignal>
#include <cstddef>
#include <cstring>

#include "engine/source.hpp"

namespace kevbench::workload {

/// What happens to a signal that no descriptor and no mechanism takes.
enum class signal_fate : std::uint8_t { blocked, handled, ignored };

/// Gives one signal to the calling thread's cell; restores mask and action when destroyed, on the
/// same thread, and throws away what is pending then. Throws fault.
class signal_claim {
  public:
    /// `handler` is for signal_fate::handled, which also blocks the signal outside of waits that
    /// unmask it if `masked`.
    signal_claim(int number, signal_fate fate, void (*handler)(int, siginfo_t*, void*) = nullptr,
                 bool masked = false);
    signal_claim(const signal_claim&) = delete;
    signal_claim& operator=(const signal_claim&) = delete;
    ~signal_claim();

    [[nodiscard]] int number() const noexcept { return number_; }
    /// The thread's mask with this signal let through: for waits.
    [[nodiscard]] const sigset_t* wait_mask() const noexcept { return &former_mask_; }
    /// A non-blocking signalfd for it. Throws fault.
    [[nodiscard]] descriptor open_signalfd() const;

  private:
    int number_;
    struct sigaction former_action_ {};
    sigset_t former_mask_{};
};

/// Two signals of the process's own: a real-time one, whose instances queue with their values, and
/// an ordinary one, which merges.
[[nodiscard]] int realtime_signal() noexcept;
inline constexpr int ordinary_signal = SIGUSR1;

/// Sends one to this process, a real-time one with `value`. False when that failed.
bool send_signal(int number, int value) noexcept;

/// Calls visit(const signalfd_siginfo&) for each record; false when the data is cut short.
template <class Visit>
bool for_each_signal(const std::byte* data, std::size_t size, Visit visit) {
    signalfd_siginfo record;
    for (; size >= sizeof record; size -= sizeof record, data += sizeof record) {
        std::memcpy(&record, data, sizeof record);
        visit(record);
    }
    return size == 0;
}

}  // namespace kevbench::workload
