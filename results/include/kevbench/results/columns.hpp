// SPDX-License-Identifier: MIT
//
// All records of one kind as columns: the fast way to read slices.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kevbench/results/column.hpp"
#include "kevbench/results/record_reader.hpp"

namespace kevbench::results {

struct column_table {
    std::size_t rows = 0;
    /// By field name; a field of a nested object is "outer.inner" ("syscalls.read"). Every field
    /// that occurs is here, known to this version or not.
    std::map<std::string, column> columns;
    /// Of each row, the line of the file, from 1.
    std::vector<std::int64_t> lines;
    /// Of the whole file: records of all kinds, and bytes of a torn last one.
    read_report file;
};

/// Reads the records whose "record" field is `kind` ("slice"). About 1 us and 250 bytes a slice;
/// with `fields` only those are kept, eight bytes each. Throws data_error as for_each_record()
/// does.
[[nodiscard]] column_table read_columns(const std::filesystem::path& path, std::string_view kind,
                                        std::span<const std::string> fields = {});

}  // namespace kevbench::results
