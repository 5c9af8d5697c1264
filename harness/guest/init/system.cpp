// SPDX-License-Identifier: MIT
#include "system.hpp"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <ctime>

#include "file.hpp"

namespace kevbench::guest {
namespace {

struct Mount {
    const char* type;
    const char* target;
    const char* options;
    bool required;
};

constexpr Mount mounts[] = {
    {"devtmpfs", "/dev", nullptr, true},
    {"proc", "/proc", nullptr, true},
    {"sysfs", "/sys", nullptr, true},
    {"devpts", "/dev/pts", "ptmxmode=0666", false},
    {"tmpfs", "/dev/shm", "mode=1777", false},
    {"mqueue", "/dev/mqueue", nullptr, false},
    {"cgroup2", "/sys/fs/cgroup", nullptr, false},
    {"debugfs", "/sys/kernel/debug", nullptr, false},
    {"tracefs", "/sys/kernel/tracing", nullptr, false},
};

void make_folder(const char* path, mode_t mode) {
    if (::mkdir(path, mode) != 0 && errno != EEXIST)
        throw_errno(std::string("cannot make ") + path);
    ::chmod(path, mode);
}

/// Not every kernel has every setting, and none of them is needed by every program.
void write_setting(const std::string& path, const std::string& value) {
    const File file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (file.is_open() && ::write(file.get(), value.data(), value.size()) < 0) return;
}

void bring_up_loopback() {
    const File socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket.is_open()) throw_errno("cannot open a socket");
    ifreq request{};
    std::strcpy(request.ifr_name, "lo");
    if (::ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0) throw_errno("no loopback interface");
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0) throw_errno("cannot bring up loopback");
}

}  // namespace

void mount_file_systems() {
    for (const Mount& mount : mounts) {
        ::mkdir(mount.target, 0755);  // inside /sys and /proc it exists or cannot be made
        if (::mount(mount.type, mount.target, mount.type, 0, mount.options) != 0 &&
            mount.required) {
            throw_errno(std::string("cannot mount ") + mount.target);
        }
    }
    make_folder("/tmp", 01777);
    make_folder("/run", 0755);
    make_folder(results_dir, 01777);
    for (const auto& [target, link] :
         {std::pair{"/proc/self/fd", "/dev/fd"}, std::pair{"/proc/self/fd/0", "/dev/stdin"},
          std::pair{"/proc/self/fd/1", "/dev/stdout"},
          std::pair{"/proc/self/fd/2", "/dev/stderr"}}) {
        if (::symlink(target, link) != 0 && errno != EEXIST) throw_errno("cannot fill /dev");
    }
}

void lift_limits(bool virtual_time) {
    bring_up_loopback();
    write_setting("/proc/sys/fs/file-max", "2097152");
    write_setting("/proc/sys/fs/nr_open", "1048576");
    write_setting("/proc/sys/net/core/somaxconn", "65535");
    write_setting("/proc/sys/net/ipv4/tcp_max_syn_backlog", "65535");
    write_setting("/proc/sys/net/ipv4/ip_local_port_range", "1024 65535");
    write_setting("/proc/sys/kernel/io_uring_disabled", "0");
    // A task stuck in the kernel is a finding, to be reported before the deadline ends the guest.
    // Virtual time jumps over idle periods, so there the limit would mean nothing.
    write_setting("/proc/sys/kernel/hung_task_timeout_secs", virtual_time ? "0" : "60");
    // Soft below hard, so that a program which walks all possible descriptors does not crawl.
    const rlimit files{131'072, 1'048'576};
    ::setrlimit(RLIMIT_NOFILE, &files);
    const rlimit no_core{0, RLIM_INFINITY};
    ::setrlimit(RLIMIT_CORE, &no_core);
}

void load_module(const std::string& path, const std::string& params) {
    const File file(path, O_RDONLY);
    if (::syscall(SYS_finit_module, file.get(), params.c_str(), 0) != 0 && errno != EEXIST) {
        throw_errno("cannot load " + path);
    }
}

void mount_scratch_disk() {
    constexpr int looks = 5'000;
    constexpr timespec pause{0, 2'000'000};
    make_folder(scratch_dir, 01777);
    for (int i = 0; i < looks && ::access("/dev/vda", F_OK) != 0; ++i) ::nanosleep(&pause, nullptr);
    if (::mount("/dev/vda", scratch_dir, "ext4", 0, nullptr) != 0) {
        throw_errno("cannot mount the scratch disk");
    }
    ::chmod(scratch_dir, 01777);
}

std::string taint() {
    std::string text = read_all("/proc/sys/kernel/tainted");
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

void power_off() {
    // No sync: nothing outlives the guest, and a stuck file system must not keep it up.
    ::reboot(RB_POWER_OFF);
    for (;;) ::pause();
}

}  // namespace kevbench::guest
