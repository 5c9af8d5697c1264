// SPDX-License-Identifier: MIT
//
// The native sources of kevent's adapters. Each has an entry that names it, kept by slot, since a
// removal has to name it again.
#include <array>
#include <cerrno>
#include <csignal>
#include <new>

#include "kevbench/adapter/kevent_mapped.hpp"
#include "kevbench/adapter/kevent_queue.hpp"

namespace kevbench::adapter {
namespace {

constexpr std::int64_t second = 1'000'000'000;
constexpr std::uint32_t flags = KEVENT_REQ_ET | KEVENT_REQ_ALWAYS_QUEUE;

struct change_bit {
    std::uint32_t ours;
    std::uint32_t theirs;
};
constexpr std::array change_bits{
    change_bit{changes::created, KEVENT_INODE_CREATE},
    change_bit{changes::removed, KEVENT_INODE_REMOVE},
    change_bit{changes::modified, KEVENT_INODE_MODIFY | KEVENT_INODE_ON_CHILD},
};

/// The period is the name, the first expiration an argument.
ukevent describe_timer(const timer_plan& plan) noexcept {
    ukevent entry =
        kevent_request(KEVENT_TIMER, static_cast<unsigned>(plan.period / second),
                       KEVENT_TIMER_FIRED | KEVENT_TIMER_ABSTIME | KEVENT_TIMER_START, flags, 0);
    entry.id.raw[1] = static_cast<std::uint32_t>(plan.period % second);
    entry.ret_data[0] = static_cast<std::uint32_t>(plan.first / second);
    entry.ret_data[1] = static_cast<std::uint32_t>(plan.first % second);
    return entry;
}

std::int32_t to_changes(std::uint32_t theirs) noexcept {
    std::uint32_t ours = 0;
    for (const change_bit& each : change_bits) {
        if ((theirs & each.theirs) != 0) {
            ours |= each.ours;
        }
    }
    return static_cast<std::int32_t>(ours);
}

/// Some come before the module is asked, some of it.
int known_failure(int code) noexcept {
    return code == ENOSYS ? -EOPNOTSUPP : -code;
}

}  // namespace

int kevent_control::acquire_native(watch& target, std::uint32_t type) noexcept {
    try {
        natives_.resize(slots_->size());
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    }
    const int status = slots_->acquire_native(target);
    if (status == 0) {
        registration& state = slots_->find(target)->state;
        state.type = type;
        state.mask = 0;  // no bits of poll(2): sends deliver() to conclude()
    }
    return status;
}

int kevent_control::add_native(watch& target, ukevent entry) noexcept {
    int status = acquire_native(target, entry.type);
    if (status != 0) {
        return status;
    }
    slot_type& slot = *slots_->find(target);
    entry.user_u64 =
        detail::request_id{slot.generation, target.slot, detail::request_kind::receive}.packed();
    natives_[target.slot].entry = entry;
    status = change_native(entry, KEVENT_CTL_ADD);
    if (status != 0) {
        slots_->release(target);
        return status;
    }
    slot.state.armed = true;
    return 0;
}

int kevent_control::change_native(const ukevent& entry, std::uint32_t command) noexcept {
    ukevent change = entry;
    change.ret_flags = batched() ? command : 0;
    if (batched()) {
        return postpone(change);
    }
    const int result = kevent_ctl(queue_, command, 1, &change);
    if (result < 0) {
        return known_failure(errno);
    }
    if ((change.ret_flags & KEVENT_RET_BROKEN) != 0) {
        const auto reason = static_cast<std::int32_t>(change.ret_data[1]);
        return reason < 0 ? known_failure(-reason) : -ENOENT;
    }
    return 0;
}

int kevent_control::remove_native(slot_type& slot) noexcept {
    const native_source& source = natives_[slot.target->slot];
    if (!slot.state.armed) {
        return 0;
    }
    slot.state.armed = false;
    // A read may be among the changes still; and its memory must be left alone on return.
    if (source.entry.type == KEVENT_AIO || source.entry.type == KEVENT_INODE) {
        if (const int status = flush(); status != 0) {
            return status;
        }
        ukevent change = source.entry;
        return kevent_ctl(queue_, KEVENT_CTL_REMOVE, 1, &change) < 0 ? -errno : 0;
    }
    const int status = change_native(source.entry, KEVENT_CTL_REMOVE);
    return status == -ENOENT ? 0 : status;
}

int kevent_control::add_timer(watch& target, const timer_plan& plan) noexcept {
    return add_native(target, describe_timer(plan));
}

int kevent_control::rearm_timer(watch& target, const timer_plan& plan) noexcept {
    slot_type* const slot = slots_->find(target);
    if (slot == nullptr || slot->state.type != KEVENT_TIMER) {
        return -ENOENT;
    }
    ukevent& known = natives_[target.slot].entry;
    ukevent entry = describe_timer(plan);
    entry.user_u64 = known.user_u64;
    if (entry.id.raw_u64 == known.id.raw_u64) {
        return change_native(entry, KEVENT_CTL_MODIFY);
    }
    // Another period is another name.
    if (const int status = change_native(known, KEVENT_CTL_REMOVE); status != 0) {
        return status;
    }
    slots_->renew(*slot);
    entry.user_u64 =
        detail::request_id{slot->generation, target.slot, detail::request_kind::receive}.packed();
    known = entry;
    const int status = change_native(entry, KEVENT_CTL_ADD);
    slot->state.armed = status == 0;
    return status;
}

int kevent_control::add_posix_timer(watch& target, int timer, int signal) noexcept {
    ukevent entry = kevent_request(KEVENT_POSIX_TIMER, static_cast<unsigned>(timer),
                                   KEVENT_POSIX_TIMER_FIRED, flags, 0);
    entry.id.raw[1] = static_cast<std::uint32_t>(signal);
    return add_native(target, entry);
}

int kevent_control::add_signal(watch& target, int number, signal_delivery delivery) noexcept {
    if (number <= 0 || number == SIGKILL || number == SIGSTOP) {
        return -EINVAL;
    }
    ukevent entry = kevent_request(KEVENT_SIGNAL, static_cast<unsigned>(number),
                                   KEVENT_SIGNAL_DELIVERY, flags, 0);
    if (delivery == signal_delivery::event_only) {
        entry.id.raw_u64 |= KEVENT_SIGNAL_NOMASK;
    }
    return add_native(target, entry);
}

int kevent_control::add_directory(watch& target, int fd, std::uint32_t wanted) noexcept {
    std::uint32_t mask = 0;
    for (const change_bit& each : change_bits) {
        mask |= (wanted & each.ours) != 0 ? each.theirs : 0U;
    }
    return add_native(target,
                      kevent_request(KEVENT_INODE, static_cast<unsigned>(fd), mask, flags, 0));
}

int kevent_control::add_user(watch& target) noexcept {
    return add_native(target, kevent_request(KEVENT_USER, 0, KEVENT_USER_FIRED, flags, 0));
}

int kevent_control::add_reader(watch& target) noexcept {
    return acquire_native(target, KEVENT_AIO);
}

int kevent_control::start_read(watch& target, const file_read& read) noexcept {
    slot_type* const slot = slots_->find(target);
    if (slot == nullptr || slot->state.type != KEVENT_AIO) {
        return -ENOENT;
    }
    if (slot->state.armed) {
        return -EBUSY;
    }
    native_source& source = natives_[target.slot];
    source.operation = kevent_aio{};
    source.operation.op = KEVENT_AIO_READ;
    source.operation.fd = read.fd;
    source.operation.buf = reinterpret_cast<std::uintptr_t>(read.buffer);
    source.operation.len = read.size;
    source.operation.offset = read.offset;
    const auto address = reinterpret_cast<std::uintptr_t>(&source.operation);
    const std::uint64_t user =
        detail::request_id{slot->generation, target.slot, detail::request_kind::receive}.packed();
    source.entry = kevent_request(KEVENT_AIO, 0, KEVENT_AIO_BIO,
                                  KEVENT_REQ_ONESHOT | KEVENT_REQ_ALWAYS_QUEUE, user);
    source.entry.id.raw_u64 = user;
    source.entry.ret_data[0] = static_cast<std::uint32_t>(address);
    source.entry.ret_data[1] = static_cast<std::uint32_t>(address >> 32U);
    const int status = change_native(source.entry, KEVENT_CTL_ADD);
    slot->state.armed = status == 0;
    return status;
}

bool kevent_control::conclude(slot_type& slot, const std::array<std::uint32_t, 2>& ret_data,
                              std::uint32_t ret_flags, event& report) noexcept {
    const bool broken = (ret_flags & KEVENT_RET_BROKEN) != 0;
    const ukevent& entry = natives_[slot.target->slot].entry;
    slot.state.armed = entry.type != KEVENT_AIO && !broken;
    report.bits = bits::occurred;
    switch (entry.type) {
        case KEVENT_AIO:
            report.result = static_cast<std::int32_t>(ret_data[broken ? 1 : 0]);
            return true;
        case KEVENT_TIMER:
            report.result = static_cast<std::int32_t>(ret_data[1] + 1);
            break;
        case KEVENT_POSIX_TIMER:
            report.result = static_cast<std::int32_t>(ret_data[0] + 1);
            break;
        case KEVENT_SIGNAL: {
            const auto number = static_cast<int>(entry.id.raw_u64 & ~KEVENT_SIGNAL_NOMASK);
            // Of others it is the sender.
            report.result = number >= SIGRTMIN ? static_cast<std::int32_t>(ret_data[1]) : 0;
            break;
        }
        case KEVENT_INODE:
            report.result = to_changes(ret_data[0]);
            break;
        default:
            report.result = static_cast<std::int32_t>(ret_data[0]);
            break;
    }
    if (broken) {
        report.bits = bits::broken;
        report.result = 0;
    }
    return true;
}

int kevent_control::poster_type::open(kevent_control& adapter) noexcept {
    adapter_ = &adapter;
    return 0;
}

int kevent_control::poster_type::post(watch& target) noexcept {
    // Registered, so its entry does not change meanwhile.
    ukevent entry = adapter_->natives_[target.slot].entry;
    return kevent_ctl(adapter_->queue_, KEVENT_CTL_READY, 1, &entry) == 1 ? 0 : -ENOENT;
}

static_assert(timer_source<kevent_mapped_adapter> && timer_source<kevent_queue_adapter>);
static_assert(posix_timer_source<kevent_mapped_adapter>);
static_assert(signal_source<kevent_mapped_adapter>);
static_assert(change_source<kevent_mapped_adapter>);
static_assert(user_source<kevent_mapped_adapter>);
static_assert(file_source<kevent_mapped_adapter>);

}  // namespace kevbench::adapter
