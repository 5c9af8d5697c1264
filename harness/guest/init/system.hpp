// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "job.hpp"

namespace kevbench::guest {

/// Mounts what every program expects (/proc, /sys, /dev and their like) and makes /tmp, /run and
/// the results folder. Must come first: /dev is empty before.
void mount_file_systems();

/// Brings the loopback interface up and lifts the limits that a test of 100,000 descriptors meets.
/// Throws Fault when the loopback interface cannot be had; a missing setting is left alone.
void lift_limits(bool virtual_time);

/// Loads a kernel module from a file; one that is loaded already is fine. Throws Fault otherwise.
void load_module(const std::string& path, const std::string& params);

/// Mounts the first virtio disk (ext4) on /scratch; waits until the kernel has made its device.
void mount_scratch_disk();

/// /proc/sys/kernel/tainted: why the kernel no longer counts as clean, a decimal bit set.
std::string taint();

/// Ends the virtual machine; does not return.
[[noreturn]] void power_off();

inline constexpr const char* results_dir = "/results";
inline constexpr const char* scratch_dir = "/scratch";

}  // namespace kevbench::guest
