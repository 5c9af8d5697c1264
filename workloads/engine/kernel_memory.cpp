// SPDX-License-Identifier: MIT
#include "engine/kernel_memory.hpp"

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <sstream>
#include <utility>

#include "kevbench/workload/error.hpp"

namespace kevbench::workload {
namespace {

constexpr const char* slabinfo = "/proc/slabinfo";
/// Between two looks at what the kernel holds.
constexpr timespec pause{0, 20'000'000};

std::optional<std::string> read_text(const std::string& path) {
    std::ifstream file{path};
    std::string text{std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
    if (text.empty()) {
        return std::nullopt;
    }
    return text;
}

std::optional<std::int64_t> find_number(const std::string& text, const std::string& key) {
    std::istringstream lines{text};
    std::string name = key;
    std::int64_t value = 0;
    if (key.empty()) {
        return lines >> value ? std::optional{value} : std::nullopt;
    }
    while (lines >> name >> value) {
        if (name == key) {
            return value;
        }
    }
    return std::nullopt;
}

/// One way to read what a memory cgroup is charged for kernel objects.
struct cgroup_account {
    std::string file;
    std::string key;
};

std::optional<cgroup_account> find_account() {
    std::ifstream lines{"/proc/self/cgroup"};
    for (std::string line; std::getline(lines, line);) {
        const std::size_t path = line.find('/');
        if (path == std::string::npos) {
            continue;
        }
        const std::string group = line.substr(path);
        std::array<cgroup_account, 2> candidates;
        if (line.rfind("0::", 0) == 0) {
            candidates = {
                cgroup_account{"/sys/fs/cgroup" + group + "/memory.stat", "slab"},
                cgroup_account{"/sys/fs/cgroup/unified" + group + "/memory.stat", "slab"}};
        } else if (line.find(":memory:") != std::string::npos) {
            const std::string file = "/memory.kmem.usage_in_bytes";
            candidates = {cgroup_account{"/sys/fs/cgroup/memory" + group + file, ""},
                          cgroup_account{"/sys/fs/cgroup/memory" + file, ""}};
        }
        for (const cgroup_account& each : candidates) {
            const auto text = read_text(each.file);
            if (text && find_number(*text, each.key)) {
                return each;
            }
        }
    }
    return std::nullopt;
}

/// Bytes in use, whichever way they were read.
std::int64_t held(const kernel_memory_meter::reading& taken) {
    std::int64_t bytes = taken.charged;
    for (const auto& [name, cache] : taken.caches) {
        bytes += cache.objects * cache.object_size;
    }
    return bytes;
}

}  // namespace

slab_caches parse_slabinfo(std::string_view text) {
    slab_caches caches;
    std::istringstream lines{std::string{text}};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream fields{line};
        std::string name;
        std::int64_t objects = 0;
        std::int64_t total = 0;
        std::int64_t size = 0;
        if (fields >> name >> objects >> total >> size && name.front() != '#') {
            caches[name] = {objects, size};
        }
    }
    return caches;
}

double slab_bytes_per_watch(const slab_caches& before, const slab_caches& after,
                            std::int64_t watches) {
    double bytes = 0;
    for (const auto& [name, cache] : after) {
        const auto former = before.find(name);
        const std::int64_t grown =
            cache.objects - (former == before.end() ? 0 : former->second.objects);
        const double per_watch =
            std::round(static_cast<double>(grown) / static_cast<double>(watches));
        if (per_watch > 0) {
            bytes += per_watch * static_cast<double>(cache.object_size);
        }
    }
    return bytes;
}

kernel_memory_meter::kernel_memory_meter() {
    if (read_text(slabinfo)) {
        usable_ = true;
        how_ = "growth of slab caches (/proc/slabinfo), whole objects per watch";
        return;
    }
    if (const auto account = find_account()) {
        usable_ = true;
        cgroup_file_ = account->file;
        cgroup_key_ = account->key;
        how_ = fmt::format("growth of the memory cgroup's kernel charge ({})", cgroup_file_);
        return;
    }
    how_ =
        "not measured: /proc/slabinfo is not readable (run as root) and no memory cgroup accounts "
        "for kernel memory here";
}

kernel_memory_meter::reading kernel_memory_meter::take() const {
    const std::string& path = cgroup_file_.empty() ? slabinfo : cgroup_file_;
    const auto text = read_text(path);
    if (!text) {
        throw fault(fmt::format("{} cannot be read any more", path));
    }
    reading taken;
    if (cgroup_file_.empty()) {
        taken.caches = parse_slabinfo(*text);
    } else {
        taken.charged = find_number(*text, cgroup_key_).value_or(0);
    }
    return taken;
}

kernel_memory_meter::reading kernel_memory_meter::settled() const {
    constexpr int looks = 50;
    constexpr std::int64_t still = 16'384;  // bytes; others allocate and free all the time
    reading last = take();
    for (int look = 0; look < looks; ++look) {
        ::nanosleep(&pause, nullptr);
        reading now = take();
        const bool shrinks = held(now) < held(last) - still;
        last = std::move(now);
        if (!shrinks) {
            break;
        }
    }
    return last;
}

kernel_memory_meter::reading kernel_memory_meter::once_freed(const reading& empty, double bytes,
                                                             std::int64_t watches) const {
    const int looks = bytes > 0 ? 100 : 0;
    reading now = take();
    for (int look = 0; look < looks && bytes_per_watch(empty, now, watches) > bytes / 2; ++look) {
        ::nanosleep(&pause, nullptr);
        now = take();
    }
    return now;
}

double kernel_memory_meter::bytes_per_watch(const reading& before, const reading& after,
                                            std::int64_t watches) const {
    if (cgroup_file_.empty()) {
        return slab_bytes_per_watch(before.caches, after.caches, watches);
    }
    return static_cast<double>(after.charged - before.charged) / static_cast<double>(watches);
}

std::int64_t resident_bytes() {
    std::ifstream file{"/proc/self/statm"};
    std::int64_t total = 0;
    std::int64_t resident = 0;
    if (!(file >> total >> resident)) {
        throw fault("/proc/self/statm cannot be read: mount /proc");
    }
    return resident * ::sysconf(_SC_PAGESIZE);
}

}  // namespace kevbench::workload
