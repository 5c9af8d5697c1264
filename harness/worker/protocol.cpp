// SPDX-License-Identifier: MIT
#include "protocol.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <nlohmann/json.hpp>

#include "kevbench/harness/documents.hpp"
#include "kevbench/workload/error.hpp"

namespace kevbench::worker {
namespace {

using nlohmann::json;
using workload::usage_error;

json failure(std::string_view kind, std::string_view text) {
    return {{"ok", false}, {"kind", kind}, {"error", text}};
}

/// A misspelt field would otherwise run with its default and measure something else.
void allow_only(const json& request, std::initializer_list<std::string_view> fields) {
    for (const auto& item : request.items()) {
        if (item.key() == "do" || std::ranges::find(fields, item.key()) != fields.end()) continue;
        throw usage_error(fmt::format(
            "request '{}' has no field '{}': it takes {}", request["do"].get<std::string>(),
            item.key(), fields.size() == 0 ? "none" : fmt::format("{}", fmt::join(fields, ", "))));
    }
}

std::string text_field(const json& request, const char* name) {
    const auto found = request.find(name);
    if (found == request.end() || !found->is_string())
        throw usage_error(fmt::format("request needs '{}' as a text", name));
    return found->get<std::string>();
}

std::uint64_t operations_field(const json& request) {
    const auto found = request.find("operations");
    if (found == request.end() || !found->is_number_unsigned())
        throw usage_error("request needs 'operations' as a whole number of at least 1");
    return found->get<std::uint64_t>();
}

std::map<std::string, std::string> params_field(const json& request) {
    std::map<std::string, std::string> params;
    const auto found = request.find("params");
    if (found == request.end()) return params;
    if (!found->is_object()) throw usage_error("'params' must be an object of texts");
    for (const auto& [name, value] : found->items()) {
        if (!value.is_string())
            throw usage_error(fmt::format(R"(parameter '{}' must be a text, as in "{}":"{}")", name,
                                          name, value.dump()));
        params.emplace(name, value.get<std::string>());
    }
    return params;
}

}  // namespace

json protocol::answer(std::string_view line) {
    running_ = false;
    try {
        const auto request = json::parse(line, nullptr, false);
        if (!request.is_object()) throw usage_error("request is not one JSON object on one line");
        auto answer = perform(request);
        answer["ok"] = true;
        return answer;
    } catch (const usage_error& fault) {
        return failure("usage", fault.what());
    } catch (const workload::not_available& fault) {
        return failure("skipped", fault.what());
    } catch (const std::exception& fault) {
        ended_ = faulted_ = running_;
        return failure("fault", fault.what());
    }
}

json protocol::perform(const json& request) {
    const auto verb = text_field(request, "do");
    if (verb == "open") return open(request);
    if (verb == "slice") return measure(request, false);
    if (verb == "counts") return measure(request, true);
    if (verb == "about") {
        allow_only(request, {});
        json answer = harness::about_document();
        return answer;
    }
    if (verb == "close" || verb == "exit") {
        allow_only(request, {});
        if (verb == "close" && !session_) throw usage_error("no cell is open");
        ended_ = verb == "exit";
        const auto took = close();
        return {{"teardown_ns", took ? json(*took) : json(nullptr)}};
    }
    throw usage_error(
        fmt::format("unknown request '{}': use open, slice, counts, about, close or exit", verb));
}

json protocol::open(const json& request) {
    allow_only(request, {"workload", "mechanism", "variant", "params"});
    if (session_) throw usage_error("a cell is open: close it first");
    session_.emplace(
        harness::cell_request{text_field(request, "workload"),
                              {text_field(request, "mechanism"), text_field(request, "variant")},
                              params_field(request)});
    return session_->describe();
}

json protocol::measure(const json& request, bool with_counters) {
    bool timed = false;
    if (with_counters) {
        allow_only(request, {"operations"});
    } else {
        allow_only(request, {"operations", "timed"});
        if (const auto found = request.find("timed"); found != request.end()) {
            if (!found->is_boolean()) throw usage_error("'timed' must be true or false");
            timed = found->get<bool>();
        }
    }
    const auto operations = operations_field(request);
    if (!session_) throw usage_error("no cell is open: open one first");
    running_ = true;
    return with_counters ? session_->counts(operations) : session_->slice(operations, timed);
}

std::optional<std::int64_t> protocol::close() {
    if (!session_) return std::nullopt;
    auto closing = std::exchange(session_, std::nullopt);
    return closing->close();
}

}  // namespace kevbench::worker
