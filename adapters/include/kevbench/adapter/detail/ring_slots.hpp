// SPDX-License-Identifier: MIT
//
// Identity of io_uring requests. A completion may arrive after its watch was removed, and freed by
// its owner, so requests never carry a pointer: they carry the index of a slot the adapter owns and
// the generation the slot had, and a completion whose generation is outdated is dropped unseen.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <new>
#include <vector>

#include "kevbench/adapter/contract.hpp"
#include "kevbench/adapter/detail/descriptor_index.hpp"

namespace kevbench::adapter::detail {

/// What a completion belongs to. `control` requests (cancellations) have no slot.
/// The last three are native sources (native_sources.hpp); a post is made by another ring.
enum class request_kind : std::uint32_t {
    control = 0,
    receive = 1,
    send = 2,
    accept = 3,
    timer = 4,
    read = 5,
    post = 6,
};

/// user_data: generation in the high half, slot in the next 29 bits, kind in the low three.
class request_id {
  public:
    static constexpr std::uint32_t max_slots = 1U << 29;

    constexpr explicit request_id(std::uint64_t packed) noexcept : packed_(packed) {}
    constexpr request_id(std::uint32_t generation, std::uint32_t slot, request_kind kind) noexcept
        : packed_((std::uint64_t{generation} << 32) | (slot << 3) |
                  static_cast<std::uint32_t>(kind)) {}

    [[nodiscard]] constexpr std::uint64_t packed() const noexcept { return packed_; }
    [[nodiscard]] constexpr std::uint32_t generation() const noexcept {
        return static_cast<std::uint32_t>(packed_ >> 32);
    }
    [[nodiscard]] constexpr std::uint32_t slot() const noexcept {
        return static_cast<std::uint32_t>(packed_) >> 3;
    }
    [[nodiscard]] constexpr request_kind kind() const noexcept {
        return static_cast<request_kind>(packed_ & 7);
    }

  private:
    std::uint64_t packed_;
};

/// Generation 0 slot 0 never exists, so completions of control requests match nothing.
inline constexpr request_id control_request{0};

template <class State>
struct ring_slot {
    watch* target = nullptr;
    std::uint32_t generation = 1;
    State state{};
};

/// The slots of one adapter. Memory for all is taken by open(). Not thread-safe.
template <class State>
class ring_slots {
  public:
    using slot_type = ring_slot<State>;

    int open(std::uint32_t count) noexcept {
        if (count > request_id::max_slots) {
            return -EINVAL;
        }
        try {
            slots_.resize(count == 0 ? 1 : count);  // control_request looks at slot 0
            free_.resize(count);
        } catch (const std::bad_alloc&) {
            return -ENOMEM;
        }
        for (std::uint32_t at = 0; at < count; ++at) {
            free_[at] = count - 1 - at;
        }
        return 0;
    }
    void close() noexcept {
        slots_.clear();
        free_.clear();
        registered_.clear();
    }

    /// Gives `target` a slot in its initial state. 0, -EBADF, -EEXIST, -ENOSPC or -ENOMEM.
    int acquire(watch& target) noexcept {
        if (target.fd < 0) {
            return -EBADF;
        }
        if (find(target) != nullptr || registered_.contains(target.fd)) {
            return -EEXIST;
        }
        if (free_.empty()) {
            return -ENOSPC;
        }
        try {
            registered_.reserve(target.fd);
        } catch (const std::bad_alloc&) {
            return -ENOMEM;
        }
        take(target);
        registered_.set(target.fd, target.slot);
        return 0;
    }
    /// The same for a native source, which has no descriptor.
    int acquire_native(watch& target) noexcept {
        if (find(target) != nullptr) {
            return -EEXIST;
        }
        if (free_.empty()) {
            return -ENOSPC;
        }
        take(target);
        return 0;
    }
    /// Outdates every request of the slot and frees it.
    void release(watch& target) noexcept {
        slot_type& slot = slots_[target.slot];
        slot.target = nullptr;
        renew(slot);
        if (target.fd >= 0) {
            registered_.erase(target.fd);
        }
        free_.push_back(target.slot);  // never beyond the capacity reserved by open()
    }
    /// Outdates every request of the slot.
    void renew(slot_type& slot) noexcept {
        if (++slot.generation == 0) {
            slot.generation = 1;
        }
    }

    [[nodiscard]] std::size_t size() const noexcept { return slots_.size(); }
    /// All slots by number, where they stay until close().
    [[nodiscard]] slot_type* data() noexcept { return slots_.data(); }
    /// The slot of a registered watch, else null.
    [[nodiscard]] slot_type* find(const watch& target) noexcept {
        if (target.slot >= slots_.size() || slots_[target.slot].target != &target) {
            return nullptr;
        }
        return &slots_[target.slot];
    }
    /// The slot a completion belongs to, or null when it is outdated.
    [[nodiscard]] slot_type* find(request_id id) noexcept {
        slot_type& slot = slots_[id.slot()];
        return slot.generation == id.generation() ? &slot : nullptr;
    }
    /// Calls `visit(slot, number)` for the slot of each registered watch. When an adapter closes,
    /// the watches themselves may be gone already.
    template <class Visit>
    void for_each(Visit visit) {
        std::uint32_t number = 0;
        for (slot_type& slot : slots_) {
            if (slot.target != nullptr) {
                visit(slot, number);
            }
            ++number;
        }
    }

  private:
    void take(watch& target) noexcept {
        target.slot = free_.back();
        free_.pop_back();
        slot_type& slot = slots_[target.slot];
        slot.target = &target;
        slot.state = State{};
    }

    std::vector<slot_type> slots_;
    std::vector<std::uint32_t> free_;
    descriptor_index registered_;
};

}  // namespace kevbench::adapter::detail
