// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <limits>

#include "http/counters.hpp"
#include "http/responses.hpp"
#include "kevbench/workload/error.hpp"
#include "kevbench/workload/http_server.hpp"

namespace kevbench::workload {
namespace {

using http::http_styles;

template <class Number>
Number parse(std::string_view option, std::string_view text, Number min, Number max) {
    Number number{};
    const auto [rest, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failure != std::errc{} || rest != text.data() + text.size() || number < min ||
        number > max) {
        throw usage_error(fmt::format("{} {} is not possible: use a whole number from {} to {}",
                                      option, text, min, max));
    }
    return number;
}

bool parse_switch(std::string_view option, std::string_view text) {
    if (text != "on" && text != "off") {
        throw usage_error(fmt::format("{} {} is not possible: use on or off", option, text));
    }
    return text == "on";
}

http_style parse_style(std::string_view option, std::string_view text) {
    for (const auto& [name, style] : http_styles) {
        if (text == name) {
            return style;
        }
    }
    throw usage_error(
        fmt::format("{} {} is not possible: use plain, naive or optimistic", option, text));
}

bool parse_accept(std::string_view option, std::string_view text) {
    if (text != "all" && text != "one") {
        throw usage_error(fmt::format("{} {} is not possible: use all or one", option, text));
    }
    return text == "all";
}

void apply(http_options& options, std::string_view option, std::string_view value) {
    if (option == "--mechanism") {
        options.mechanism = value;
    } else if (option == "--variant") {
        options.variant = value;
    } else if (option == "--address") {
        options.address = value;
    } else if (option == "--port") {
        options.port =
            parse<std::uint16_t>(option, value, 0, std::numeric_limits<std::uint16_t>::max());
    } else if (option == "--connections") {
        options.connections = parse<std::uint32_t>(option, value, 1, 100'000);
    } else if (option == "--body") {
        options.body = parse<std::uint32_t>(option, value, 0, 16U << 20U);
    } else if (option == "--keepalive") {
        options.keep_alive = parse_switch(option, value);
    } else if (option == "--batch") {
        options.batch = parse<std::uint32_t>(option, value, 1, 4'096);
    } else if (option == "--reply") {
        options.reply = parse<std::uint32_t>(option, value, 0, 16U << 20U);
    } else if (option == "--style") {
        options.style = parse_style(option, value);
    } else if (option == "--accept") {
        options.accept_all = parse_accept(option, value);
    } else if (option == "--watch-limit") {
        options.watch_limit = parse<std::uint32_t>(option, value, 0, 1U << 20U);
    } else if (option == "--backlog") {
        options.backlog = parse<std::uint32_t>(option, value, 1, 65'535);
    } else {
        throw usage_error(fmt::format(
            "unknown option '{}': use --mechanism, --variant, --address, --port, --connections, "
            "--body, --keepalive, --batch, --reply, --style, --accept, --watch-limit or --backlog",
            option));
    }
}

}  // namespace

http_options parse_http_options(std::span<const std::string_view> arguments) {
    http_options options;
    for (std::size_t at = 0; at < arguments.size(); at += 2) {
        const std::string_view option = arguments[at];
        if (at + 1 == arguments.size()) {
            throw usage_error(fmt::format("{} needs a value after it", option));
        }
        apply(options, option, arguments[at + 1]);
    }
    if (options.reply != 0) {
        options.body = http::body_for_reply(options.reply);
    }
    return options;
}

}  // namespace kevbench::workload
