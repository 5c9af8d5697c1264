// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>

namespace kevbench::results {

/// Appends records to a results file so that whatever ends the program, every record whose append()
/// returned is in the file, whole.
///
/// Each record is one write(2) of one line on a descriptor opened with O_APPEND: nothing is kept in
/// the process, so SIGKILL loses nothing, and at most the record being written is torn. (Loss of
/// power is another matter: see sync().) A torn last line is cut off when the file is opened for
/// appending again, and readers ignore it meanwhile.
///
/// One writer a file at a time, enforced by an advisory lock (flock) for the object's life.
/// Not thread-safe.
class record_writer {
  public:
    enum class mode : std::uint8_t {
        create,  ///< the file must not exist
        append,  ///< made when missing
    };
    /// Throws data_error when the file cannot be opened, exists already or has another writer.
    record_writer(std::filesystem::path path, mode how);
    record_writer(const record_writer&) = delete;
    record_writer& operator=(const record_writer&) = delete;
    ~record_writer();

    /// `record` is an object with "schema", "schema_version" and "record". Throws data_error if it
    /// is not, or if the disk is full; then the file is as it was before the call.
    void append(const nlohmann::json& record);
    /// Waits until everything is on stable storage. Milliseconds: call it between runs.
    void sync();

    /// Bytes of a torn record that opening cut off.
    [[nodiscard]] std::uint64_t removed_bytes() const noexcept { return removed_bytes_; }

  private:
    void remove_torn_tail();

    std::filesystem::path path_;
    int fd_ = -1;
    std::uint64_t removed_bytes_ = 0;
};

}  // namespace kevbench::results
