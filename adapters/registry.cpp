// SPDX-License-Identifier: MIT
#include "kevbench/adapter/registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <string>

namespace kevbench::adapter {
namespace {

template <class F, class... A>
void for_each_variant(type_list<A...>, F&& f) {
    const auto each = [&f]<class Adapter>(std::type_identity<Adapter> type) {
        for (const typename Adapter::variant_type& variant : Adapter::variants()) {
            f(type, variant);
        }
    };
    (each(std::type_identity<A>{}), ...);
}

std::string full_name(const traits& fixed) {
    return fmt::format("{}/{}", fixed.mechanism, fixed.variant);
}

/// Single-character insertions, deletions and replacements between two names.
std::size_t edit_distance(std::string_view left, std::string_view right) {
    std::vector<std::size_t> row(right.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < left.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < right.size(); ++j) {
            const std::size_t replaced = diagonal + (left[i] == right[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, replaced});
        }
    }
    return row.back();
}

}  // namespace

std::vector<listing> list_variants() {
    static std::mutex guard;
    static std::vector<listing> known;
    const std::scoped_lock lock(guard);
    for_each_variant(builtin_adapters{}, [](auto type, const auto& variant) {
        using adapter_type = typename decltype(type)::type;
        const bool listed = std::any_of(known.begin(), known.end(), [&](const listing& row) {
            return row.fixed.mechanism == variant.fixed.mechanism &&
                   row.fixed.variant == variant.fixed.variant;
        });
        if (!listed) {
            known.push_back({variant.fixed, adapter_type::probe(variant)});
        }
    });
    return known;
}

void throw_unknown_variant(std::string_view mechanism, std::string_view variant) {
    const std::string wanted = fmt::format("{}/{}", mechanism, variant);
    std::vector<std::string> of_mechanism;
    std::string nearest;
    auto best = std::numeric_limits<std::size_t>::max();
    for_each_variant(builtin_adapters{}, [&](auto, const auto& candidate) {
        std::string name = full_name(candidate.fixed);
        if (candidate.fixed.mechanism == mechanism) {
            of_mechanism.emplace_back(candidate.fixed.variant);
        }
        if (const std::size_t distance = edit_distance(wanted, name); distance < best) {
            best = distance;
            nearest = std::move(name);
        }
    });
    if (of_mechanism.empty()) {
        throw std::out_of_range(
            fmt::format("unknown mechanism '{}': the nearest variant is {}; 'kevbench list' "
                        "shows all",
                        mechanism, nearest));
    }
    throw std::out_of_range(
        fmt::format("unknown variant '{}' of {}: the nearest is {}; known are {}", variant,
                    mechanism, nearest, fmt::join(of_mechanism, ", ")));
}

}  // namespace kevbench::adapter
