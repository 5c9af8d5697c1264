// SPDX-License-Identifier: MIT
//
// Pull scanner over one line of JSON that builds no tree. Exists for speed: a slice record has some
// thirty small fields, and a tree of them costs several allocations each. Strict about structure;
// the text of strings is checked (escapes, UTF-8) only when decoded, which columns do once for each
// distinct text.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

#include "kevbench/results/error.hpp"

namespace kevbench::results {

enum class value_kind : std::uint8_t { null, boolean, integer, real, text, array, object };

/// One value. `raw` is its text in the line: of a string with its quotes, of an array or object the
/// opening bracket only, since the scanner is then inside it.
struct scanned_value {
    value_kind kind = value_kind::null;
    std::string_view raw;
    std::int64_t integer = 0;  ///< integer, and boolean as 0 or 1
    double real = 0.0;         ///< real; an integer beyond 64 bits is real
};

class json_scanner {
  public:
    explicit json_scanner(std::string_view line) : at_(line.data()), end_(at_ + line.size()) {}

    /// Calls use(name, value) for each field of the object that starts here; `name` has no quotes
    /// and is raw. `use` must consume an array or object it is given, with skip() or a for_each.
    template <class F>
    void for_each_field(F&& use) {
        expect('{');
        for_each_field_inside(use);
    }
    /// The same once the opening brace was returned by value().
    template <class F>
    void for_each_field_inside(F&& use) {
        if (closes('}')) return;
        do {
            const auto name = quoted();
            expect(':');
            use(name.substr(1, name.size() - 2), value());
        } while (continues('}'));
    }
    /// Elements of an array whose opening bracket value() returned.
    template <class F>
    void for_each_element_inside(F&& use) {
        if (closes(']')) return;
        do {
            use(value());
        } while (continues(']'));
    }

    /// Passes over what is left of `opened`, if it is an array or object.
    void skip(const scanned_value& opened) {
        if (++depth_ > deepest) fail();
        if (opened.kind == value_kind::array)
            for_each_element_inside([this](const scanned_value& inner) { skip(inner); });
        else if (opened.kind == value_kind::object)
            for_each_field_inside(
                [this](std::string_view, const scanned_value& inner) { skip(inner); });
        --depth_;
    }
    /// Nothing but blanks may follow.
    void finish() {
        blanks();
        if (at_ != end_) fail();
    }

  private:
    static constexpr int deepest = 64;

    [[noreturn]] static void fail() {
        throw data_error("not a JSON object: the file is corrupt, remove this line to go on");
    }
    void blanks() noexcept {
        while (at_ != end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\r')) ++at_;
    }
    char next() {
        blanks();
        if (at_ == end_) fail();
        return *at_;
    }
    void expect(char wanted) {
        if (next() != wanted) fail();
        ++at_;
    }
    bool closes(char bracket) {
        if (next() != bracket) return false;
        ++at_;
        return true;
    }
    bool continues(char bracket) {
        if (closes(bracket)) return false;
        expect(',');
        return true;
    }
    std::string_view quoted() {
        expect('"');
        const char* const first = at_ - 1;
        for (; at_ != end_ && *at_ != '"'; ++at_) {
            if (static_cast<unsigned char>(*at_) < 0x20) fail();
            if (*at_ == '\\' && ++at_ == end_) fail();
        }
        if (at_ == end_) fail();
        ++at_;
        return {first, static_cast<std::size_t>(at_ - first)};
    }
    scanned_value value() {
        switch (next()) {
            case '{':
                return {value_kind::object, {at_++, 1}, 0, 0.0};
            case '[':
                return {value_kind::array, {at_++, 1}, 0, 0.0};
            case '"':
                return {value_kind::text, quoted(), 0, 0.0};
            case 't':
                return word("true", {value_kind::boolean, {}, 1, 1.0});
            case 'f':
                return word("false", {value_kind::boolean, {}, 0, 0.0});
            case 'n':
                return word("null", {});
            default:
                return number();
        }
    }
    scanned_value word(std::string_view spelling, scanned_value meaning) {
        const std::string_view rest{at_, static_cast<std::size_t>(end_ - at_)};
        if (!rest.starts_with(spelling)) fail();
        meaning.raw = rest.substr(0, spelling.size());
        at_ += spelling.size();
        return meaning;
    }
    scanned_value number() {
        scanned_value found;
        const auto whole = std::from_chars(at_, end_, found.integer);
        found.kind = value_kind::integer;
        const char* stop = whole.ptr;
        if (whole.ec != std::errc{} ||
            (stop != end_ && (*stop == '.' || *stop == 'e' || *stop == 'E'))) {
            // from_chars would also take "inf" and "nan", which JSON has not.
            if (const char digit = *at_ == '-' && at_ + 1 != end_ ? at_[1] : *at_;
                digit < '0' || digit > '9')
                fail();
            const auto fraction = std::from_chars(at_, end_, found.real);
            if (fraction.ec != std::errc{}) fail();
            found.kind = value_kind::real;
            stop = fraction.ptr;
        }
        found.raw = {at_, static_cast<std::size_t>(stop - at_)};
        at_ = stop;
        return found;
    }

    const char* at_;
    const char* end_;
    int depth_ = 0;
};

}  // namespace kevbench::results
