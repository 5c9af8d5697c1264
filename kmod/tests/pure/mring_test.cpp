// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "pure.hpp"

namespace kevbench::pure {
namespace {

/// A ring as the kernel and a program share it.
class Shared {
  public:
    explicit Shared(std::uint32_t entries)
        : memory_((KEVENT_MRING_EVENTS + entries * sizeof(ukevent)) / sizeof(std::uint64_t)) {
        auto* ring = reinterpret_cast<kevent_mring*>(memory_.data());
        kevent_mring_start(&tail_, ring, entries);
        program_.ring = ring;
        program_.mask = entries - 1;
    }

    /// The kernel's step; false when the ring is full.
    bool produce(std::uint32_t id) {
        if (kevent_mring_used(&tail_) == tail_.entries) return false;
        ukevent* slot = kevent_mring_slot(&tail_);
        slot->id.raw[0] = id;
        slot->id.raw[1] = ~id;
        kevent_mring_publish(&tail_);
        return true;
    }

    kevent_mring_tail& kernel() { return tail_; }
    kevent_mapped& program() { return program_; }

  private:
    std::vector<std::uint64_t> memory_;
    kevent_mring_tail tail_{};
    kevent_mapped program_{};
};

TEST(Mring, RecordsComeInOrderOverManyLaps) {
    Shared shared(8);
    std::array<ukevent, 8> events{};
    std::uint32_t produced = 0;
    std::uint32_t taken = 0;
    for (std::uint32_t round = 0; round < 1000; ++round) {
        for (std::uint32_t i = 0; i < round % 9; ++i) ASSERT_TRUE(shared.produce(produced++));
        const unsigned count = kevent_mapped_take(&shared.program(), events.data(),
                                                  static_cast<unsigned>(events.size()));
        ASSERT_EQ(count, round % 9);
        for (unsigned i = 0; i < count; ++i) ASSERT_EQ(events.at(i).id.raw[0], taken++);
    }
}

TEST(Mring, AFullRingTakesNoMore) {
    Shared shared(4);
    for (std::uint32_t i = 0; i < 4; ++i) EXPECT_TRUE(shared.produce(i));
    EXPECT_FALSE(shared.produce(4));
    EXPECT_EQ(kevent_mapped_count(&shared.program()), 4U);
}

TEST(Mring, IndicesWrapAtTheEndOfTheirNumbers) {
    Shared shared(4);
    shared.kernel().tail = 0xfffffffe;
    shared.kernel().ring->tail = 0xfffffffe;
    shared.kernel().ring->head = 0xfffffffe;
    shared.program().head = 0xfffffffe;
    std::array<ukevent, 4> events{};
    for (std::uint32_t i = 0; i < 4; ++i) EXPECT_TRUE(shared.produce(i));
    EXPECT_FALSE(shared.produce(4));
    EXPECT_EQ(kevent_mapped_take(&shared.program(), events.data(), 4), 4U);
    for (std::uint32_t i = 0; i < 4; ++i) EXPECT_EQ(events.at(i).id.raw[0], i);
    EXPECT_EQ(kevent_mring_used(&shared.kernel()), 0U);
}

TEST(Mring, AWildHeadMakesTheRingFullOrEmptyAndNoMore) {
    Shared shared(4);
    for (const std::uint32_t head : {1U, 5U, 0x7fffffffU, 0x80000000U, 0xffffffffU}) {
        shared.kernel().ring->head = head;
        EXPECT_LE(kevent_mring_used(&shared.kernel()), 4U);
        shared.produce(1);
        const ukevent* slot = kevent_mring_slot(&shared.kernel());
        EXPECT_GE(slot, &shared.kernel().ring->event[0]);
        EXPECT_LE(slot, &shared.kernel().ring->event[3]);
    }
}

TEST(Mring, AWildTailGivesTheProgramNoMoreThanAllSlots) {
    Shared shared(4);
    std::array<ukevent, 8> events{};
    shared.kernel().ring->tail = 0x12345678;
    EXPECT_LE(kevent_mapped_take(&shared.program(), events.data(), 8), 4U);
}

TEST(Mring, ARecordIsUnreadUntilItIsTaken) {
    Shared shared(4);
    std::array<ukevent, 4> events{};
    const std::uint64_t pos = shared.kernel().tail;
    EXPECT_TRUE(shared.produce(1));
    EXPECT_TRUE(shared.produce(2));
    EXPECT_TRUE(kevent_mring_unread(&shared.kernel(), pos));
    EXPECT_EQ(kevent_mapped_take(&shared.program(), events.data(), 1), 1U);
    EXPECT_FALSE(kevent_mring_unread(&shared.kernel(), pos));
    EXPECT_TRUE(kevent_mring_unread(&shared.kernel(), pos + 1));
}

TEST(Mring, ThreadsSeeEachRecordOnceWholeAndInOrder) {
    constexpr std::uint32_t records = 100000;
    Shared shared(16);
    std::mutex queue_lock;
    std::thread kernel([&] {
        for (std::uint32_t i = 0; i < records;) {
            const std::lock_guard<std::mutex> hold(queue_lock);
            if (shared.produce(i)) {
                ++i;
            } else {
                std::this_thread::yield();
            }
        }
    });
    std::array<ukevent, 16> events{};
    std::uint32_t expected = 0;
    std::uint32_t wrong = 0;
    while (expected < records) {
        const unsigned count = kevent_mapped_take(&shared.program(), events.data(), 16);
        if (count == 0) std::this_thread::yield();
        for (unsigned i = 0; i < count; ++i) {
            wrong += static_cast<std::uint32_t>(events.at(i).id.raw[0] != expected ||
                                                events.at(i).id.raw[1] != ~expected);
            ++expected;
        }
    }
    kernel.join();
    EXPECT_EQ(wrong, 0U);
    EXPECT_EQ(expected, records);
}

}  // namespace
}  // namespace kevbench::pure
