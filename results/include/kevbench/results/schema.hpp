// SPDX-License-Identifier: MIT
//
// Identity and version of stored results. Within one major version fields are only added, so a
// reader keeps fields it does not know and refuses only a newer major version.
#pragma once

#include <string_view>

namespace kevbench::results {

inline constexpr std::string_view schema_name = "kvb.result";
inline constexpr int schema_major = 1;
inline constexpr int schema_minor = 0;
inline constexpr std::string_view schema_version = "1.0";

/// Throws data_error unless this reader understands the document; the message says which version
/// it has and which is needed.
void check_schema(std::string_view name, std::string_view version);

}  // namespace kevbench::results
