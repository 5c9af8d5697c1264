// SPDX-License-Identifier: MIT
#include "kevbench/harness/documents.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "kevbench/adapter/registry.hpp"
#include "kevbench/harness/clock.hpp"
#include "kevbench/harness/event_counters.hpp"
#include "kevbench/harness/syscall_counters.hpp"
#include "kevbench/workload/catalogue.hpp"

namespace kevbench::harness {
namespace {

using nlohmann::ordered_json;

constexpr std::array capability_names{
    std::pair{adapter::caps::completion, "completion"},
    std::pair{adapter::caps::sigmask, "sigmask"},
    std::pair{adapter::caps::fine_timeout, "fine_timeout"},
    std::pair{adapter::caps::modify, "modify"},
    std::pair{adapter::caps::exclusive, "exclusive"},
    std::pair{adapter::caps::kernel_thread, "kernel_thread"},
    std::pair{adapter::caps::registered_files, "registered_files"},
    std::pair{adapter::caps::synthetic, "synthetic"},
    std::pair{adapter::caps::batched_control, "batched_control"},
    std::pair{adapter::caps::shared, "shared"},
};

const char* name_of(adapter::trigger mode) {
    switch (mode) {
        case adapter::trigger::level:
            return "lt";
        case adapter::trigger::edge:
            return "et";
        case adapter::trigger::one_shot:
            return "oneshot";
    }
    return "";
}

ordered_json reason_or_null(const adapter::availability& state) {
    // Parentheses: braces would make an array of one element.
    return state.available ? ordered_json(nullptr) : ordered_json(state.reason);
}

bool is_plugin(const adapter::traits& fixed) {
    const auto loaded = adapter::plugin_adapter::variants();
    return std::ranges::any_of(loaded, [&](const adapter::plugin_variant& each) {
        return each.fixed.mechanism == fixed.mechanism && each.fixed.variant == fixed.variant;
    });
}

ordered_json mechanism_document(const adapter::listing& listed) {
    auto capabilities = ordered_json::array();
    for (const auto& [bit, name] : capability_names)
        if ((listed.fixed.capabilities & bit) != 0) capabilities.push_back(name);
    return {{"name", listed.fixed.mechanism},
            {"variant", listed.fixed.variant},
            {"available", listed.state.available},
            {"reason", reason_or_null(listed.state)},
            {"trigger", name_of(listed.fixed.mode)},
            {"discipline",
             listed.fixed.discipline == adapter::read_discipline::drain ? "drain" : "once"},
            {"capabilities", std::move(capabilities)},
            {"descriptor_limit", listed.fixed.descriptor_limit},
            {"plugin", is_plugin(listed.fixed)}};
}

ordered_json parameter_document(const workload::parameter& each) {
    if (!each.choices.empty())
        return {{"default", each.initial_choice},
                {"min", nullptr},
                {"max", nullptr},
                {"choices", each.choices},
                {"help", each.help}};
    return {{"default", each.initial},
            {"min", each.min},
            {"max", each.max},
            {"choices", nullptr},
            {"help", each.help}};
}

ordered_json workload_document(const workload::workload_info& info) {
    auto params = ordered_json::object();
    for (const auto& each : info.parameters) params[each.name] = parameter_document(each);
    return {{"name", info.name},       {"available", true},
            {"reason", nullptr},       {"params", std::move(params)},
            {"purpose", info.purpose}, {"operation", info.operation},
            {"timed", info.timed},     {"external_load", info.external_load}};
}

const char* sanitizer() {
#if defined(__SANITIZE_ADDRESS__)
    return "address";
#elif defined(__SANITIZE_THREAD__)
    return "thread";
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    return "address";
#elif __has_feature(thread_sanitizer)
    return "thread";
#else
    return "none";
#endif
#else
    return "none";
#endif
}

constexpr bool optimized() {
#if defined(__OPTIMIZE__)
    return true;
#else
    return false;
#endif
}

ordered_json counter_document(bool counts, const std::string& reason) {
    return {{"available", counts},
            {"reason", counts ? ordered_json(nullptr) : ordered_json(reason)}};
}

ordered_json counters_document() {
    auto document = ordered_json::object();
    syscall_counters syscalls;
    document["syscalls"] = counter_document(syscalls.present(), syscalls.reason());
    event_counters events;
    events.start();
    static_cast<void>(measure_clock());  // some work, so that a counter that runs has run
    events.stop();
    for (const auto& [name, reading] : events.readings())
        document[name] = counter_document(reading.value.has_value(), reading.status);
    return document;
}

}  // namespace

ordered_json list_document() {
    ordered_json document{{"schema", "kvb.list"},
                          {"mechanisms", ordered_json::array()},
                          {"workloads", ordered_json::array()}};
    for (const auto& listed : adapter::list_variants())
        document["mechanisms"].push_back(mechanism_document(listed));
    for (const auto& info : workload::catalogue())
        document["workloads"].push_back(workload_document(info));
    return document;
}

ordered_json about_document() {
    const auto clock = measure_clock();
    return {{"schema", "kvb.about"},
            {"version", KVB_VERSION},
            {"protocol", 1},
            {"pid", ::getpid()},
            {"compiler", KVB_COMPILER},
            {"flags", KVB_FLAGS},
            {"optimized", optimized()},
            {"sanitizer", sanitizer()},
            {"clock",
             {{"name", "CLOCK_MONOTONIC"},
              {"cost_ns", clock.cost_ns},
              {"resolution_ns", clock.resolution_ns}}},
            {"counters", counters_document()}};
}

}  // namespace kevbench::harness
