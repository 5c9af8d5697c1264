// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace kevbench::results {

/// What one field holds over all records. Values live in one contiguous array a column, which is
/// what numpy wants to be given.
enum class column_kind : std::uint8_t {
    empty,    ///< null in every record
    integer,  ///< `integers`
    real,     ///< `reals`
    boolean,  ///< `integers`, 0 or 1
    text,     ///< `codes`, indices into `texts`
    list,     ///< arrays of integers: row i is list_values[list_ends[i-1] .. list_ends[i])
    mixed,    ///< different kinds in different records, or nested arrays: not held
};

/// Grows row by row; rows may be left out and then have no value. Eight bytes a row for numbers,
/// four and each distinct text once for text. Not thread-safe.
class column {
  public:
    void set_integer(std::size_t row, std::int64_t value, column_kind kind = column_kind::integer);
    void set_real(std::size_t row, double value);
    /// `raw` is JSON text with its quotes; decoded once for each distinct text. Throws data_error
    /// when it is not valid.
    void set_text(std::size_t row, std::string_view raw);
    void set_list(std::size_t row, const std::vector<std::int64_t>& values);
    void set_mixed() { become(column_kind::mixed); }
    /// Rows up to `rows` without a value get none.
    void pad(std::size_t rows);

    [[nodiscard]] column_kind kind() const noexcept { return kind_; }
    /// Empty when every row has a value, else one flag a row. Rows without one hold 0, NaN, code -1
    /// or an empty list.
    [[nodiscard]] const std::vector<std::uint8_t>& present() const noexcept { return present_; }
    [[nodiscard]] std::vector<std::int64_t>& integers() noexcept { return integers_; }
    [[nodiscard]] std::vector<double>& reals() noexcept { return reals_; }
    [[nodiscard]] std::vector<std::int32_t>& codes() noexcept { return codes_; }
    [[nodiscard]] std::vector<std::string>& texts() noexcept { return texts_; }
    [[nodiscard]] std::vector<std::int64_t>& list_values() noexcept { return list_values_; }
    [[nodiscard]] std::vector<std::int64_t>& list_ends() noexcept { return list_ends_; }

  private:
    /// Makes `wanted` the kind if it can be; integers already held turn into reals.
    bool become(column_kind wanted);
    bool begin_row(std::size_t row, column_kind wanted);
    void mark_present();

    column_kind kind_ = column_kind::empty;
    std::size_t rows_ = 0;
    std::vector<std::uint8_t> present_;
    std::vector<std::int64_t> integers_;
    std::vector<double> reals_;
    std::vector<std::int32_t> codes_;
    std::vector<std::string> texts_;
    std::unordered_map<std::string, std::int32_t> code_of_;
    std::vector<std::int64_t> list_values_;
    std::vector<std::int64_t> list_ends_;
};

}  // namespace kevbench::results
