// SPDX-License-Identifier: MIT
#include "collect.hpp"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <vector>

#include "system.hpp"

namespace kevbench::guest {
namespace {

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};

std::vector<std::string> names_in(const std::string& path) {
    const std::unique_ptr<DIR, CloseFolder> folder(::opendir(path.c_str()));
    if (!folder) throw_errno("cannot read " + path);
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(folder.get())) {
        const std::string name = static_cast<const char*>(entry->d_name);
        if (name != "." && name != "..") names.push_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::string joined(const std::string& folder, const std::string& name) {
    std::string path = folder;
    return path.append("/").append(name);
}

void send_file(Port& port, const std::string& path, const std::string& relative,
               const struct stat& info) {
    std::array<char, 48> head{};
    const int size = std::snprintf(head.data(), head.size(), "%o %lld ", info.st_mode & 07777U,
                                   static_cast<long long>(info.st_size));
    port.send(Frame::file, std::string(head.data(), static_cast<std::size_t>(size)) + relative);
    const File file(path, O_RDONLY);
    std::array<char, max_piece> piece{};
    auto left = static_cast<std::size_t>(info.st_size);
    while (left > 0) {
        const ssize_t got = file.read(piece.data(), std::min(piece.size(), left));
        if (got <= 0) throw Fault(path + " shrank while it was sent");
        port.send(Frame::data, {piece.data(), static_cast<std::size_t>(got)});
        left -= static_cast<std::size_t>(got);
    }
}

void send_link(Port& port, const std::string& path, const std::string& relative) {
    std::array<char, 4096> target{};
    const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
    if (size < 0) throw_errno("cannot read the link " + path);
    std::string payload = relative;
    payload.push_back('\0');
    port.send(Frame::link, payload.append(target.data(), static_cast<std::size_t>(size)));
}

// The depth of the recursion is bounded by the length of a path.
void send_folder(Port& port, const std::string& path, const std::string& relative) {
    for (const std::string& name : names_in(path)) {
        const std::string member = joined(path, name);
        const std::string below = relative.empty() ? name : joined(relative, name);
        struct stat info {};
        if (::lstat(member.c_str(), &info) != 0) throw_errno("cannot look at " + member);
        if (S_ISDIR(info.st_mode)) {
            port.send(Frame::folder, below);
            send_folder(port, member, below);
        } else if (S_ISREG(info.st_mode)) {
            send_file(port, member, below, info);
        } else if (S_ISLNK(info.st_mode)) {
            send_link(port, member, below);
        }
    }
}

}  // namespace

void send_results(Port& port) {
    send_folder(port, results_dir, "");
}

void send_kernel_log(Port& port) {
    const File log("/dev/kmsg", O_RDONLY | O_NONBLOCK);
    std::array<char, 8192> record{};  // the kernel cuts records at this size
    for (;;) {
        const ssize_t got = ::read(log.get(), record.data(), record.size());
        if (got > 0) {
            port.send(Frame::kmsg, {record.data(), static_cast<std::size_t>(got)});
        } else if (got == 0 || errno != EPIPE) {
            return;  // EPIPE: records were overwritten; the next read goes on with the oldest left
        }
    }
}

}  // namespace kevbench::guest
