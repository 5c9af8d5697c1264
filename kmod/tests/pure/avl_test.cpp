// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include "model.hpp"

namespace kevbench::pure {
namespace {

avl_node* insert(avl_root& root, Item& entry) {
    return avl_insert(&root, &entry.node, &entry.key, compare_keys);
}

std::vector<Item> items(const std::vector<std::uint64_t>& keys) {
    std::vector<Item> result(keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) result[i].key = keys[i];
    return result;
}

TEST(Avl, EmptyTreeFindsNothing) {
    avl_root root{};
    const std::uint64_t key = 1;
    EXPECT_EQ(avl_find(&root, &key, compare_keys), nullptr);
    EXPECT_TRUE(check_tree(root).empty());
}

TEST(Avl, EqualKeyIsReturnedAndNotEntered) {
    avl_root root{};
    std::vector<Item> entries = items({7, 7});
    EXPECT_EQ(insert(root, entries[0]), nullptr);
    EXPECT_EQ(insert(root, entries[1]), &entries[0].node);
    EXPECT_EQ(check_tree(root).size(), 1U);
}

TEST(Avl, EveryOrderOfInsertionAndRemovalKeepsTheBalance) {
    std::vector<std::uint64_t> order(7);
    std::iota(order.begin(), order.end(), 0);
    do {
        for (std::size_t shift = 0; shift < order.size(); shift += 3) {
            avl_root root{};
            std::vector<Item> entries = items(order);
            std::set<std::uint64_t> keys;
            for (Item& entry : entries) {
                ASSERT_EQ(insert(root, entry), nullptr);
                keys.insert(entry.key);
                ASSERT_EQ(check_tree(root), keys);
            }
            for (std::size_t i = 0; i < entries.size(); ++i) {
                Item& entry = entries[(i + shift) % entries.size()];
                avl_erase(&root, &entry.node);
                keys.erase(entry.key);
                ASSERT_EQ(check_tree(root), keys);
            }
        }
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST(Avl, SortedKeysDoNotDegenerate) {
    avl_root root{};
    std::vector<std::uint64_t> keys(1023);
    std::iota(keys.begin(), keys.end(), 0);
    std::vector<Item> entries = items(keys);
    for (Item& entry : entries) insert(root, entry);
    std::set<std::uint64_t> found;
    EXPECT_EQ(check_subtree(root.node, nullptr, found), 10);
    EXPECT_EQ(found.size(), keys.size());
}

TEST(Avl, ArbitraryUseAgreesWithASet) {
    std::mt19937_64 random(2);
    avl_root root{};
    std::vector<Item> entries(300);
    std::set<std::uint64_t> keys;
    std::vector<bool> inside(entries.size());
    for (int step = 0; step < 30000; ++step) {
        const std::size_t which = random() % entries.size();
        Item& entry = entries[which];
        if (inside[which]) {
            ASSERT_EQ(avl_find(&root, &entry.key, compare_keys), &entry.node);
            avl_erase(&root, &entry.node);
            keys.erase(entry.key);
            inside[which] = false;
        } else {
            // Keys collide now and then.
            entry.key = random() % 500;
            inside[which] = keys.insert(entry.key).second;
            ASSERT_EQ(insert(root, entry) == nullptr, inside[which]);
        }
        if (step % 16 == 0) {
            ASSERT_EQ(check_tree(root), keys);
        }
    }
}

}  // namespace
}  // namespace kevbench::pure
