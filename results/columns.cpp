// SPDX-License-Identifier: MIT
#include "kevbench/results/columns.hpp"

#include <algorithm>
#include <deque>
#include <unordered_map>
#include <vector>

#include "json_scanner.hpp"
#include "kevbench/results/schema.hpp"

namespace kevbench::results {
namespace {

/// Text of a field that holds plain names and numbers; anything with an escape is not one of them.
std::string_view plain_text(const scanned_value& value) {
    return value.kind == value_kind::text ? value.raw.substr(1, value.raw.size() - 2)
                                          : std::string_view{};
}

/// The kind of a record, after checking that this program may read it. A pass of its own, because
/// the fields that say so may come last.
std::string_view checked_kind(std::string_view line) {
    std::string_view schema;
    std::string_view version;
    std::string_view kind;
    json_scanner scanner{line};
    scanner.for_each_field([&](std::string_view name, const scanned_value& value) {
        if (name == "schema") schema = plain_text(value);
        if (name == "schema_version") version = plain_text(value);
        if (name == "record") kind = plain_text(value);
        scanner.skip(value);
    });
    scanner.finish();
    check_schema(schema, version);
    return kind;
}

class table_builder {
  public:
    explicit table_builder(std::span<const std::string> fields)
        : wanted_(fields.begin(), fields.end()) {}

    void add(std::string_view line, std::uint64_t number) {
        next_guess_ = 0;
        lines_.push_back(static_cast<std::int64_t>(number));
        json_scanner scanner{line};
        prefix_.clear();
        scanner.for_each_field([&](std::string_view name, const scanned_value& value) {
            store(scanner, name, value);
        });
        ++row_;
    }

    column_table finish(read_report file) {
        column_table table{row_, {}, std::move(lines_), file};
        for (auto& [name, held] : fields_) {
            held.pad(row_);
            table.columns.emplace(name, std::move(held));
        }
        return table;
    }

  private:
    struct field {
        std::string name;
        column held;
    };

    void store(json_scanner& scanner, std::string_view name, const scanned_value& value) {
        if (!is_wanted(name, value.kind == value_kind::object)) {
            scanner.skip(value);
            return;
        }
        if (value.kind == value_kind::object) {
            const auto outer = prefix_.size();
            prefix_.append(name).push_back('.');
            scanner.for_each_field_inside([&](std::string_view inner, const scanned_value& below) {
                store(scanner, inner, below);
            });
            prefix_.resize(outer);
            return;
        }
        column& target = column_named(name);
        switch (value.kind) {
            case value_kind::null:
                break;
            case value_kind::boolean:
                target.set_integer(row_, value.integer, column_kind::boolean);
                break;
            case value_kind::integer:
                target.set_integer(row_, value.integer);
                break;
            case value_kind::real:
                target.set_real(row_, value.real);
                break;
            case value_kind::text:
                target.set_text(row_, value.raw);
                break;
            case value_kind::array:
            case value_kind::object:
                store_list(scanner, target);
        }
    }

    /// Whether a field is kept; of an object, whether anything inside it may be.
    bool is_wanted(std::string_view name, bool is_object) const {
        if (wanted_.empty()) return true;
        return std::any_of(wanted_.begin(), wanted_.end(), [&](std::string_view one) {
            if (!one.starts_with(prefix_)) return false;
            const auto rest = one.substr(prefix_.size());
            if (!is_object) return rest == name;
            return rest.size() > name.size() && rest.starts_with(name) && rest[name.size()] == '.';
        });
    }

    void store_list(json_scanner& scanner, column& target) {
        list_.clear();
        bool integers_only = true;
        scanner.for_each_element_inside([&](const scanned_value& element) {
            integers_only = integers_only && element.kind == value_kind::integer;
            if (integers_only) list_.push_back(element.integer);
            scanner.skip(element);
        });
        if (integers_only)
            target.set_list(row_, list_);
        else
            target.set_mixed();
    }

    /// Records of one kind mostly have the same fields in the same order, so the field after the
    /// last one found is tried before the hash table.
    column& column_named(std::string_view name) {
        if (next_guess_ < fields_.size() && is_named(fields_[next_guess_], name))
            return fields_[next_guess_++].held;
        std::string full{prefix_};
        full.append(name);
        const auto [position, added] = index_of_.try_emplace(full, fields_.size());
        if (added) fields_.push_back({std::move(full), {}});
        next_guess_ = position->second + 1;
        return fields_[position->second].held;
    }
    bool is_named(const field& candidate, std::string_view name) const {
        const std::string_view full{candidate.name};
        return full.size() == prefix_.size() + name.size() && full.ends_with(name) &&
               full.starts_with(prefix_);
    }

    std::vector<std::string> wanted_;
    std::deque<field> fields_;
    std::unordered_map<std::string, std::size_t> index_of_;
    std::size_t next_guess_ = 0;
    std::size_t row_ = 0;
    std::vector<std::int64_t> lines_;
    std::string prefix_;
    std::vector<std::int64_t> list_;
};

}  // namespace

column_table read_columns(const std::filesystem::path& path, std::string_view kind,
                          std::span<const std::string> fields) {
    table_builder builder{fields};
    const auto file = for_each_line(path, [&](std::string_view line, std::uint64_t number) {
        if (checked_kind(line) == kind) builder.add(line, number);
    });
    return builder.finish(file);
}

}  // namespace kevbench::results
