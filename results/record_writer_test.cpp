// SPDX-License-Identifier: MIT
#include "kevbench/results/record_writer.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <random>

#include "kevbench/results/error.hpp"
#include "kevbench/results/record_reader.hpp"
#include "test_support.hpp"

namespace kevbench::results {
namespace {

using test::message_of;
using test::record;
using testing::HasSubstr;

std::vector<nlohmann::json> records_of(const std::filesystem::path& path) {
    std::vector<nlohmann::json> records;
    for_each_record(path, [&](nlohmann::json&& each) { records.push_back(each); });
    return records;
}

TEST(RecordWriter, WhatIsAppendedIsReadBack) {
    const test::scratch_folder folder;
    const auto run = record("run", {{"argv", {"a", "b\nc", "\u00e4"}}});
    const auto slice = record("slice", {{"ops", 12}});
    {
        record_writer writer{folder.file(), record_writer::mode::create};
        writer.append(run);
        writer.append(slice);
        writer.sync();
    }
    record_writer{folder.file(), record_writer::mode::append}.append(run);
    EXPECT_THAT(records_of(folder.file()), testing::ElementsAre(run, slice, run));
}

TEST(RecordWriter, NeverTouchesAFileThatExistsUnlessAppending) {
    const test::scratch_folder folder;
    test::write_text(folder.file(), "precious");
    const auto message = message_of<data_error>([&] {
        const record_writer writer{folder.file(), record_writer::mode::create};
    });
    EXPECT_THAT(message, HasSubstr("File exists"));
    EXPECT_EQ(test::read_text(folder.file()), "precious");
}

TEST(RecordWriter, RefusesASecondWriterOfTheSameFile) {
    const test::scratch_folder folder;
    const record_writer first{folder.file(), record_writer::mode::append};
    EXPECT_THAT(message_of<data_error>([&] {
                    const record_writer second{folder.file(), record_writer::mode::append};
                }),
                HasSubstr("another program is writing it"));
}

TEST(RecordWriter, RefusesWhatIsNotARecordAndWritesNothing) {
    const test::scratch_folder folder;
    record_writer writer{folder.file(), record_writer::mode::create};
    auto nameless = record("run");
    nameless.erase("record");
    auto newer = record("run");
    newer["schema_version"] = "9.0";
    for (const auto& bad : {nlohmann::json::array(), nlohmann::json::object(), nameless, newer,
                            record("run", {{"text", "\xff"}})})
        EXPECT_THROW(writer.append(bad), data_error);
    EXPECT_EQ(test::read_text(folder.file()), "");
}

TEST(RecordWriter, CutsOffATornRecordWhenItContinuesAFile) {
    const test::scratch_folder folder;
    const auto whole = record("run").dump() + "\n";
    // Longer than the block in which the line end is searched for.
    test::write_text(folder.file(), whole + std::string(10'000, 'x'));
    record_writer writer{folder.file(), record_writer::mode::append};
    EXPECT_EQ(writer.removed_bytes(), 10'000U);
    writer.append(record("slice"));
    EXPECT_EQ(records_of(folder.file()).size(), 2U);
}

TEST(RecordWriter, AFileOfOneTornRecordBecomesEmpty) {
    const test::scratch_folder folder;
    test::write_text(folder.file(), "{\"schema\":");
    const record_writer writer{folder.file(), record_writer::mode::append};
    EXPECT_EQ(writer.removed_bytes(), 10U);
    EXPECT_EQ(test::read_text(folder.file()), "");
}

/// The limit on file size stands in for the disk: the write is cut short at it. Returns 0 when the
/// large record was refused with the remedy and the small one after it was written.
int append_until_full(const std::filesystem::path& path, const nlohmann::json& small,
                      const nlohmann::json& large) {
    static_cast<void>(std::signal(SIGXFSZ, SIG_IGN));
    const rlimit limit{50'000, 50'000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 2;
    record_writer writer{path, record_writer::mode::create};
    writer.append(small);
    const auto message = message_of<data_error>([&] { writer.append(large); });
    writer.append(small);
    return message.find("free some space") == std::string::npos ? 1 : 0;
}

TEST(RecordWriter, AFullDiskLeavesNoTornRecord) {
    const test::scratch_folder folder;
    const auto small = record("run");
    const auto large = record("hist", {{"note", std::string(100'000, 'x')}});
    ASSERT_EXIT(std::exit(append_until_full(folder.file(), small, large)),
                testing::ExitedWithCode(0), "");
    EXPECT_THAT(records_of(folder.file()), testing::ElementsAre(small, small));
}

/// A child that appends records with rising numbers and reports each number after append()
/// returned, until it is killed.
class killed_writer {
  public:
    explicit killed_writer(const std::filesystem::path& path) {
        std::array<int, 2> pipe{};
        if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe failed");
        child_ = ::fork();
        if (child_ == 0) {
            append_for_ever(path, pipe[1]);
        }
        ::close(pipe[1]);
        reports_ = pipe[0];
    }
    killed_writer(const killed_writer&) = delete;
    killed_writer& operator=(const killed_writer&) = delete;
    ~killed_writer() { ::close(reports_); }

    /// Waits for `count` reports, kills after a spin that varies the point of death, and returns
    /// the last number reported.
    std::uint64_t kill_after(std::uint64_t count, unsigned spin) {
        std::uint64_t last = 0;
        std::uint64_t reported = 0;
        while (reported < count && ::read(reports_, &last, sizeof last) == sizeof last) ++reported;
        for (unsigned i = 0; i < spin; ++i) asm volatile("");
        ::kill(child_, SIGKILL);
        int status = 0;
        ::waitpid(child_, &status, 0);
        EXPECT_TRUE(WIFSIGNALED(status));
        while (::read(reports_, &last, sizeof last) == sizeof last) {
        }
        return last;
    }

  private:
    [[noreturn]] static void append_for_ever(const std::filesystem::path& path, int reports) {
        record_writer writer{path, record_writer::mode::append};
        auto each = record("slice", {{"note", std::string(20'000, 'x')}});
        for (std::uint64_t number = 1;; ++number) {
            each["number"] = number;
            writer.append(each);
            if (::write(reports, &number, sizeof number) != sizeof number) std::_Exit(1);
        }
    }

    pid_t child_ = -1;
    int reports_ = -1;
};

TEST(RecordWriter, KilledAtAnyMomentLeavesEveryFinishedRecordReadable) {
    std::minstd_rand random{20261125};
    for (int round = 0; round < 40; ++round) {
        const test::scratch_folder folder;
        const auto last = killed_writer{folder.file()}.kill_after(
            1 + random() % 8, static_cast<unsigned>(random() % 200'000));
        const auto records = records_of(folder.file());
        // One more may have been written whole and not yet reported.
        ASSERT_GE(records.size(), last);
        ASSERT_LE(records.size(), last + 1);
        for (std::size_t i = 0; i < records.size(); ++i) ASSERT_EQ(records[i].at("number"), i + 1);
        record_writer{folder.file(), record_writer::mode::append}.append(record("end"));
        ASSERT_EQ(records_of(folder.file()).size(), records.size() + 1);
    }
}

}  // namespace
}  // namespace kevbench::results
