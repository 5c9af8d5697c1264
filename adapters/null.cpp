// SPDX-License-Identifier: MIT
#include "kevbench/adapter/null.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <new>

namespace kevbench::adapter {
namespace {

constexpr std::array all{
    null_variant{{"null", "null", trigger::edge, read_discipline::once,
                  caps::modify | caps::synthetic | caps::fine_timeout, 0}},
};

}  // namespace

std::span<const null_variant> null_adapter::variants() {
    return all;
}

int null_adapter::open(const config& settings) noexcept {
    if (!memory_.empty() || settings.max_batch == 0 || settings.wait_mask != nullptr) {
        return -EINVAL;
    }
    const std::size_t pending = std::bit_ceil(settings.max_watches + settings.max_batch);
    try {
        memory_.resize(2 * pending);
        registered_.reserve(settings.max_watches);
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    }
    first_ = head_ = tail_ = last_ = end_ = memory_.data();
    middle_ = limit_ = first_ + pending;
    max_watches_ = settings.max_watches;
    max_batch_ = settings.max_batch;
    return 0;
}

int null_adapter::add(watch& target) noexcept {
    if (registered_.contains(&target)) {
        return -EEXIST;
    }
    if (registered_.size() >= max_watches_) {
        return -ENOSPC;
    }
    try {
        registered_.insert(&target);
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    }
    target.slot = 0;
    return 0;
}

int null_adapter::modify(watch& target) noexcept {
    return registered_.contains(&target) ? 0 : -ENOENT;
}

int null_adapter::remove(watch& target) noexcept {
    if (registered_.erase(&target) == 0) {
        return -ENOENT;
    }
    std::replace(head_, last_, &target, static_cast<watch*>(nullptr));
    end_ = head_;  // sends wait() to look for blanked entries before each further one
    tail_ = std::remove(last_, tail_, &target);
    return 0;
}

std::ptrdiff_t null_adapter::count_withdrawn(watch* const* at) const noexcept {
    watch* const* const last = last_;
    return std::find_if(at, last, [](const watch* each) { return each != nullptr; }) - at;
}

void null_adapter::close() noexcept {
    registered_.clear();
    head_ = tail_ = last_ = end_ = first_;
    limit_ = middle_;
    max_batch_ = 0;
}

static_assert(event_adapter<null_adapter>);

}  // namespace kevbench::adapter
