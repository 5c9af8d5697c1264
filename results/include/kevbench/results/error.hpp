// SPDX-License-Identifier: MIT
#pragma once

#include <stdexcept>
#include <string>

namespace kevbench::results {

/// Stored data that cannot be used: a corrupt record, a newer schema, a file that cannot be opened
/// or written. The message is one line, names the file and the line, and says what to do.
/// Exit status 4 where the user named the file, 2 where the project wrote it itself.
class data_error : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

}  // namespace kevbench::results
