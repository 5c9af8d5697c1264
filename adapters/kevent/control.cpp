// SPDX-License-Identifier: MIT
#include "kevbench/adapter/kevent_control.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <new>

namespace kevbench::adapter {
namespace {

/// Changes that gather before a call of their own becomes due: as many as a busy loop registers
/// between two waits, and few enough to stay in the cache.
constexpr std::size_t changes_at_once = 256;

std::uint32_t trigger_flags(trigger mode) noexcept {
    switch (mode) {
        case trigger::edge:
            return KEVENT_REQ_ET;
        case trigger::one_shot:
            return KEVENT_REQ_ONESHOT;
        case trigger::level:
            break;
    }
    return 0;
}

std::uint32_t wanted_bits(const watch& target) noexcept {
    std::uint32_t wanted = target.interest & (bits::readable | bits::writable | bits::read_hangup);
    if ((target.interest & bits::acceptable) != 0) {
        wanted |= bits::readable;
    }
    return wanted;
}

}  // namespace

int kevent_control::open_control(const config& settings) noexcept {
    if (queue_ >= 0 || settings.max_batch == 0) {
        return -EINVAL;
    }
    try {
        slots_ = std::make_shared<slot_table>();
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    }
    if (const int status = slots_->open(settings.max_watches); status != 0) {
        return status;
    }
    return take_settings(settings);
}

int kevent_control::attach_control(const kevent_control& first, const config& settings) noexcept {
    if ((variant_.fixed.capabilities & caps::shared) == 0) {
        return -EOPNOTSUPP;
    }
    if (queue_ >= 0 || settings.max_batch == 0) {
        return -EINVAL;
    }
    slots_ = first.slots_;
    if (const int status = take_settings(settings); status != 0) {
        return status;
    }
    queue_ = ::fcntl(first.queue_, F_DUPFD_CLOEXEC, 0);
    if (queue_ < 0) {
        const int status = -errno;
        close_control();
        return status;
    }
    return 0;
}

int kevent_control::take_settings(const config& settings) noexcept {
    try {
        refused_.reserve(slots_->size());
        if (batched()) {
            changes_.reserve(changes_at_once);
        }
    } catch (const std::bad_alloc&) {
        close_control();
        return -ENOMEM;
    }
    table_ = slots_->data();
    max_batch_ = settings.max_batch;
    mask_ = settings.wait_mask;
    oneshot_ = variant_.fixed.mode == trigger::one_shot;
    return 0;
}

void kevent_control::close_control() noexcept {
    slots_.reset();
    table_ = nullptr;
    changes_.clear();
    refused_.clear();
    natives_.clear();
}

void kevent_control::want(slot_type& slot) noexcept {
    const watch& target = *slot.target;
    slot.state.mask = wanted_bits(target) | always;
    const bool wants_any = (slot.state.mask & (bits::readable | bits::writable)) != 0;
    if (variant_.only_poll || !wants_any || (target.interest & bits::read_hangup) != 0) {
        slot.state.type = KEVENT_POLL;
    } else if (target.socket) {
        slot.state.type = KEVENT_SOCKET;
    } else {
        slot.state.type = target.pipe ? KEVENT_PIPE : KEVENT_POLL;
    }
}

ukevent kevent_control::describe_change(const slot_type& slot,
                                        std::uint32_t command) const noexcept {
    const watch& target = *slot.target;
    const std::uint32_t mask =
        slot.state.type == KEVENT_POLL ? slot.state.mask : slot.state.mask & ~always;
    // As with every other mechanism, all who watch a descriptor are told, unless one is enough.
    const std::uint32_t whom = variant_.tells_one ? 0U : KEVENT_REQ_WAKEUP_ALL;
    const std::uint32_t flags = KEVENT_REQ_ALWAYS_QUEUE | whom | trigger_flags(variant_.fixed.mode);
    const detail::request_id id{slot.generation, target.slot, detail::request_kind::receive};
    ukevent change =
        kevent_request(slot.state.type, static_cast<unsigned>(target.fd), mask, flags, id.packed());
    change.ret_flags = command;
    return change;
}

int kevent_control::arm(slot_type& slot) noexcept {
    ukevent change = describe_change(slot, KEVENT_CTL_ADD);
    int status = 0;
    if (batched()) {
        status = postpone(change);
    } else if (kevent_ctl(queue_, KEVENT_CTL_ADD, 1, &change) != 0) {
        status = (change.ret_flags & KEVENT_RET_BROKEN) != 0
                     ? static_cast<std::int32_t>(change.ret_data[1])
                     : -errno;
    }
    slot.state.armed = status == 0;
    return status;
}

std::uint32_t kevent_control::after_break(slot_type& slot) noexcept {
    pollfd state{slot.target->fd, 0, 0};
    if (::poll(&state, 1, 0) == 1 && (state.revents & POLLNVAL) != 0) {
        return bits::broken;
    }
    if (variant_.fixed.mode == trigger::level) {
        static_cast<void>(arm(slot));  // the module has taken it out
    }
    const std::uint32_t found = static_cast<std::uint32_t>(state.revents) & always;
    return found != 0 ? found : always;
}

int kevent_control::disarm(slot_type& slot) noexcept {
    slot.state.armed = false;
    ukevent change = describe_change(slot, KEVENT_CTL_REMOVE);
    if (batched()) {
        return postpone(change);
    }
    // Not found: it has fired, and its record is on the way.
    return kevent_ctl(queue_, KEVENT_CTL_REMOVE, 1, &change) < 0 ? -errno : 0;
}

int kevent_control::add(watch& target) noexcept {
    int status = slots_->acquire(target);
    if (status != 0) {
        return status;
    }
    slot_type& slot = *slots_->find(target);
    want(slot);
    status = arm(slot);
    if (status != 0) {
        slots_->release(target);
    }
    return status;
}

int kevent_control::modify(watch& target) noexcept {
    slot_type* const slot = slots_->find(target);
    if (slot == nullptr) {
        return -ENOENT;
    }
    if (is_native(slot->state.type)) {
        return -EINVAL;
    }
    const std::uint32_t old_type = slot->state.type;
    registration wanted = slot->state;
    want(*slot);
    std::swap(wanted, slot->state);
    wanted.armed = slot->state.armed;
    const bool in_place = slot->state.armed && wanted.type == old_type && !oneshot_ && !batched();
    if (in_place) {
        slot->state = wanted;
        ukevent change = describe_change(*slot, KEVENT_CTL_MODIFY);
        if (kevent_ctl(queue_, KEVENT_CTL_MODIFY, 1, &change) < 0) {
            return -errno;
        }
        if ((change.ret_flags & KEVENT_RET_BROKEN) == 0) {
            return 0;
        }
    } else if (slot->state.armed) {
        if (const int status = disarm(*slot); status != 0) {
            return status;
        }
    }
    slot->state = wanted;
    slots_->renew(*slot);  // what the old registration still reports is dropped
    return arm(*slot);
}

int kevent_control::remove(watch& target) noexcept {
    slot_type* const slot = slots_->find(target);
    if (slot == nullptr) {
        return -ENOENT;
    }
    int status = 0;
    if (is_native(slot->state.type)) {
        status = remove_native(*slot);
    } else if (slot->state.armed) {
        status = disarm(*slot);
    }
    slots_->release(target);
    return status;
}

int kevent_control::postpone(const ukevent& change) noexcept {
    if (changes_.size() == changes_at_once) {
        if (const int status = flush(); status != 0) {
            return status;
        }
    }
    changes_.push_back(change);
    return 0;
}

int kevent_control::flush() noexcept {
    if (changes_.empty()) {
        return 0;
    }
    const int came_back = kevent_ctl(queue_, KEVENT_CTL_BATCH,
                                     static_cast<unsigned>(changes_.size()), changes_.data());
    if (came_back < 0) {
        return -errno;
    }
    settle_changes(came_back != 0);
    return 0;
}

void kevent_control::settle_changes(bool any_came_back) noexcept {
    if (any_came_back) {
        for (const ukevent& change : changes_) {
            // A removal that found nothing comes back too, without a reason.
            const auto result = static_cast<std::int32_t>(change.ret_data[1]);
            if ((change.ret_flags & KEVENT_RET_BROKEN) != 0 && result < 0 &&
                find(detail::request_id{change.user_u64}) != nullptr) {
                refused_.push_back({change.user_u64, result});  // one a slot: within the reserve
            }
        }
    }
    changes_.clear();
}

unsigned kevent_ring_entries(const config& settings) noexcept {
    const std::uint64_t wanted = settings.ring_entries != 0
                                     ? settings.ring_entries
                                     : std::uint64_t{settings.max_watches} + settings.max_batch;
    return static_cast<unsigned>(
        std::bit_ceil(std::clamp<std::uint64_t>(wanted, 2, KEVENT_MRING_MAX)));
}

availability probe_kevent_device() {
    kevent_info info{};
    if (kevent_get_info(&info) < 0) {
        switch (errno) {
            case ENOSYS:
                return {false,
                        "kevent.ko is not loaded: measure with --where guest, or load it as "
                        "kmod/INSTALL.md says"};
            case EACCES:
            case EPERM:
                return {false,
                        fmt::format("{} may not be used by this user: see kmod/70-kevent.rules",
                                    KEVENT_DEVICE)};
            default:
                return {false, fmt::format("{}: {}: see the kernel log", KEVENT_DEVICE,
                                           std::strerror(errno))};
        }
    }
    if (info.version < KEVENT_VERSION) {
        return {false, fmt::format("the loaded kevent.ko speaks version {} of the interface, this "
                                   "program {}: load the module of this tree",
                                   info.version, KEVENT_VERSION)};
    }
    return {};
}

}  // namespace kevbench::adapter
