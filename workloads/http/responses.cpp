// SPDX-License-Identifier: MIT
#include "http/responses.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

#include "kevbench/workload/error.hpp"

namespace kevbench::workload::http {
namespace {

struct form {
    std::string_view status;
    std::string_view connection;  // whole field line or nothing
    bool body;
};

constexpr std::string_view close_field = "Connection: close\r\n";
constexpr std::string_view keep_field = "Connection: keep-alive\r\n";

// In the order of `reply`.
constexpr std::array<form, reply_kinds> forms{{
    {"200 OK", "", true},
    {"200 OK", keep_field, true},
    {"200 OK", close_field, true},
    {"200 OK", "", false},
    {"200 OK", keep_field, false},
    {"200 OK", close_field, false},
    {"400 Bad Request", close_field, false},
    {"413 Content Too Large", close_field, false},
    {"431 Request Header Fields Too Large", close_field, false},
    {"501 Not Implemented", close_field, false},
    {"505 HTTP Version Not Supported", close_field, false},
}};

std::vector<std::byte> write_out(reply kind, const form& shape, std::size_t body_bytes) {
    // A reply to HEAD announces the length that GET would have sent.
    const std::size_t announced = refuses(kind) ? 0 : body_bytes;
    std::string text = fmt::format(
        "HTTP/1.1 {}\r\nServer: kevbench\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n{}"
        "\r\n",
        shape.status, announced, shape.connection);
    if (shape.body) {
        text.append(body_bytes, 'k');
    }
    std::vector<std::byte> bytes;
    bytes.reserve(text.size());
    std::transform(text.begin(), text.end(), std::back_inserter(bytes),
                   [](char c) { return static_cast<std::byte>(c); });
    return bytes;
}

}  // namespace

reply choose_reply(scan_outcome outcome, const request& parsed, bool keep_alive) noexcept {
    switch (outcome) {
        case scan_outcome::request:
            if (!keep_alive || !parsed.keep_alive) {
                return parsed.head ? reply::head_close : reply::ok_close;
            }
            if (parsed.http_1_0) {
                return parsed.head ? reply::head_keep_explicit : reply::ok_keep_explicit;
            }
            return parsed.head ? reply::head_keep : reply::ok_keep;
        case scan_outcome::body_refused:
            return reply::body_refused;
        case scan_outcome::head_too_large:
            return reply::head_too_large;
        case scan_outcome::method_unknown:
            return reply::method_unknown;
        case scan_outcome::version_unknown:
            return reply::version_unknown;
        case scan_outcome::malformed:
        case scan_outcome::incomplete:
            break;
    }
    return reply::bad_request;
}

std::uint32_t body_for_reply(std::uint32_t bytes) {
    constexpr auto closing = static_cast<std::size_t>(reply::ok_close);
    // The digits of the length are part of the head, so it grows with the body.
    std::uint32_t body = bytes;
    for (int round = 0; round < 8; ++round) {
        const std::size_t head = write_out(reply::ok_close, forms[closing], body).size() - body;
        if (head > bytes) {
            throw usage_error(fmt::format("--reply {} is shorter than a head alone: use {} or more",
                                          bytes, head));
        }
        if (head + body == bytes) {
            return body;
        }
        body = bytes - static_cast<std::uint32_t>(head);
    }
    return body;  // between two sizes that a head one digit longer skips
}

responses::responses(std::size_t body_bytes) {
    for (std::size_t i = 0; i < reply_kinds; ++i) {
        texts_[i] = write_out(static_cast<reply>(i), forms[i], body_bytes);
    }
}

}  // namespace kevbench::workload::http
