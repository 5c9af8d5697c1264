// SPDX-License-Identifier: MIT
#include "kevbench/results/column.hpp"

#include <limits>
#include <nlohmann/json.hpp>

#include "kevbench/results/error.hpp"

namespace kevbench::results {
namespace {

std::string decode(std::string_view raw) {
    const auto decoded = nlohmann::json::parse(raw, nullptr, false);
    if (!decoded.is_string())
        throw data_error("not a JSON text: the file is corrupt, remove this line to go on");
    return decoded.get<std::string>();
}

}  // namespace

bool column::become(column_kind wanted) {
    if (kind_ == wanted) return wanted != column_kind::mixed;
    if (kind_ == column_kind::empty) {
        kind_ = wanted;
        const auto rows = rows_;  // all without a value so far
        rows_ = 0;
        pad(rows);
        return wanted != column_kind::mixed;
    }
    if (kind_ == column_kind::integer && wanted == column_kind::real) {
        reals_.reserve(rows_ + 1);
        for (std::size_t i = 0; i < rows_; ++i)
            reals_.push_back(present_.empty() || present_[i] != 0
                                 ? static_cast<double>(integers_[i])
                                 : std::numeric_limits<double>::quiet_NaN());
        integers_ = {};
        kind_ = column_kind::real;
        return true;
    }
    *this = column{};
    kind_ = column_kind::mixed;
    return false;
}

void column::pad(std::size_t rows) {
    if (rows <= rows_) return;
    if (present_.empty()) present_.assign(rows_, 1);
    present_.resize(rows, 0);
    switch (kind_) {
        case column_kind::integer:
        case column_kind::boolean:
            integers_.resize(rows);
            break;
        case column_kind::real:
            reals_.resize(rows, std::numeric_limits<double>::quiet_NaN());
            break;
        case column_kind::text:
            codes_.resize(rows, -1);
            break;
        case column_kind::list:
            list_ends_.resize(rows, static_cast<std::int64_t>(list_values_.size()));
            break;
        case column_kind::empty:
        case column_kind::mixed:
            break;
    }
    rows_ = rows;
}

bool column::begin_row(std::size_t row, column_kind wanted) {
    // A field named twice in one record keeps its first value; the second would shift all rows.
    if (row < rows_ && kind_ != column_kind::empty) return false;
    pad(row);
    return become(wanted);
}

void column::mark_present() {
    if (!present_.empty()) present_.push_back(1);
    ++rows_;
}

void column::set_integer(std::size_t row, std::int64_t value, column_kind kind) {
    if (kind_ == column_kind::real && kind == column_kind::integer) {
        set_real(row, static_cast<double>(value));
        return;
    }
    if (!begin_row(row, kind)) return;
    integers_.push_back(value);
    mark_present();
}

void column::set_real(std::size_t row, double value) {
    if (!begin_row(row, column_kind::real)) return;
    reals_.push_back(value);
    mark_present();
}

void column::set_text(std::size_t row, std::string_view raw) {
    if (!begin_row(row, column_kind::text)) return;
    std::string key{raw};
    auto found = code_of_.find(key);
    if (found == code_of_.end()) {
        texts_.push_back(decode(raw));
        found =
            code_of_.emplace(std::move(key), static_cast<std::int32_t>(texts_.size() - 1)).first;
    }
    codes_.push_back(found->second);
    mark_present();
}

void column::set_list(std::size_t row, const std::vector<std::int64_t>& values) {
    if (!begin_row(row, column_kind::list)) return;
    list_values_.insert(list_values_.end(), values.begin(), values.end());
    list_ends_.push_back(static_cast<std::int64_t>(list_values_.size()));
    mark_present();
}

}  // namespace kevbench::results
