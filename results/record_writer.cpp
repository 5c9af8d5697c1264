// SPDX-License-Identifier: MIT
#include "kevbench/results/record_writer.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>

#include "kevbench/results/error.hpp"
#include "kevbench/results/schema.hpp"

namespace kevbench::results {
namespace {

std::string error_text(int error) {
    return std::generic_category().message(error);
}

void check_record(const nlohmann::json& record) {
    const auto text = [&record](const char* field) {
        const auto found = record.is_object() ? record.find(field) : record.end();
        if (found == record.end() || !found->is_string())
            throw data_error(fmt::format("record has no text field '{}'", field));
        return found->get<std::string>();
    };
    check_schema(text("schema"), text("schema_version"));
    static_cast<void>(text("record"));
}

}  // namespace

record_writer::record_writer(std::filesystem::path path, mode how) : path_(std::move(path)) {
    const int exclusive = how == mode::create ? O_EXCL : 0;
    // Readable too, to look for a torn tail.
    fd_ = ::open(path_.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | exclusive, 0644);
    if (fd_ < 0)
        throw data_error(
            fmt::format("{}: {}: choose another output folder", path_.string(), error_text(errno)));
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
        ::close(fd_);
        throw data_error(
            fmt::format("{}: another program is writing it: wait for it to end", path_.string()));
    }
    try {
        remove_torn_tail();
    } catch (...) {
        ::close(fd_);
        throw;
    }
}

record_writer::~record_writer() {
    ::close(fd_);
}

void record_writer::remove_torn_tail() {
    const auto size = ::lseek(fd_, 0, SEEK_END);
    auto end = size;
    std::array<char, 4096> block{};
    while (end > 0) {
        const auto start = std::max<off_t>(0, end - static_cast<off_t>(block.size()));
        const auto length =
            ::pread(fd_, block.data(), static_cast<std::size_t>(end - start), start);
        if (length != end - start)
            throw data_error(
                fmt::format("{}: cannot be read: {}", path_.string(), error_text(errno)));
        const std::string_view text{block.data(), static_cast<std::size_t>(length)};
        if (const auto newline = text.rfind('\n'); newline != std::string_view::npos) {
            end = start + static_cast<off_t>(newline) + 1;
            break;
        }
        end = start;
    }
    if (end == size) return;
    if (::ftruncate(fd_, end) != 0)
        throw data_error(fmt::format("{}: its torn last record cannot be removed: {}",
                                     path_.string(), error_text(errno)));
    removed_bytes_ = static_cast<std::uint64_t>(size - end);
}

void record_writer::append(const nlohmann::json& record) {
    check_record(record);
    std::string line;
    try {
        line = record.dump();
    } catch (const nlohmann::json::exception& fault) {
        throw data_error(
            fmt::format("{}: record is not valid UTF-8: {}", path_.string(), fault.what()));
    }
    line += '\n';
    const auto before = ::lseek(fd_, 0, SEEK_END);
    const auto written = ::write(fd_, line.data(), line.size());
    if (written == static_cast<ssize_t>(line.size())) return;
    const int error = written < 0 ? errno : ENOSPC;
    if (written > 0 && ::ftruncate(fd_, before) != 0)
        throw data_error(
            fmt::format("{}: {}, and a torn record remains", path_.string(), error_text(error)));
    throw data_error(fmt::format("{}: {}: free some space or choose another output folder",
                                 path_.string(), error_text(error)));
}

void record_writer::sync() {
    if (::fdatasync(fd_) != 0)
        throw data_error(fmt::format("{}: {}", path_.string(), error_text(errno)));
}

}  // namespace kevbench::results
