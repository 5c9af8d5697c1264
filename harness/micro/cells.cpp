// SPDX-License-Identifier: MIT
#include "cells.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "kevbench/adapter/registry.hpp"
#include "kevbench/workload/error.hpp"
#include "sweeps.hpp"

namespace kevbench::micro {
namespace {

using workload::parameters;
using workload::usage_error;
using workload::workload_info;
using value_lists = std::map<std::string, std::vector<std::string>>;

/// "name=a,b" of each text; a later one of the same name replaces an earlier one.
value_lists parse_params(const std::vector<std::string>& texts) {
    value_lists lists;
    for (const auto& text : texts) {
        const auto equals = text.find('=');
        if (equals == std::string::npos || equals == 0)
            throw usage_error(fmt::format(
                "parameter '{}' has no value: write it as registered=1000 or registered=1,1000",
                text));
        auto& values = lists[text.substr(0, equals)];
        values.clear();
        for (auto from = equals; from != std::string::npos;) {
            const auto next = text.find(',', from + 1);
            values.push_back(text.substr(from + 1, next - from - 1));
            from = next;
        }
    }
    return lists;
}

/// The product of the lists, the first name slowest.
std::vector<parameters> combinations(const workload_info& info, const value_lists& lists) {
    std::vector<parameters> made{parameters{info.parameters}};
    for (const auto& [name, values] : lists) {
        std::vector<parameters> wider;
        for (const auto& one : made) {
            for (const auto& value : values) {
                wider.push_back(one);
                wider.back().set(name, value);
            }
        }
        made = std::move(wider);
    }
    return made;
}

std::vector<parameters> built_in(const workload_info& info) {
    auto all = combinations(info, {});
    for (const auto& each : built_in_sweeps()) {
        if (each.workload != info.name) continue;
        const auto more = combinations(info, each.values);
        all.insert(all.end(), more.begin(), more.end());
    }
    return all;
}

/// A mechanism alone ("epoll") leaves the variant empty, which means all of them.
harness::mechanism_name parse_choice(const std::string& text) {
    if (text.find_first_of("+/:") == std::string::npos) return {text, ""};
    return harness::parse_mechanism(text);
}

std::vector<adapter::traits> chosen_variants(const std::vector<std::string>& wanted) {
    std::vector<adapter::traits> chosen;
    std::vector<harness::mechanism_name> names;
    names.reserve(wanted.size());
    for (const auto& text : wanted) names.push_back(parse_choice(text));
    std::vector<bool> used(names.size());
    for (const auto& listed : adapter::list_variants()) {
        bool selected = names.empty();
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (names[i].mechanism != listed.fixed.mechanism) continue;
            if (!names[i].variant.empty() && names[i].variant != listed.fixed.variant) continue;
            selected = used[i] = true;
        }
        if (selected) chosen.push_back(listed.fixed);
    }
    for (std::size_t i = 0; i < names.size(); ++i)
        if (!used[i])
            static_cast<void>(harness::find_traits(names[i]));  // throws, naming near ones
    return chosen;
}

std::vector<const workload_info*> chosen_workloads(const std::vector<std::string>& wanted) {
    std::vector<const workload_info*> chosen;
    if (wanted.empty())
        for (const auto& info : workload::catalogue()) chosen.push_back(&info);
    for (const auto& name : wanted) {
        const auto* info = &workload::find_workload(name);
        if (std::find(chosen.begin(), chosen.end(), info) == chosen.end()) chosen.push_back(info);
    }
    return chosen;
}

micro_cell make(const workload_info& info, const adapter::traits& fixed, const parameters& values) {
    micro_cell made;
    made.name = workload::case_key(info, fixed, values);
    made.group = std::string{info.name};
    for (const auto& [name, value] : values.values())
        made.group += fmt::format("/{}={}", name, value);
    made.request.workload = info.name;
    made.request.mechanism = {std::string{fixed.mechanism}, std::string{fixed.variant}};
    made.request.params = {values.values().begin(), values.values().end()};
    made.synthetic = (fixed.capabilities & adapter::caps::synthetic) != 0;
    return made;
}

}  // namespace

std::vector<micro_cell> select_cells(const selection& chosen) {
    const auto lists = parse_params(chosen.params);
    const auto variants = chosen_variants(chosen.mechanisms);
    std::vector<micro_cell> cells;
    std::set<std::string> seen;
    // Variants innermost: what is compared runs close together even without interleaving.
    for (const auto* info : chosen_workloads(chosen.workloads)) {
        for (const auto& values : lists.empty() ? built_in(*info) : combinations(*info, lists)) {
            for (const auto& fixed : variants) {
                auto made = make(*info, fixed, values);
                if (seen.insert(made.name).second) cells.push_back(std::move(made));
            }
        }
    }
    return cells;
}

}  // namespace kevbench::micro
