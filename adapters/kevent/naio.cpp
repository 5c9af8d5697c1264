// SPDX-License-Identifier: MIT
#include "kevbench/adapter/kevent_naio.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <new>
#include <utility>

#include "kevbench/adapter/detail/descriptor.hpp"
#include "kevbench/adapter/detail/timeout.hpp"
#include "trial.hpp"

namespace kevbench::adapter {
namespace {

using detail::request_id;
using detail::request_kind;

constexpr std::uint32_t receiving = bits::readable | bits::acceptable;
/// What ends a wait for either direction.
constexpr std::uint32_t failed = bits::error | bits::hangup;
/// Changes that gather before a call of their own becomes due.
constexpr std::size_t changes_at_once = 256;

constexpr std::array all{
    kevent_variant{{"kevent", "naio", trigger::level, read_discipline::once,
                    caps::completion | caps::modify | caps::sigmask | caps::fine_timeout |
                        caps::batched_control,
                    0},
                   kevent_way::mapped},
};

std::uint32_t type_of(const watch& target) noexcept {
    return target.socket ? KEVENT_SOCKET : KEVENT_POLL;
}

}  // namespace

std::span<const kevent_variant> kevent_naio_adapter::variants() {
    return all;
}

availability kevent_naio_adapter::probe(const kevent_variant& variant) {
    availability state = probe_kevent_device();
    if (state.available) {
        state = detail::try_out<kevent_naio_adapter>(variant, "kevent's NAIO");
    }
    if (state.available) {
        state = detail::try_receive<kevent_naio_adapter>(variant, "kevent's NAIO receive");
    }
    return state;
}

int kevent_naio_adapter::open(const config& settings) noexcept {
    if (queue_ >= 0 || settings.max_batch == 0) {
        return -EINVAL;
    }
    int status = buffers_.open(settings.buffers);
    if (status == 0) {
        status = slots_.open(settings.max_watches);
    }
    const std::size_t sends = detail::send_capacity(settings);
    if (status == 0) {
        try {
            sends_.open(sends);
            for (std::vector<ukevent>* const list : {&changes_, &handed_over_}) {
                list->reserve(changes_at_once);
            }
            for (std::vector<kevent_aio>* const list : {&parameters_, &handed_parameters_}) {
                list->reserve(changes_at_once);
            }
            batch_.resize(settings.max_batch);
            held_.reserve(settings.max_batch);
            ready_.reserve(settings.max_watches);
            // One an operation, a buffer, a watch and a record, twice: it is compacted by wait().
            finished_.reserve(
                2 * (sends + settings.buffers.count + settings.max_watches + settings.max_batch));
        } catch (const std::bad_alloc&) {
            status = -ENOMEM;
        }
    }
    if (status == 0) {
        queue_ = kevent_mapped_open(&mapped_, kevent_ring_entries(settings), KEVENT_INIT_CLOEXEC);
        status = queue_ < 0 ? -errno : 0;
    }
    if (status != 0) {
        close();
        return status;
    }
    owner_ = ::getpid();
    mask_ = settings.wait_mask;
    max_batch_ = settings.max_batch;
    since_call_ = 0;
    round_ = std::max(settings.max_watches, settings.max_batch);
    return 0;
}

int kevent_naio_adapter::add(watch& target) noexcept {
    if ((target.interest & bits::writable) != 0) {
        return -EINVAL;
    }
    int status = slots_.acquire(target);
    if (status != 0) {
        return status;
    }
    slot_type& slot = *slots_.find(target);
    slot.state.wanted = (target.interest & receiving) != 0;
    slot.state.listening = (target.interest & bits::acceptable) != 0;
    status = register_interest(slot);
    if (status != 0) {
        slots_.release(target);
    }
    return status;
}

int kevent_naio_adapter::modify(watch& target) noexcept {
    slot_type* const slot = slots_.find(target);
    if (slot == nullptr) {
        return -ENOENT;
    }
    if ((target.interest & bits::writable) != 0) {
        return -EINVAL;
    }
    stream& state = slot->state;
    const bool was_going = state.wanted && !state.over;
    state.wanted = (target.interest & receiving) != 0;
    state.over = false;
    if (state.wanted) {
        state.listening = (target.interest & bits::acceptable) != 0;
        return register_interest(*slot);
    }
    if (!was_going) {
        return 0;
    }
    const int status = register_interest(*slot);
    if (status != 0 || state.listening) {
        return status;  // connections wait where they are
    }
    start_receive(*slot);
    return flush();
}

int kevent_naio_adapter::remove(watch& target) noexcept {
    slot_type* const slot = slots_.find(target);
    if (slot == nullptr) {
        return -ENOENT;
    }
    const bool sending = slot->state.sending;
    int status = postpone_removal(*slot, target.slot);
    // Queued operations name the descriptor, whose number the caller may reuse from here on.
    if (sending) {
        const int flushed = flush();
        status = status != 0 ? status : flushed;
    }
    unreported_sends_ -= sends_.drop(slot->state.sends);
    if (slot->state.queued) {
        std::erase(ready_, identify(*slot, request_kind::receive).packed());
    }
    slots_.release(target);
    return status;
}

submission kevent_naio_adapter::submit(const operation& op) noexcept {
    slot_type* const slot = slots_.find(*op.target);
    if (slot == nullptr) {
        return {verdict::done, -ENOENT};
    }
    stream& state = slot->state;
    if (op.kind != op_kind::send) {
        if (!state.wanted) {
            return {verdict::done, -EINVAL};
        }
        state.over = false;
        return {register_interest(*slot) == 0 ? verdict::queued : verdict::full, 0};
    }
    if (unreported_sends_ >= sends_.capacity()) {
        return {verdict::full, 0};
    }
    const bool first = state.sends.empty();
    sends_.push(state.sends, op.buffer, op.size);
    ++unreported_sends_;
    if (first && op.target->socket) {
        start_send(*slot);
    } else if (first) {
        write_on(*slot);
    }
    return {verdict::queued, 0};
}

int kevent_naio_adapter::register_interest(slot_type& slot) noexcept {
    stream& state = slot.state;
    const watch& target = *slot.target;
    std::uint32_t wanted = state.wanted && !state.over ? bits::readable : 0;
    if (!target.socket) {
        wanted |= state.sends.empty() ? 0 : bits::writable;
        wanted |= wanted != 0 ? failed : 0;
    }
    if (wanted == state.mask) {
        return 0;
    }
    const std::uint32_t before = std::exchange(state.mask, wanted);
    if (state.unpollable) {
        if ((wanted & bits::readable) != 0) {
            receive_later(slot);
        }
        return 0;
    }
    std::uint32_t command = KEVENT_CTL_MODIFY;
    request_id id = identify(slot, state.listening ? request_kind::accept : request_kind::receive);
    if (before == 0) {
        command = KEVENT_CTL_ADD;
    } else if (wanted == 0) {
        command = KEVENT_CTL_REMOVE;
        id = detail::control_request;
    }
    ukevent change = kevent_request(type_of(target), static_cast<unsigned>(target.fd), wanted,
                                    KEVENT_REQ_ALWAYS_QUEUE, id.packed());
    change.ret_flags = command;
    return postpone(change, {});
}

int kevent_naio_adapter::postpone_removal(const slot_type& slot, std::uint32_t number) noexcept {
    const auto fd = static_cast<unsigned>(slot.target->fd);
    const std::uint64_t nobody = detail::control_request.packed();
    int status = 0;
    if (slot.state.mask != 0 && !slot.state.unpollable) {
        ukevent change = kevent_request(type_of(*slot.target), fd, 0, 0, nobody);
        change.ret_flags = KEVENT_CTL_REMOVE;
        status = postpone(change, {});
    }
    if (slot.state.sending && status == 0) {
        const request_id id{slot.generation, number, request_kind::send};
        ukevent change = kevent_request(KEVENT_NAIO, fd, KEVENT_NAIO_SEND, 0, nobody);
        change.id.raw[1] = operation_number(id);
        change.ret_flags = KEVENT_CTL_REMOVE;
        status = postpone(change, {});
    }
    return status;
}

int kevent_naio_adapter::postpone(const ukevent& change, const kevent_aio& parameters) noexcept {
    while (changes_.size() == changes_at_once) {
        if (const int status = flush(); status != 0) {
            return status;
        }
    }
    changes_.push_back(change);
    parameters_.push_back(parameters);
    return 0;
}

int kevent_naio_adapter::flush() noexcept {
    if (changes_.empty()) {
        return 0;
    }
    place_parameters();
    const int came_back = kevent_ctl(queue_, KEVENT_CTL_BATCH,
                                     static_cast<unsigned>(changes_.size()), changes_.data());
    if (came_back < 0) {
        return -errno;
    }
    settle(came_back != 0);
    return 0;
}

int kevent_naio_adapter::enter(std::int64_t timeout) noexcept {
    timespec storage;
    const timespec* const limit = detail::to_timespec(timeout, storage);
    since_call_ = 0;
    if (changes_.empty()) {
        const int count = kevent_pwait(queue_, 1, 0, limit, 0, mask_, nullptr);
        return count < 0 ? -errno : std::min(count, 1);
    }
    place_parameters();
    kevent_batch call{};
    call.cmd = KEVENT_CTL_BATCH;
    call.num = static_cast<unsigned>(changes_.size());
    call.changes = changes_.data();
    call.max_nr = 1;
    call.timeout = limit;
    call.sigmask = mask_;
    const int count = kevent_enter(queue_, &call);
    if (count < 0 && errno != EINTR) {
        return -errno;
    }
    settle(call.ctl_result != 0);
    if (count > 0 || call.ctl_result != 0) {
        return 1;
    }
    return count < 0 ? -EINTR : 0;
}

int kevent_naio_adapter::advance(std::int64_t timeout, std::uint32_t limit) noexcept {
    finished_.erase(finished_.begin(),
                    finished_.begin() + static_cast<std::ptrdiff_t>(finished_next_));
    finished_next_ = 0;
    start_ready();
    const std::uint32_t taken = take_records(limit);
    const bool busy = !finished_.empty() || taken != 0;
    // Watches that the kernel has to look at again get their turn after one round of the others,
    // at the latest.
    const bool overdue = since_call_ >= round_ && kevent_mapped_flags(&mapped_) != 0;
    if (busy && changes_.empty() && !overdue) {
        return 1;
    }
    const int status = enter(busy || !ready_.empty() ? 0 : timeout);
    return finished_.empty() ? status : 1;
}

void kevent_naio_adapter::close() noexcept {
    if (queue_ >= 0 && owner_ == ::getpid()) {
        slots_.for_each([this](const slot_type& slot, std::uint32_t number) {
            static_cast<void>(postpone_removal(slot, number));
        });
        static_cast<void>(flush());
        kevent_mapped_close(&mapped_);
    } else if (queue_ >= 0) {
        ::close(mapped_.fd);
    }
    queue_ = -1;
    for (; finished_next_ != finished_.size(); ++finished_next_) {
        discard(finished_[finished_next_]);
    }
    finished_.clear();
    finished_next_ = 0;
    slots_.close();
    changes_.clear();
    parameters_.clear();
    ready_.clear();
    held_.clear();
    unreported_sends_ = 0;
    unreported_others_ = 0;
}

void kevent_naio_adapter::discard(const finished& done) noexcept {
    account(done);
    if (done.buffer != none) {
        buffers_.give_back(done.buffer);
    }
    if (done.bits == bits::accepted && done.result >= 0) {
        const detail::descriptor connection{done.result};
    }
}

static_assert(event_adapter<kevent_naio_adapter>);

}  // namespace kevbench::adapter
