// SPDX-License-Identifier: MIT
//
// epoll. All variants but pwait2 share one instantiation, since they differ only in the flags of
// epoll_ctl; pwait2 has its own so that choosing the call costs nothing in wait().
//
// Delivery keeps its position in memory: `cursor_` is stored once per event and `end_` is compared
// from memory, so remove() from inside the sink can close the gap in what is left of the batch.
// That store is the only instruction per event that a hand-written loop would not have.
#pragma once

#include <errno.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "kevbench/adapter/contract.hpp"
#include "kevbench/adapter/detail/descriptor.hpp"
#include "kevbench/adapter/detail/direct_io.hpp"
#include "kevbench/adapter/detail/timeout.hpp"

namespace kevbench::adapter {

enum class epoll_call : std::uint8_t { wait, pwait2 };

struct epoll_variant {
    traits fixed;
    std::uint32_t flags = 0;  ///< EPOLLET and the like, part of every registration
};

/// What does not depend on the waiting call.
class epoll_control {
  public:
    using variant_type = epoll_variant;

    epoll_control(const epoll_control&) = delete;
    epoll_control& operator=(const epoll_control&) = delete;

    [[nodiscard]] const traits& describe() const noexcept { return variant_.fixed; }
    int open(const config& settings) noexcept;
    int add(watch& target) noexcept;
    int modify(watch& target) noexcept;
    int remove(watch& target) noexcept;
    submission submit(const operation& op) noexcept { return detail::perform(op); }
    int flush() noexcept { return 0; }
    void close() noexcept;

  protected:
    explicit epoll_control(const epoll_variant& variant) : variant_(variant) {}
    ~epoll_control() = default;

    /// Closes the gap that `target` leaves in the events not yet delivered.
    void withdraw(const watch& target) noexcept;

    epoll_event* batch_ = nullptr;
    epoll_event* end_ = nullptr;     // one past the last event of the batch being delivered
    epoll_event* cursor_ = nullptr;  // next to deliver; at or past end_ outside delivery
    int descriptor_ = -1;            // of epoll_; beside the rest of what wait() reads
    int count_ = 0;                  // events of this batch that are or will be delivered
    std::uint32_t max_batch_ = 0;
    const sigset_t* mask_ = nullptr;

  private:
    epoll_variant variant_;
    detail::descriptor epoll_;
    std::vector<epoll_event> storage_;
    std::uint32_t registered_ = 0;
    std::uint32_t max_watches_ = 0;
};

template <epoll_call Call>
class epoll_adapter : public epoll_control {
  public:
    explicit epoll_adapter(const epoll_variant& variant) : epoll_control(variant) {}

    static std::span<const epoll_variant> variants();
    static availability probe(const epoll_variant& variant);

    template <class Sink>
    int wait(std::int64_t timeout, std::uint32_t max, Sink&& sink) {
        const int limit = static_cast<int>(std::min(max, max_batch_));
        int count = 0;
        if constexpr (Call == epoll_call::wait) {
            count = ::epoll_wait(descriptor_, batch_, limit, detail::to_milliseconds(timeout));
        } else {
            timespec storage;
            count = ::epoll_pwait2(descriptor_, batch_, limit,
                                   detail::to_timespec(timeout, storage), mask_);
        }
        if (count < 0) {
            return -errno;
        }
        count_ = count;
        end_ = batch_ + count;
        for (epoll_event* at = batch_; at != end_;) {
            const event delivered{static_cast<watch*>(at->data.ptr), at->events, 0, nullptr};
            cursor_ = ++at;
            sink(delivered);
        }
        return count_;
    }
};

template <>
std::span<const epoll_variant> epoll_adapter<epoll_call::wait>::variants();
template <>
availability epoll_adapter<epoll_call::wait>::probe(const epoll_variant& variant);
template <>
std::span<const epoll_variant> epoll_adapter<epoll_call::pwait2>::variants();
template <>
availability epoll_adapter<epoll_call::pwait2>::probe(const epoll_variant& variant);

}  // namespace kevbench::adapter
