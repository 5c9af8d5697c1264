// SPDX-License-Identifier: MIT
#include "job.hpp"

#include <cstdint>

#include "file.hpp"

namespace kevbench::guest {
namespace {

void set_field(Job& job, char tag, std::string value) {
    switch (tag) {
        case '?':
            job.sentinel = std::move(value);
            break;
        case 'P':
            job.program = std::move(value);
            break;
        case 'C':
            job.cwd = std::move(value);
            break;
        case 'A':
            job.arguments.push_back(std::move(value));
            break;
        case 'E':
            job.environment.push_back(std::move(value));
            break;
        case 'm':
            job.early_modules.push_back(std::move(value));
            break;
        case 'l':
            job.late_modules.push_back(std::move(value));
            break;
        case 'M':
            job.module = std::move(value);
            break;
        case 'p':
            job.module_params = std::move(value);
            break;
        case 'I':
            job.stdin_path = std::move(value);
            break;
        case 'B':
            job.buffered = true;
            break;
        case 'V':
            job.virtual_time = true;
            break;
        case 'D':
            job.scratch_disk = true;
            break;
        default:
            throw Fault(std::string("the job has an unknown field ") + tag);
    }
}

}  // namespace

Job read_job(const std::string& path) {
    constexpr std::size_t header = 5;
    const std::string data = read_all(path);
    Job job;
    for (std::size_t at = 0; at < data.size();) {
        if (data.size() - at < header) throw Fault("the job is cut short");
        std::uint32_t size = 0;
        std::memcpy(&size, data.data() + at + 1, sizeof size);
        if (data.size() - at - header < size) throw Fault("the job is cut short");
        set_field(job, data[at], data.substr(at + header, size));
        at += header + size;
    }
    return job;
}

}  // namespace kevbench::guest
