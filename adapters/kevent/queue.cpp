// SPDX-License-Identifier: MIT
#include "kevbench/adapter/kevent_queue.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <new>
#include <utility>

#include "kevbench/adapter/detail/timeout.hpp"
#include "kevbench/adapter/sharing.hpp"
#include "trial.hpp"

namespace kevbench::adapter {
namespace {

constexpr std::align_val_t ring_alignment{alignof(ukevent)};

/// Whom an event is told: all queues that watch and all threads that wait, or one.
enum class audience : std::uint8_t { all, one };

constexpr kevent_variant describe_variant(std::string_view name, kevent_way way, trigger mode,
                                          bool only_poll = false, audience told = audience::all) {
    constexpr std::uint32_t common = caps::modify | caps::sigmask | caps::fine_timeout;
    return {{"kevent", name, mode,
             mode == trigger::edge ? read_discipline::drain : read_discipline::once,
             common | (way == kevent_way::get ? caps::shared : 0U) |
                 (told == audience::one ? caps::exclusive : 0U),
             0},
            way,
            only_poll,
            told == audience::one};
}

constexpr std::array all{
    describe_variant("get", kevent_way::get, trigger::level),
    describe_variant("get-et", kevent_way::get, trigger::edge),
    describe_variant("get-oneshot", kevent_way::get, trigger::one_shot),
    describe_variant("ring", kevent_way::ring, trigger::level),
    describe_variant("ring-et", kevent_way::ring, trigger::edge),
    describe_variant("ring-oneshot", kevent_way::ring, trigger::one_shot),
    describe_variant("get+poll", kevent_way::get, trigger::level, true),
    describe_variant("get+poll-et", kevent_way::get, trigger::edge, true),
    describe_variant("get+one", kevent_way::get, trigger::level, false, audience::one),
    describe_variant("get+one-et", kevent_way::get, trigger::edge, false, audience::one),
    describe_variant("get+one-oneshot", kevent_way::get, trigger::one_shot, false, audience::one),
};

}  // namespace

std::span<const kevent_variant> kevent_queue_adapter::variants() {
    return all;
}

availability kevent_queue_adapter::probe(const kevent_variant& variant) {
    if (availability device = probe_kevent_device(); !device.available) {
        return device;
    }
    return detail::try_out<kevent_queue_adapter>(variant, "kevent");
}

void kevent_queue_adapter::release_ring::operator()(std::byte* memory) const noexcept {
    ::operator delete[](memory, ring_alignment);
}

int kevent_queue_adapter::open(const config& settings) noexcept {
    if (const int status = open_control(settings); status != 0) {
        return status;
    }
    int status = 0;
    try {
        if (variant_.way == kevent_way::ring) {
            // One slot more than a batch: a full ring and an empty one look alike to commit.
            status = open_ring(std::max(settings.ring_entries, settings.max_batch + 1));
        } else {
            storage_.resize(settings.max_batch);
            batch_ = storage_.data();
            queue_ = kevent_init(nullptr, 0, KEVENT_INIT_CLOEXEC);
            status = queue_ < 0 ? -errno : 0;
        }
    } catch (const std::bad_alloc&) {
        status = -ENOMEM;
    }
    if (status != 0) {
        close();
    }
    return status;
}

int kevent_queue_adapter::attach(const kevent_queue_adapter& first,
                                 const config& settings) noexcept {
    if (const int status = attach_control(first, settings); status != 0) {
        return status;
    }
    try {
        storage_.resize(settings.max_batch);
    } catch (const std::bad_alloc&) {
        close();
        return -ENOMEM;
    }
    batch_ = storage_.data();
    return 0;
}

int kevent_queue_adapter::open_ring(std::uint32_t entries) noexcept {
    const std::size_t bytes = sizeof(kevent_ring) + sizeof(ukevent) * std::size_t{entries};
    memory_.reset(static_cast<std::byte*>(::operator new[](bytes, ring_alignment, std::nothrow)));
    if (memory_ == nullptr) {
        return -ENOMEM;
    }
    std::fill_n(memory_.get(), bytes, std::byte{0});  // no page is missing when the kernel writes
    ring_ = reinterpret_cast<kevent_ring*>(memory_.get());
    ring_size_ = entries;
    next_ = laps_ = held_ = 0;
    queue_ = kevent_init(ring_, entries, KEVENT_INIT_CLOEXEC);
    return queue_ < 0 ? -errno : 0;
}

int kevent_queue_adapter::fetch(std::int64_t timeout, std::uint32_t limit) noexcept {
    if (ring_ != nullptr) {
        return fetch_from_ring(timeout, limit);
    }
    timespec storage;
    const int count = kevent_pget_events(queue_, 1, limit, detail::to_timespec(timeout, storage),
                                         storage_.data(), 0, mask_);
    return count < 0 ? -errno : count;
}

int kevent_queue_adapter::fetch_from_ring(std::int64_t timeout, std::uint32_t limit) noexcept {
    timespec storage;
    kevent_batch call{};
    call.flags = held_ != 0 ? KEVENT_FLAGS_COMMIT : 0U;
    call.new_uidx = next_;
    call.over = laps_;
    call.old_uidx = next_;
    // Up to the end of its memory, so that a batch is one run of records.
    call.max_nr = std::min(limit, ring_size_ - next_);
    call.timeout = detail::to_timespec(timeout, storage);
    call.sigmask = mask_;
    const int count = kevent_enter(queue_, &call);
    if (count < 0 && errno != EINTR) {
        return -errno;
    }
    if (held_ != 0) {
        held_ = 0;
        laps_ = ring_->ring_over;
    }
    if (count <= 0) {
        return count < 0 ? -EINTR : 0;
    }
    batch_ = ring_->event + next_;
    held_ = static_cast<std::uint32_t>(count);
    next_ = (next_ + held_) % ring_size_;
    return count;
}

void kevent_queue_adapter::close() noexcept {
    if (queue_ >= 0) {
        ::close(std::exchange(queue_, -1));
    }
    close_control();
    ring_ = nullptr;
    memory_.reset();
}

static_assert(shareable_adapter<kevent_queue_adapter>);

}  // namespace kevbench::adapter
