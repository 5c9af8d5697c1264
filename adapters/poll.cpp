// SPDX-License-Identifier: MIT
#include "kevbench/adapter/poll.hpp"

#include <array>
#include <new>

#include "trial.hpp"

namespace kevbench::adapter {
namespace {

constexpr std::array all{
    poll_variant{{"poll", "poll", trigger::level, read_discipline::once, caps::modify, 0}, false},
    poll_variant{{"poll", "ppoll", trigger::level, read_discipline::once,
                  caps::modify | caps::sigmask | caps::fine_timeout, 0},
                 true},
};

short translate(const watch& target) noexcept {
    std::uint32_t wanted = target.interest & (bits::readable | bits::writable | bits::read_hangup);
    if ((target.interest & bits::acceptable) != 0) {
        wanted |= bits::readable;
    }
    return static_cast<short>(wanted);
}

}  // namespace

std::span<const poll_variant> poll_adapter::variants() {
    return all;
}

availability poll_adapter::probe(const poll_variant& variant) {
    return detail::try_out<poll_adapter>(variant, variant.fixed.variant);
}

int poll_adapter::open(const config& settings) noexcept {
    if (max_batch_ != 0 || settings.max_batch == 0 ||
        (settings.wait_mask != nullptr && !variant_.precise)) {
        return -EINVAL;
    }
    try {
        entries_.reserve(settings.max_watches);
        targets_.reserve(settings.max_watches);
        holes_.reserve(settings.max_watches);
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    }
    max_batch_ = settings.max_batch;
    max_watches_ = settings.max_watches;
    mask_ = settings.wait_mask;
    return 0;
}

int poll_adapter::add(watch& target) noexcept {
    if (target.fd < 0) {
        return -EBADF;
    }
    if (holds(target) || registered_.contains(target.fd)) {
        return -EEXIST;
    }
    try {
        registered_.reserve(target.fd);
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    }
    // A reused hole has no result yet, so a batch being delivered passes over it.
    const pollfd entry{target.fd, translate(target), 0};
    if (!holes_.empty()) {
        target.slot = holes_.back();
        holes_.pop_back();
        entries_[target.slot] = entry;
        targets_[target.slot] = &target;
    } else if (entries_.size() < max_watches_) {
        target.slot = static_cast<std::uint32_t>(entries_.size());
        entries_.push_back(entry);
        targets_.push_back(&target);
    } else {
        return -ENOSPC;
    }
    registered_.set(target.fd, target.slot);
    return 0;
}

int poll_adapter::modify(watch& target) noexcept {
    if (!holds(target)) {
        return -ENOENT;
    }
    pollfd& entry = entries_[target.slot];
    entry.fd = target.fd;
    entry.events = translate(target);
    return 0;
}

int poll_adapter::remove(watch& target) noexcept {
    if (!holds(target)) {
        return -ENOENT;
    }
    entries_[target.slot] = {-1, 0, 0};
    targets_[target.slot] = nullptr;
    holes_.push_back(target.slot);  // never beyond the capacity reserved by open()
    registered_.erase(target.fd);
    return 0;
}

void poll_adapter::fill_holes() noexcept {
    for (const std::uint32_t hole : holes_) {
        while (!targets_.empty() && targets_.back() == nullptr) {
            targets_.pop_back();
            entries_.pop_back();
        }
        if (hole < targets_.size()) {
            targets_[hole] = targets_.back();
            entries_[hole] = entries_.back();
            targets_[hole]->slot = hole;
            registered_.set(targets_[hole]->fd, hole);
            targets_.pop_back();
            entries_.pop_back();
        }
    }
    holes_.clear();
}

void poll_adapter::close() noexcept {
    entries_.clear();
    targets_.clear();
    holes_.clear();
    registered_.clear();
    max_watches_ = 0;
}

static_assert(event_adapter<poll_adapter>);

}  // namespace kevbench::adapter
