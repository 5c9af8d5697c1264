// SPDX-License-Identifier: MIT
// What the pure parts must agree with, written without cleverness.
#pragma once

#include <set>
#include <stdexcept>
#include <string>

#include "pure.hpp"

namespace kevbench::pure {

/// A violated rule; carries what differs.
class Violation : public std::logic_error {
  public:
    using std::logic_error::logic_error;
};

inline void require(bool holds, const char* rule) {
    if (!holds) throw Violation(rule);
}

/// The 2006 ring with indices that never wrap.
class RingModel {
  public:
    explicit RingModel(std::uint32_t size) : size_(size) {}

    [[nodiscard]] bool full() const { return produced_ - committed_ == size_; }
    [[nodiscard]] std::uint32_t used() const {
        return static_cast<std::uint32_t>(produced_ - committed_);
    }
    [[nodiscard]] std::uint32_t over() const {
        return static_cast<std::uint32_t>(committed_ / size_);
    }
    [[nodiscard]] std::uint32_t kidx() const {
        return static_cast<std::uint32_t>(produced_ % size_);
    }
    [[nodiscard]] std::uint32_t uidx() const {
        return static_cast<std::uint32_t>(committed_ % size_);
    }

    void produce() { ++produced_; }

    /// What commit(new_uidx, over) must return.
    int commit(std::uint32_t new_uidx, std::uint32_t over) {
        if (new_uidx >= size_) return -EINVAL;
        if (over == this->over()) {
            std::uint64_t target = committed_ / size_ * size_ + new_uidx;
            const bool behind = target < committed_;
            if (behind) target += size_;
            if (target > produced_) return behind ? 0 : -EINVAL;
            const auto freed = static_cast<int>(target - committed_);
            committed_ = target;
            return freed;
        }
        return over + 1 == this->over() && new_uidx <= uidx() ? 0 : -EOVERFLOW;
    }

  private:
    std::uint64_t size_;
    std::uint64_t produced_ = 0;
    std::uint64_t committed_ = 0;
};

/// A tree node that carries its key.
struct Item {
    avl_node node{};
    std::uint64_t key = 0;
};

inline const Item& item(const avl_node* node) {
    // The node is the first member.
    return *reinterpret_cast<const Item*>(node);
}

extern "C" inline int compare_keys(const void* key, const avl_node* node) {
    const std::uint64_t wanted = *static_cast<const std::uint64_t*>(key);
    const std::uint64_t found = item(node).key;
    return static_cast<int>(wanted > found) - static_cast<int>(wanted < found);
}

/// Checks order, balance and parent links of a subtree; returns its height.
inline int check_subtree(const avl_node* node, const avl_node* parent,
                         std::set<std::uint64_t>& keys) {
    if (node == nullptr) return 0;
    constexpr std::uintptr_t balance_bits = 3;
    require((node->parent_balance & ~balance_bits) == reinterpret_cast<std::uintptr_t>(parent),
            "a child knows its parent");
    const int left = check_subtree(node->child[0], node, keys);
    require(keys.empty() || *keys.rbegin() < item(node).key, "keys ascend from left to right");
    keys.insert(keys.end(), item(node).key);
    const int right = check_subtree(node->child[1], node, keys);
    require(right - left >= -1 && right - left <= 1, "subtrees differ by one level at most");
    require(static_cast<int>(node->parent_balance & balance_bits) - 1 == right - left,
            "the balance noted is the balance there is");
    return 1 + (left > right ? left : right);
}

/// Checks the tree as a whole and returns its keys.
inline std::set<std::uint64_t> check_tree(const avl_root& root) {
    std::set<std::uint64_t> keys;
    check_subtree(root.node, nullptr, keys);
    const avl_node* first = avl_first(&root);
    require((first == nullptr) == keys.empty(), "only an empty tree has no first node");
    require(first == nullptr || item(first).key == *keys.begin(),
            "the first node has the least key");
    return keys;
}

}  // namespace kevbench::pure
