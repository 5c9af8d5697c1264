// SPDX-License-Identifier: MIT
//
// Adapters from shared libraries (see plugin.h).
#pragma once

#include <stdexcept>
#include <string>

namespace kevbench::adapter {

/// A library was refused; the text is one line that says why and what to do.
class plugin_error : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

/// Loads the library at `path` (relative to the working directory; never searched for elsewhere)
/// and adds its variants to the registry, for the rest of the process. Throws plugin_error and adds
/// nothing if the file is missing or no library, the entry is missing, the ABI number or a struct
/// size differs, a required hook is missing, a name is bad, or mechanism and variant exist already.
/// Not to be called while variants are being listed or visited in another thread.
void load_plugin(const std::string& path);

}  // namespace kevbench::adapter
