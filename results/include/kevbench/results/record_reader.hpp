// SPDX-License-Identifier: MIT
//
// Reading results record by record. For a million slices use columns.hpp instead: a document tree
// of each record costs ten times as much.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

namespace kevbench::results {

struct read_report {
    std::uint64_t records = 0;
    /// Bytes after the last line end: a record that a killed writer did not finish. Dropped.
    std::uint64_t torn_bytes = 0;
};

/// Calls `use(line, number)` for every finished line, numbered from 1, in order. Streams with a
/// buffer of 1 MiB, or of the longest line; a line is valid during its call. Blank lines are
/// skipped. A data_error thrown by `use` is rethrown with file and line number in front. Throws
/// data_error when the file cannot be read or is compressed.
read_report for_each_line(const std::filesystem::path& path,
                          const std::function<void(std::string_view, std::uint64_t)>& use);

/// Calls `use` for every record, all fields kept, known or not. Throws data_error at the first line
/// that is not a record or has a newer major schema_version.
read_report for_each_record(const std::filesystem::path& path,
                            const std::function<void(nlohmann::json&&)>& use);

}  // namespace kevbench::results
