// SPDX-License-Identifier: MIT
#include "kevbench/harness/mechanism_name.hpp"

#include <fmt/format.h>

#include "kevbench/adapter/registry.hpp"
#include "kevbench/workload/error.hpp"

namespace kevbench::harness {
namespace {

template <class F>
auto visit(const mechanism_name& name, F&& f) {
    try {
        return adapter::visit_variant(name.mechanism, name.variant, std::forward<F>(f));
    } catch (const std::out_of_range& unknown) {
        throw workload::usage_error(unknown.what());
    }
}

}  // namespace

mechanism_name parse_mechanism(std::string_view text) {
    const auto divider = text.find_first_of("+/:");
    if (divider == std::string_view::npos || divider == 0 || divider + 1 == text.size())
        throw workload::usage_error(
            fmt::format("mechanism '{}' has no variant: write it as epoll+et", text));
    return {std::string{text.substr(0, divider)}, std::string{text.substr(divider + 1)}};
}

adapter::traits find_traits(const mechanism_name& name) {
    return visit(name, [](auto, const auto& variant) { return variant.fixed; });
}

void require_available(const mechanism_name& name) {
    const auto state = visit(name, []<class A>(std::type_identity<A>, const auto& variant) {
        return A::probe(variant);
    });
    if (!state.available) throw workload::not_available(state.reason);
}

}  // namespace kevbench::harness
