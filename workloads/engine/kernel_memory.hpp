// SPDX-License-Identifier: MIT
//
// Kernel memory by slab cache (/proc/slabinfo, root only) or, failing that, by memory cgroup.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kevbench::workload {

struct slab_cache {
    std::int64_t objects = 0;      ///< in use, as the kernel counts: some free ones are included
    std::int64_t object_size = 0;  ///< bytes
};
using slab_caches = std::map<std::string, slab_cache, std::less<>>;

/// Reads the text of /proc/slabinfo, version 2.x. Lines that are not caches are passed over.
[[nodiscard]] slab_caches parse_slabinfo(std::string_view text);

/// Bytes per watch that `watches` registrations took, from the caches before and after.
///
/// A cache counts with whole objects per watch (1, 2, ...): the kernel's counts are off by the free
/// objects of a few slabs, and other processes allocate meanwhile; neither comes near half an
/// object per watch when there are thousands of watches. What is allocated less than once per two
/// watches is therefore not seen.
[[nodiscard]] double slab_bytes_per_watch(const slab_caches& before, const slab_caches& after,
                                          std::int64_t watches);

/// Takes readings by the best way this process has; says which. Not thread-safe.
class kernel_memory_meter {
  public:
    kernel_memory_meter();

    /// False when neither way is open; how() then says why.
    [[nodiscard]] bool usable() const noexcept { return usable_; }
    /// One line: the way readings are taken, or why there are none.
    [[nodiscard]] const std::string& how() const noexcept { return how_; }

    struct reading {
        slab_caches caches;        // by slab
        std::int64_t charged = 0;  // bytes, by cgroup
    };
    /// Throws fault when a file that was readable is not any more.
    [[nodiscard]] reading take() const;
    /// As take(), once what was freed is really free: the kernel keeps objects that readers may
    /// still hold for some milliseconds, and new ones made meanwhile would hide behind them. Blocks
    /// for up to a second.
    [[nodiscard]] reading settled() const;
    /// As take(), once most of the `bytes` per watch that `watches` registrations held more than at
    /// `empty` are free again. After a grace period that comes all at once, so looking whether the
    /// kernel's memory shrinks tells nothing before it. Blocks for up to two seconds.
    [[nodiscard]] reading once_freed(const reading& empty, double bytes,
                                     std::int64_t watches) const;
    [[nodiscard]] double bytes_per_watch(const reading& before, const reading& after,
                                         std::int64_t watches) const;

  private:
    bool usable_ = false;
    std::string how_;
    std::string cgroup_file_;  // empty = by slab
    std::string cgroup_key_;   // line of that file; empty = the file is one number
};

/// Bytes of this process in memory. Throws fault when /proc is not mounted.
[[nodiscard]] std::int64_t resident_bytes();

}  // namespace kevbench::workload
