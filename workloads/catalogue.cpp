// SPDX-License-Identifier: MIT
#include "kevbench/workload/catalogue.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <numeric>

#include "engine/entry.hpp"
#include "kevbench/workload/error.hpp"

namespace kevbench::workload {
namespace {

constexpr std::array table{
#define KVB_WORKLOAD(name) &entries::name,
#include "table.def"
#undef KVB_WORKLOAD
};

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

std::string list_names(std::span<const parameter> specification) {
    std::vector<std::string_view> names;
    names.reserve(specification.size());
    for (const parameter& each : specification) {
        names.emplace_back(each.name);
    }
    return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

const parameter& find_parameter(std::span<const parameter> specification, std::string_view name) {
    const auto found = std::find_if(specification.begin(), specification.end(),
                                    [&](const parameter& each) { return each.name == name; });
    if (found == specification.end()) {
        throw usage_error(fmt::format("unknown parameter '{}': this workload has {}", name,
                                      list_names(specification)));
    }
    return *found;
}

std::int64_t parse_number(const parameter& which, std::string_view text) {
    std::int64_t number = 0;
    const auto [rest, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = failure == std::errc{} && rest == text.data() + text.size();
    if (!whole || number < which.min || number > which.max) {
        throw usage_error(fmt::format("{}={} is not possible: use a whole number from {} to {}",
                                      which.name, text, which.min, which.max));
    }
    return number;
}

}  // namespace

parameters::parameters(std::span<const parameter> specification) : specification_(specification) {
    for (const parameter& each : specification_) {
        values_.emplace(each.name,
                        each.choices.empty() ? std::to_string(each.initial) : each.initial_choice);
    }
}

void parameters::set(std::string_view name, std::string_view value) {
    const parameter& which = find_parameter(specification_, name);
    if (which.choices.empty()) {
        // Kept in one spelling ("010" is "10"), since values are part of case keys.
        values_.insert_or_assign(which.name, std::to_string(parse_number(which, value)));
        return;
    }
    if (std::find(which.choices.begin(), which.choices.end(), value) == which.choices.end()) {
        throw usage_error(fmt::format("{}={} is not possible: use one of {}", name, value,
                                      fmt::join(which.choices, ", ")));
    }
    values_.insert_or_assign(which.name, std::string{value});
}

std::int64_t parameters::number(std::string_view name) const {
    const parameter& which = find_parameter(specification_, name);
    if (!which.choices.empty()) {
        throw usage_error(fmt::format("parameter '{}' is a choice, not a number", name));
    }
    return parse_number(which, values_.find(name)->second);
}

const std::string& parameters::choice(std::string_view name) const {
    if (find_parameter(specification_, name).choices.empty()) {
        throw usage_error(fmt::format("parameter '{}' is a number, not a choice", name));
    }
    return values_.find(name)->second;
}

const std::map<std::string, std::string, std::less<>>& parameters::values() const {
    return values_;
}

std::span<const workload_info> catalogue() {
    static const std::vector<workload_info> all = [] {
        std::vector<workload_info> made;
        made.reserve(table.size());
        for (const entry* each : table) {
            made.push_back(each->describe());
        }
        return made;
    }();
    return all;
}

const workload_info& find_workload(std::string_view name) {
    const std::span<const workload_info> all = catalogue();
    const workload_info* nearest = all.data();
    auto best = std::numeric_limits<std::size_t>::max();
    for (const workload_info& each : all) {
        if (each.name == name) {
            return each;
        }
        if (const std::size_t distance = edit_distance(name, each.name); distance < best) {
            best = distance;
            nearest = &each;
        }
    }
    throw usage_error(
        fmt::format("unknown workload '{}': did you mean '{}'? 'kevbench list' shows all", name,
                    nearest->name));
}

std::string case_key(const workload_info& info, const adapter::traits& traits,
                     const parameters& values) {
    std::string key = fmt::format("{}/{}+{}", info.name, traits.mechanism, traits.variant);
    for (const auto& [name, value] : values.values()) {
        key += fmt::format("/{}={}", name, value);
    }
    return key;
}

std::unique_ptr<cell> make_cell(const workload_info& info, std::string_view mechanism,
                                std::string_view variant, const parameters& values) {
    const std::span<const workload_info> all = catalogue();
    for (std::size_t at = 0; at < all.size(); ++at) {
        if (all[at].name == info.name) {
            return table[at]->make(mechanism, variant, values);
        }
    }
    throw usage_error(fmt::format("workload '{}' is not in the catalogue", info.name));
}

}  // namespace kevbench::workload
