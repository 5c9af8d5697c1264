// SPDX-License-Identifier: MIT
#include "work_ledger.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kevbench/workload/error.hpp"

namespace kevbench::micro {
namespace {

using testing::HasSubstr;

workload::tally work(std::uint64_t operations) {
    workload::tally made;
    made.operations = operations;
    made.messages = 2 * operations;
    made.bytes = 10 * operations;
    made.order = 77;
    return made;
}

template <class F>
std::string fault_of(F&& action) {
    try {
        action();
    } catch (const workload::fault& fault) {
        return fault.what();
    }
    return "none";
}

class Ledger : public testing::Test {
  protected:
    std::string check(const workload::tally& done, bool synthetic = false) {
        return fault_of([&] { ledger_.check_opening("group", "other", done, synthetic); });
    }
    void SetUp() override { ledger_.check_opening("group", "first", work(100), false); }

    work_ledger ledger_;
};

TEST_F(Ledger, AcceptsTheSameWork) {
    EXPECT_TRUE(ledger_.knows("group"));
    auto same = work(100);
    same.waits = 5;  // how it was done may differ
    same.would_block = 3;
    EXPECT_EQ(check(same), "none");
}

TEST_F(Ledger, NamesWhatDiffersAndFromWhom) {
    auto other = work(100);
    --other.messages;
    EXPECT_THAT(check(other), HasSubstr("199 messages in 100 operations, but 200 on first"));
    other = work(100);
    ++other.bytes;
    EXPECT_THAT(check(other), HasSubstr("1001 bytes"));
    other = work(100);
    other.order = 78;
    EXPECT_THAT(check(other), HasSubstr("order checksum"));
    EXPECT_THAT(check(work(99)), HasSubstr("99 operations"));
    other = work(100);
    other.errors = 4;
    EXPECT_THAT(check(other), HasSubstr("4 of 100 operations reported errors"));
}

TEST_F(Ledger, ASyntheticCellHasNoOrderButTheSameCounts) {
    auto other = work(100);
    other.order = 0;
    EXPECT_EQ(check(other, true), "none");
    --other.bytes;
    EXPECT_THAT(check(other, true), HasSubstr("bytes"));
}

TEST(LedgerReference, IsNeverSynthetic) {
    work_ledger ledger;
    ledger.check_opening("group", "null", work(100), true);
    EXPECT_FALSE(ledger.knows("group"));
    EXPECT_FALSE(ledger.knows("elsewhere"));
}

TEST(Proportion, HoldsForAnyLengthAndBreaksByOne) {
    EXPECT_EQ(fault_of([] { check_proportion(work(100), work(37)); }), "none");
    EXPECT_EQ(fault_of([] { check_proportion(work(100), work(1'000'000'007)); }), "none");
    auto longer = work(1'000'000'007);
    ++longer.messages;
    EXPECT_THAT(fault_of([&] { check_proportion(work(100), longer); }), HasSubstr("messages"));
    longer = work(37);
    longer.errors = 1;
    EXPECT_THAT(fault_of([&] { check_proportion(work(100), longer); }), HasSubstr("errors"));
}

}  // namespace
}  // namespace kevbench::micro
