// SPDX-License-Identifier: MIT
#include "kevbench/adapter/null.hpp"

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
    if (!pending_.empty() || settings.max_batch == 0 || settings.wait_mask != nullptr) {
        return -EINVAL;
    }
    try {
        pending_.resize(std::bit_ceil(settings.max_watches + settings.max_batch));
        unread_.resize(settings.max_watches);
        slots_.resize(settings.max_watches);
        free_.resize(settings.max_watches);
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    }
    for (std::uint32_t at = 0; at < settings.max_watches; ++at) {
        free_[at] = settings.max_watches - 1 - at;
    }
    mask_ = static_cast<std::uint32_t>(pending_.size()) - 1;
    max_batch_ = settings.max_batch;
    return 0;
}

int null_adapter::add(watch& target) noexcept {
    if (target.slot < slots_.size() && slots_[target.slot] == &target) {
        return -EEXIST;
    }
    if (free_.empty()) {
        return -ENOSPC;
    }
    target.slot = free_.back();
    free_.pop_back();
    slots_[target.slot] = &target;
    unread_[target.slot] = 0;
    return 0;
}

int null_adapter::modify(watch& target) noexcept {
    return target.slot < slots_.size() && slots_[target.slot] == &target ? 0 : -ENOENT;
}

int null_adapter::remove(watch& target) noexcept {
    if (target.slot >= slots_.size() || slots_[target.slot] != &target) {
        return -ENOENT;
    }
    std::uint32_t kept = head_;
    std::uint32_t end = end_;
    for (std::uint32_t at = head_; at != tail_; ++at) {
        const event pending = pending_[at & mask_];
        if (pending.target != &target) {
            pending_[kept++ & mask_] = pending;
        } else if (end_ - at - 1 < end_ - head_) {
            --end;  // it belonged to the batch being delivered
        }
    }
    tail_ = kept;
    end_ = end;
    slots_[target.slot] = nullptr;
    free_.push_back(target.slot);  // never beyond the capacity reserved by open()
    return 0;
}

void null_adapter::close() noexcept {
    slots_.assign(slots_.size(), nullptr);
    free_.clear();
    head_ = tail_ = end_ = 0;
    max_batch_ = 0;
}

static_assert(event_adapter<null_adapter>);

}  // namespace kevbench::adapter
