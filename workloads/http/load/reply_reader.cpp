// SPDX-License-Identifier: MIT
#include "http/load/reply_reader.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "http/request_scanner.hpp"

namespace kevbench::workload::http {
namespace {

constexpr std::string_view empty_line = "\r\n\r\n";

template <class Number>
bool read_number(std::string_view text, Number& number) noexcept {
    const auto [rest, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    return failure == std::errc{} && rest == text.data() + text.size();
}

bool same_name(std::string_view left, std::string_view right) noexcept {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) == b;
    });
}

std::string_view trimmed(std::string_view text) noexcept {
    constexpr std::string_view blanks = " \t";
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

}  // namespace

reply_reader::step reply_reader::take(std::string_view input) {
    std::size_t used = 0;
    if (!in_body_) {
        const std::size_t carried = head_.size();
        std::string_view head = input;
        if (carried != 0) {
            head_.append(input);
            head = head_;
        }
        // The empty line may have begun in the part that was carried.
        const std::size_t from = carried < empty_line.size() ? 0 : carried - empty_line.size() + 1;
        const std::size_t at = head.find(empty_line, from);
        if (at == std::string_view::npos) {
            if (head.size() > head_limit) {
                return {progress::malformed, input.size()};
            }
            if (carried == 0) {
                head_.assign(input);
            }
            return {progress::incomplete, input.size()};
        }
        const std::size_t length = at + empty_line.size();
        if (!read_head(head.substr(0, at + 2))) {
            return {progress::malformed, input.size()};
        }
        head_.clear();
        in_body_ = true;
        used = length - carried;
    }
    const std::size_t rest = input.size() - used;
    if (until_end_) {
        return {progress::incomplete, input.size()};
    }
    const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(rest, left_));
    left_ -= taken;
    return {left_ == 0 ? progress::complete : progress::incomplete, used + taken};
}

reply_reader::progress reply_reader::end() const noexcept {
    return in_body_ && until_end_ ? progress::complete : progress::incomplete;
}

void reply_reader::reset() noexcept {
    head_.clear();
    left_ = 0;
    status_ = 0;
    in_body_ = until_end_ = false;
}

/// `head` is every line with its end, the empty one excepted.
bool reply_reader::read_head(std::string_view head) noexcept {
    constexpr std::string_view version = "HTTP/1.";
    constexpr std::size_t status_at = version.size() + 2;  // after the digit and a blank
    if (!head.starts_with(version) || head.size() < status_at + 3 ||
        !read_number(head.substr(status_at, 3), status_)) {
        return false;
    }
    until_end_ = true;
    for (std::size_t at = head.find("\r\n") + 2; at < head.size();) {
        const std::size_t line_end = head.find("\r\n", at);
        const std::string_view line = head.substr(at, line_end - at);
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos) {
            return false;
        }
        if (same_name(line.substr(0, colon), "content-length")) {
            if (!until_end_ || !read_number(trimmed(line.substr(colon + 1)), left_)) {
                return false;
            }
            until_end_ = false;
        }
        at = line_end + 2;
    }
    return true;
}

}  // namespace kevbench::workload::http
