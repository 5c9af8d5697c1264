// SPDX-License-Identifier: MIT
//
// epoll. All variants but pwait2 share one instantiation, since they differ only in the flags of
// epoll_ctl; pwait2 has its own so that choosing the call costs nothing in wait().
//
// Delivery costs nothing per event that a hand-written loop does not pay, although remove() may be
// called from inside the sink: the position stays in a register and only the end is compared from
// memory. remove() blanks the watch's entry in the batch, wherever that is, and pulls `end_` back
// to the start, which takes the loop off its short path; from there on it looks for blank entries.
#pragma once

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
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
    /// See sharing.hpp: the same epoll instance by a descriptor of its own.
    int attach(const epoll_control& first, const config& settings) noexcept;
    int add(watch& target) noexcept;
    int modify(watch& target) noexcept;
    int remove(watch& target) noexcept;
    submission submit(const operation& op) noexcept { return detail::perform(op); }
    int flush() noexcept { return 0; }
    void close() noexcept;

  protected:
    explicit epoll_control(const epoll_variant& variant) : variant_(variant) {}
    ~epoll_control() = default;

    /// Blanks the event of `target` in the batch, whether delivered already or not.
    void withdraw(const watch& target) noexcept;
    /// How many events from `at` on have been blanked, one after another.
    [[nodiscard, gnu::cold]] int count_withdrawn(const epoll_event* at) const noexcept;

    epoll_event* batch_ = nullptr;
    epoll_event* last_ = nullptr;  // one past the last event of the batch
    epoll_event* end_ = nullptr;   // the same, or batch_ once an event has been blanked
    int descriptor_ = -1;          // of epoll_; beside the rest of what wait() reads
    std::uint32_t max_batch_ = 0;
    const sigset_t* mask_ = nullptr;

  private:
    /// Takes over what `made`, a new descriptor or an error in errno, is to be used with.
    int start(int made, const config& settings) noexcept;

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
        if (count <= 0) {
            return count == 0 ? 0 : -errno;
        }
        epoll_event* at = batch_;
        last_ = end_ = at + count;
        do {
            do {
                sink(event{static_cast<watch*>(at->data.ptr), at->events, 0, nullptr});
                ++at;
            } while (at < end_);
            if (at != last_) [[unlikely]] {
                const int withdrawn = count_withdrawn(at);
                count -= withdrawn;
                at += withdrawn;
            }
        } while (at != last_);
        return count;
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
