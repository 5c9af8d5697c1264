// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace kevbench::guest {

/// What the launcher asks for. The field tags are those of transport.py, the other end.
struct Job {
    std::string sentinel;  ///< not empty: print this on the console and power off
    std::string program;   ///< absolute path of the executable
    std::string cwd;
    std::vector<std::string> arguments;  ///< argv, the zeroth included
    std::vector<std::string> environment;
    std::vector<std::string> early_modules;  ///< of the kernel, loaded before the command
    std::vector<std::string> late_modules;   ///< of the kernel, loaded when the command has ended
    std::string module;                      ///< the module under test; empty for none
    std::string module_params;
    std::string stdin_path = "/dev/null";
    bool buffered = false;      ///< keep the output in memory until the command has ended
    bool virtual_time = false;  ///< the clock counts instructions
    bool scratch_disk = false;  ///< mount the first virtio disk on /scratch
};

/// Reads the job file; throws Fault when it is not one.
Job read_job(const std::string& path);

}  // namespace kevbench::guest
