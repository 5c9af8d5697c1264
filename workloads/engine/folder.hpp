// SPDX-License-Identifier: MIT
//
// A folder of the run's own, in memory where the machine has such a file system.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "engine/source.hpp"

namespace kevbench::workload {

/// Made empty, removed with all it holds. /dev/shm if that can be written to, else the folder for
/// temporary files.
class scratch_folder {
  public:
    /// Throws fault.
    scratch_folder();
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;
    ~scratch_folder();

    /// Makes a folder in it and opens that. Throws fault.
    [[nodiscard]] descriptor make_folder(std::uint32_t number) const;
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

  private:
    std::filesystem::path path_;
};

}  // namespace kevbench::workload
