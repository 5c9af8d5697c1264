// SPDX-License-Identifier: MIT
// Reads its input as a list of steps on a 2006 ring, a tree or a mapped ring, whichever
// KEVENT_FUZZ_PART names, and aborts when it departs from its model.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "model.hpp"

namespace kevbench::pure {
namespace {

/// Hands out the input byte by byte, zeros after its end.
class Input {
  public:
    Input(const std::uint8_t* data, std::size_t size) : next_(data), end_(data + size) {}
    [[nodiscard]] bool empty() const { return next_ == end_; }
    std::uint8_t byte() { return empty() ? std::uint8_t{0} : *next_++; }
    std::uint32_t word() {
        std::uint32_t value = 0;
        for (int i = 0; i < 4; ++i) value = value << 8U | byte();
        return value;
    }

  private:
    const std::uint8_t* next_;
    const std::uint8_t* end_;
};

void use_uring(Input& input) {
    const std::uint32_t size = 2 + input.byte() % 15;
    kevent_uring ring = {.size = size, .kidx = 0, .uidx = 0, .over = 0, .full = false};
    RingModel model(size);
    while (!input.empty()) {
        const std::uint8_t step = input.byte();
        if (step < 128) {
            if (model.full()) continue;
            kevent_uring_produce(&ring);
            model.produce();
        } else {
            const std::uint32_t index = input.byte() % (size + 2);
            const std::uint32_t over = model.over() + step % 5 - 2;
            require(kevent_uring_commit(&ring, index, over) == model.commit(index, over),
                    "commit returns what the rule says");
        }
        require(ring.kidx == model.kidx() && ring.uidx == model.uidx(), "indices agree");
        require(kevent_uring_room(&ring) == size - model.used(), "room agrees");
        require(ring.over == model.over(), "laps agree");
    }
}

void use_tree(Input& input) {
    std::array<Item, 256> entries{};
    std::array<bool, 256> inside{};
    std::set<std::uint64_t> keys;
    avl_root root{};
    for (std::size_t i = 0; i < entries.size(); ++i) entries.at(i).key = i;
    while (!input.empty()) {
        const std::uint8_t which = input.byte();
        Item& entry = entries.at(which);
        if (inside.at(which)) {
            avl_erase(&root, &entry.node);
            keys.erase(entry.key);
        } else {
            require(avl_insert(&root, &entry.node, &entry.key, compare_keys) == nullptr,
                    "a new key is entered");
            keys.insert(entry.key);
        }
        inside.at(which) = !inside.at(which);
        require((avl_find(&root, &entry.key, compare_keys) != nullptr) == inside.at(which),
                "what is inside is found");
    }
    require(check_tree(root) == keys, "the tree holds what was put in");
}

void use_mring(Input& input) {
    const std::uint32_t entries = 2U << input.byte() % 4U;
    std::vector<std::uint64_t> memory((KEVENT_MRING_EVENTS + entries * sizeof(ukevent)) /
                                      sizeof(std::uint64_t));
    auto* ring = reinterpret_cast<kevent_mring*>(memory.data());
    kevent_mring_tail tail{};
    kevent_mapped program{};
    std::array<ukevent, 32> events{};
    kevent_mring_start(&tail, ring, entries);
    program.ring = ring;
    program.mask = entries - 1;
    while (!input.empty()) {
        switch (input.byte() % 4) {
            case 0:
                require(kevent_mring_used(&tail) <= entries, "no more than all slots are used");
                if (kevent_mring_used(&tail) == entries) break;
                kevent_mring_slot(&tail)->id.raw[0] = input.byte();
                kevent_mring_publish(&tail);
                break;
            case 1:
                require(kevent_mapped_take(&program, events.data(), 32) <= entries,
                        "no more than all slots are read");
                break;
            case 2:
                // What a hostile program may do.
                ring->head = input.word();
                break;
            default:
                kevent_mring_unread(&tail, input.word());
        }
    }
}

using Part = void (*)(Input&);

/// The part that KEVENT_FUZZ_PART names.
Part chosen_part() {
    const char* name = std::getenv("KEVENT_FUZZ_PART");
    const std::string_view wanted = name == nullptr ? "" : name;
    if (wanted == "uring") return use_uring;
    if (wanted == "tree") return use_tree;
    if (wanted == "mring") return use_mring;
    std::fputs("set KEVENT_FUZZ_PART to uring, tree or mring\n", stderr);
    std::exit(2);
}

}  // namespace
}  // namespace kevbench::pure

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace kevbench::pure;
    static const Part use = chosen_part();
    Input input(data, size);
    try {
        use(input);
    } catch (const Violation& violation) {
        std::fprintf(stderr, "violated: %s\n", violation.what());
        std::abort();
    }
    return 0;
}
