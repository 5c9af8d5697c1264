// SPDX-License-Identifier: MIT
//
// From events to bytes: the one place that knows how readiness and completion, level, edge and
// one-shot, read-once and drain differ. Everything above it sees on_data() and nothing else, so
// every workload is written once and every mechanism does the same useful work.
//
// A workload's state derives from consumer<State, Policy>, has public members `mechanism` (the
// adapter) and `buffers` (a buffer_pool), and provides
//     on_data(watch&, const std::byte* data, std::size_t size)   size > 0
//     on_end(watch&, int result)     0 = end of stream, else -errno
// and, where it wants them,
//     on_sent(watch&, int result)    a queued send finished: bytes or -errno
//     on_writable(watch&)            readiness only: interest has bits::writable and it holds
//     on_occurred(watch&, int result)   an event of a native source
//     on_accepted(watch& listener, int fd)
//     on_accept_failed(watch& listener, int result)   -errno; true = go on accepting
//     bool accepts_all()             accept until EAGAIN, or one connection an event, in every
//     class
// Then it is the sink to pass to wait(). on_data and on_writable may return bool; false = the watch
// was removed, so it is not touched again. on_accept_failed stops accepting by removing or
// disarming the listener, with interest 0. `data` is valid during the call (completion: until the
// next wait). These functions must not throw: an adapter is in the middle of delivering. They may
// call any verb of the adapter except wait and close.
//
// Derivation instead of a reference to a handler saves two loads an event, of about a hundred
// instructions (see reference/).
#pragma once

#include <errno.h>

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "engine/buffers.hpp"
#include "engine/padding.hpp"
#include "kevbench/adapter/contract.hpp"
#include "kevbench/workload/cell.hpp"

namespace kevbench::workload {

/// Consume policies: decided by a variant's traits once (see dispatch.hpp), constant in the loop.
struct read_once {
    static constexpr bool completes = false;
    static constexpr bool drains = false;
    static constexpr bool rearms = false;
    static constexpr bool edge = false;
};
/// Edge-triggered, one read per event: reads on only where nothing would ever report the rest,
/// which is after a full buffer and once the peer has closed.
struct read_once_edge : read_once {
    static constexpr bool edge = true;
};
struct drain : read_once {
    static constexpr bool drains = true;
};
struct read_once_and_rearm : read_once {
    static constexpr bool rearms = true;
};
struct drain_and_rearm : read_once {
    static constexpr bool drains = true;
    static constexpr bool rearms = true;
};
struct take_completion : read_once {
    static constexpr bool completes = true;
};

/// Adapters without a kernel behind them: a workload posts to them instead of writing to a
/// descriptor, decided at compile time so that the harness floor contains no system call.
template <class A>
concept synthetic_adapter = requires(A a, adapter::watch& target, std::uint32_t bytes) {
    requires A::synthetic;
    { a.post(target, bytes) } -> std::same_as<bool>;
};

/// Used by the thread of its adapter.
template <class State, class Policy>
class consumer {
  public:
    void operator()(const adapter::event& delivered) {
        if constexpr (requires { self().on_occurred(*delivered.target, 0); }) {
            if ((delivered.bits & adapter::bits::occurred) != 0) {
                self().on_occurred(*delivered.target, delivered.result);
                return;
            }
            if (delivered.target->fd < 0 && (delivered.bits & adapter::bits::broken) != 0)
                [[unlikely]] {
                self().on_end(*delivered.target, delivered.result);
                return;
            }
        }
        if constexpr (Policy::completes) {
            complete(delivered);
        } else {
            ready(delivered);
        }
    }

    /// Adds what this consumer saw since the last call.
    void report(tally& work) noexcept {
        work.would_block += would_block_;
        work.spurious += spurious_;
        work.errors += errors_;
        would_block_ = spurious_ = errors_ = 0;
    }

  private:
    consumer() = default;
    friend State;
    State& self() noexcept { return static_cast<State&>(*this); }

    void complete(const adapter::event& delivered) {
        adapter::watch& target = *delivered.target;
        if ((delivered.bits & adapter::bits::received) != 0) [[likely]] {
            if (delivered.result > 0) [[likely]] {
                self().on_data(target, delivered.data,
                               static_cast<std::uint32_t>(delivered.result));
            } else {
                self().on_end(target, delivered.result);
            }
            return;
        }
        if constexpr (requires { self().on_sent(target, 0); }) {
            if ((delivered.bits & adapter::bits::sent) != 0) {
                self().on_sent(target, delivered.result);
                return;
            }
        }
        if constexpr (requires { self().on_accepted(target, 0); }) {
            if ((delivered.bits & adapter::bits::accepted) != 0) {
                if (delivered.result >= 0) {
                    self().on_accepted(target, delivered.result);
                } else {
                    accept_failed(target, delivered.result);
                }
                return;
            }
        }
        if ((delivered.bits & adapter::bits::broken) != 0) {
            self().on_end(target, delivered.result < 0 ? delivered.result : -EBADF);
            return;
        }
        ++errors_;
    }

    /// True when accepting may go on.
    bool accept_failed(adapter::watch& listener, int result) {
        if constexpr (requires { self().on_accept_failed(listener, result); }) {
            return self().on_accept_failed(listener, result);
        } else {
            ++errors_;
            return false;
        }
    }

    void ready(const adapter::event& delivered) {
        adapter::watch& target = *delivered.target;
        if constexpr (requires { self().on_accepted(target, 0); }) {
            if ((target.interest & adapter::bits::acceptable) != 0) {
                accept(target);
                return;
            }
        }
        if constexpr (requires { self().on_writable(target); }) {
            if ((delivered.bits & adapter::bits::writable) != 0) {
                if (!writable(target)) {
                    return;
                }
                if ((delivered.bits & ~adapter::bits::writable) == 0) {
                    rearm(target);
                    return;
                }
            }
        }
        if (receive(target, delivered.bits)) [[likely]] {
            rearm(target);
        }
    }

    bool writable(adapter::watch& target) {
        if constexpr (std::same_as<decltype(self().on_writable(target)), bool>) {
            return self().on_writable(target);
        } else {
            self().on_writable(target);
            return true;
        }
    }

    void rearm([[maybe_unused]] adapter::watch& target) {
        if constexpr (Policy::rearms) {
            if (self().mechanism.modify(target) != 0) {
                ++errors_;
            }
        }
    }

    /// False when the watch must not be touched any more.
    bool receive(adapter::watch& target, [[maybe_unused]] std::uint32_t bits) {
        constexpr std::uint32_t closed =
            adapter::bits::read_hangup | adapter::bits::hangup | adapter::bits::error;
        bool first = true;
        bool more = Policy::drains;
        do {
            std::byte* buffer = self().buffers.next();
            const adapter::submission answer = self().mechanism.submit(
                {adapter::op_kind::receive, &target, buffer, self().buffers.size()});
            if (answer.result > 0) [[likely]] {
                if (!give(target, buffer, static_cast<std::uint32_t>(answer.result))) {
                    return false;
                }
                if constexpr (Policy::edge) {
                    more = (bits & closed) != 0 ||
                           static_cast<std::uint32_t>(answer.result) == self().buffers.size();
                }
            } else if (answer.result == -EAGAIN) {
                ++would_block_;
                spurious_ += first ? 1U : 0U;
                return true;
            } else {
                self().on_end(target, answer.result);
                return false;
            }
            first = false;
        } while (more);
        return true;
    }

    bool give(adapter::watch& target, const std::byte* data, std::size_t size) {
        pad_operation();
        if constexpr (std::same_as<decltype(self().on_data(target, data, size)), bool>) {
            return self().on_data(target, data, size);
        } else {
            self().on_data(target, data, size);
            return true;
        }
    }

    /// One connection an event, or all that wait in edge-triggered and draining classes, unless the
    /// state decides.
    void accept(adapter::watch& listener) {
        bool all = Policy::drains || Policy::edge;
        if constexpr (requires { self().accepts_all(); }) {
            all = self().accepts_all();
        }
        do {
            const adapter::submission answer =
                self().mechanism.submit({adapter::op_kind::accept, &listener});
            if (answer.result == -EAGAIN) {
                ++would_block_;
                break;
            }
            if (answer.result >= 0) {
                self().on_accepted(listener, answer.result);
            } else if (!accept_failed(listener, answer.result)) {
                if ((listener.interest & adapter::bits::acceptable) == 0) {
                    return;
                }
                break;
            }
        } while (all);
        rearm(listener);
    }

    std::uint64_t would_block_ = 0;
    std::uint64_t spurious_ = 0;
    std::uint64_t errors_ = 0;
};

}  // namespace kevbench::workload
