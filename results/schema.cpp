// SPDX-License-Identifier: MIT
#include "kevbench/results/schema.hpp"

#include <fmt/format.h>

#include <charconv>

#include "kevbench/results/error.hpp"

namespace kevbench::results {

void check_schema(std::string_view name, std::string_view version) {
    if (name != schema_name)
        throw data_error(
            fmt::format("schema is '{}', not '{}': not a results file", name, schema_name));
    int major = 0;
    const auto* const end = version.data() + version.size();
    const auto [rest, fault] = std::from_chars(version.data(), end, major);
    if (fault != std::errc{} || (rest != end && *rest != '.'))
        throw data_error(fmt::format("schema_version '{}' is not MAJOR.MINOR", version));
    if (major > schema_major)
        throw data_error(
            fmt::format("schema_version {} is newer than this program's {}: update kevbench",
                        version, schema_version));
}

}  // namespace kevbench::results
