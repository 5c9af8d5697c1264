// SPDX-License-Identifier: MIT
#include "http/request_scanner.hpp"

#include <algorithm>
#include <array>

namespace kevbench::workload::http {
namespace {

constexpr std::string_view line_end = "\r\n";
constexpr std::string_view head_end = "\r\n\r\n";

constexpr std::uint8_t token_char = 1;   // RFC 9110: part of a method or field name
constexpr std::uint8_t value_char = 2;   // may stand in a field value: visible, space, tab, >= 0x80
constexpr std::uint8_t target_char = 4;  // may stand in a request target: visible ASCII

constexpr std::array<std::uint8_t, 256> make_classes() {
    std::array<std::uint8_t, 256> classes{};
    constexpr std::string_view punctuation = "!#$%&'*+-.^_`|~";
    for (unsigned c = 0; c < 256; ++c) {
        const bool alphanumeric =
            (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (alphanumeric ||
            (c < 128 && punctuation.find(static_cast<char>(c)) != punctuation.npos)) {
            classes[c] |= token_char;
        }
        if ((c >= 0x20 && c != 0x7f) || c == '\t') {
            classes[c] |= value_char;
        }
        if (c > 0x20 && c < 0x7f) {
            classes[c] |= target_char;
        }
    }
    return classes;
}
constexpr auto classes = make_classes();

bool all_of_class(std::string_view text, std::uint8_t wanted) noexcept {
    return std::all_of(text.begin(), text.end(), [wanted](char c) {
        return (classes[static_cast<unsigned char>(c)] & wanted) != 0;
    });
}

constexpr char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// `expected` is in lower case.
bool same_ignoring_case(std::string_view text, std::string_view expected) noexcept {
    return text.size() == expected.size() &&
           std::equal(text.begin(), text.end(), expected.begin(),
                      [](char a, char b) { return lower(a) == b; });
}

std::string_view trimmed(std::string_view text) noexcept {
    const auto first = text.find_first_not_of(" \t");
    if (first == text.npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// What the header fields of one request say.
struct field_facts {
    unsigned hosts = 0;
    bool close = false;
    bool keep_alive = false;
    bool body = false;
    bool malformed = false;
};

void note_connection_options(std::string_view value, field_facts& facts) noexcept {
    while (!value.empty()) {
        const auto comma = std::min(value.find(','), value.size());
        const auto option = trimmed(value.substr(0, comma));
        facts.close = facts.close || same_ignoring_case(option, "close");
        facts.keep_alive = facts.keep_alive || same_ignoring_case(option, "keep-alive");
        value.remove_prefix(std::min(comma + 1, value.size()));
    }
}

void note_content_length(std::string_view value, field_facts& facts) noexcept {
    const bool digits =
        !value.empty() && value.find_first_not_of("0123456789") == std::string_view::npos;
    facts.malformed = facts.malformed || !digits;
    facts.body = facts.body || value.find_first_not_of('0') != std::string_view::npos;
}

void note_field(std::string_view line, field_facts& facts) noexcept {
    const auto colon = line.find(':');
    if (colon == line.npos || colon == 0) {
        facts.malformed = true;
        return;
    }
    const auto name = line.substr(0, colon);
    const auto value = trimmed(line.substr(colon + 1));
    if (!all_of_class(name, token_char) || !all_of_class(value, value_char)) {
        facts.malformed = true;
        return;
    }
    // Told apart by length first: most fields of real clients match none of these.
    switch (name.size()) {
        case 4:
            facts.hosts += same_ignoring_case(name, "host") ? 1U : 0U;
            break;
        case 10:
            if (same_ignoring_case(name, "connection")) {
                note_connection_options(value, facts);
            }
            break;
        case 14:
            if (same_ignoring_case(name, "content-length")) {
                note_content_length(value, facts);
            }
            break;
        case 17:
            facts.body = facts.body || same_ignoring_case(name, "transfer-encoding");
            break;
        default:
            break;
    }
}

bool acceptable_target(std::string_view target) noexcept {
    return !target.empty() && all_of_class(target, target_char) &&
           (target.front() == '/' || target.starts_with("http://"));
}

/// Answers `request` when the line is fine.
scan_outcome parse_request_line(std::string_view line, request& parsed) noexcept {
    const auto first = line.find(' ');
    const auto last = line.rfind(' ');
    if (first == line.npos || first == 0 || first == last) {
        return scan_outcome::malformed;
    }
    const auto method = line.substr(0, first);
    const auto version = line.substr(last + 1);
    if (!all_of_class(method, token_char) ||
        !acceptable_target(line.substr(first + 1, last - first - 1))) {
        return scan_outcome::malformed;
    }
    parsed.http_1_0 = version == "HTTP/1.0";
    if (version != "HTTP/1.1" && !parsed.http_1_0) {
        const auto digit = [](char c) { return c >= '0' && c <= '9'; };
        const bool well_formed = version.size() == 8 && version.starts_with("HTTP/") &&
                                 digit(version[5]) && version[6] == '.' && digit(version[7]);
        return well_formed ? scan_outcome::version_unknown : scan_outcome::malformed;
    }
    parsed.head = method == "HEAD";
    return parsed.head || method == "GET" ? scan_outcome::request : scan_outcome::method_unknown;
}

/// Empty lines before a request are ignored, as RFC 9112 2.2 advises.
void skip_empty_lines(std::string_view& input) noexcept {
    while (input.starts_with(line_end)) {
        input.remove_prefix(line_end.size());
    }
}

}  // namespace

scan_outcome parse_head(std::string_view head, request& parsed) noexcept {
    auto end = head.find(line_end);
    request answer;
    const auto verdict = parse_request_line(head.substr(0, end), answer);
    if (verdict != scan_outcome::request) {
        return verdict;
    }
    field_facts facts;
    head.remove_prefix(end + line_end.size());
    while (!head.starts_with(line_end)) {
        end = head.find(line_end);
        note_field(head.substr(0, end), facts);
        head.remove_prefix(end + line_end.size());
    }
    if (facts.malformed || facts.hosts > 1 || (facts.hosts == 0 && !answer.http_1_0)) {
        return scan_outcome::malformed;
    }
    if (facts.body) {
        return scan_outcome::body_refused;
    }
    answer.keep_alive = !facts.close && (!answer.http_1_0 || facts.keep_alive);
    parsed = answer;
    return scan_outcome::request;
}

request_scanner::step request_scanner::next(std::string_view input) {
    if (!carried_.empty()) {
        return next_carried(input);
    }
    const std::size_t offered = input.size();
    skip_empty_lines(input);
    const auto end = input.substr(0, head_limit).find(head_end);
    step answer;
    if (end != input.npos) {
        const auto head = input.substr(0, end + head_end.size());
        answer.used = offered - input.size() + head.size();
        answer.outcome = parse_head(head, answer.parsed);
    } else if (input.size() >= head_limit) {
        answer.used = offered;
        answer.outcome = scan_outcome::head_too_large;
    } else {
        answer.used = offered;
        carried_.assign(input);
    }
    return answer;
}

request_scanner::step request_scanner::next_carried(std::string_view input) {
    step answer;
    if (carried_ == "\r" && input.starts_with('\n')) {  // the second half of an empty line
        carried_.clear();
        answer = next(input.substr(1));
        ++answer.used;
        return answer;
    }
    const std::size_t before = carried_.size();
    const auto added = input.substr(0, head_limit - before);
    carried_.append(added);
    const auto end = carried_.find(head_end, before < 3 ? 0 : before - 3);
    if (end != carried_.npos) {
        const std::size_t size = end + head_end.size();
        answer.used = size - before;
        answer.outcome = parse_head(std::string_view(carried_).substr(0, size), answer.parsed);
        carried_.clear();
    } else if (carried_.size() >= head_limit) {
        answer.used = input.size();
        answer.outcome = scan_outcome::head_too_large;
    } else {
        answer.used = input.size();
    }
    return answer;
}

}  // namespace kevbench::workload::http
