// SPDX-License-Identifier: MIT
#include "engine/folder.hpp"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <system_error>

#include "kevbench/workload/error.hpp"

namespace kevbench::workload {

scratch_folder::scratch_folder() {
    std::error_code ignored;
    for (const std::filesystem::path& base :
         {std::filesystem::path{"/dev/shm"}, std::filesystem::temp_directory_path(ignored)}) {
        std::string name = (base / "kevbench-XXXXXX").string();
        if (::mkdtemp(name.data()) != nullptr) {
            path_ = name;
            return;
        }
    }
    throw fault(fmt::format("making a folder for temporary files: {}", std::strerror(errno)));
}

scratch_folder::~scratch_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

descriptor scratch_folder::make_folder(std::uint32_t number) const {
    const std::string name = (path_ / std::to_string(number)).string();
    descriptor made;
    if (::mkdir(name.c_str(), S_IRWXU) == 0) {
        made.reset(::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    }
    if (!made.valid()) {
        throw fault(fmt::format("making {}: {}", name, std::strerror(errno)));
    }
    return made;
}

}  // namespace kevbench::workload
