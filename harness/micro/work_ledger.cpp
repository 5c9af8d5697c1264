// SPDX-License-Identifier: MIT
#include "work_ledger.hpp"

#include <fmt/format.h>

#include "kevbench/workload/error.hpp"

namespace kevbench::micro {
namespace {

void require_no_errors(const workload::tally& work) {
    if (work.errors != 0)
        throw workload::fault(fmt::format("{} of {} operations reported errors: the run is void",
                                          work.errors, work.operations));
}

/// a/b = c/d without rounding.
bool in_proportion(std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d) {
    __extension__ using wide = unsigned __int128;
    return static_cast<wide>(a) * d == static_cast<wide>(c) * b;
}

}  // namespace

void work_ledger::check_opening(const std::string& group, const std::string& name,
                                const workload::tally& work, bool synthetic) {
    require_no_errors(work);
    const auto found = groups_.find(group);
    if (found == groups_.end()) {
        if (!synthetic) groups_.emplace(group, reference{name, work});
        return;
    }
    const auto& expected = found->second.work;
    const auto require_equal = [&](const char* what, std::uint64_t here, std::uint64_t there) {
        if (here != there)
            throw workload::fault(fmt::format(
                "unequal work: {} {} in {} operations, but {} on {}: the comparison is void", here,
                what, work.operations, there, found->second.name));
    };
    require_equal("operations", work.operations, expected.operations);
    require_equal("messages", work.messages, expected.messages);
    require_equal("bytes", work.bytes, expected.bytes);
    if (!synthetic) require_equal("as order checksum", work.order, expected.order);
}

void check_proportion(const workload::tally& opening, const workload::tally& work) {
    require_no_errors(work);
    const auto require = [&](const char* what, std::uint64_t now, std::uint64_t before) {
        if (!in_proportion(now, work.operations, before, opening.operations))
            throw workload::fault(
                fmt::format("unequal work: {} {} in {} operations, but {} in the first {}", now,
                            what, work.operations, before, opening.operations));
    };
    require("messages", work.messages, opening.messages);
    require("bytes", work.bytes, opening.bytes);
}

}  // namespace kevbench::micro
