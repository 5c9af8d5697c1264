// SPDX-License-Identifier: MIT
#include "kevbench/results/record_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kevbench/results/error.hpp"
#include "test_support.hpp"

namespace kevbench::results {
namespace {

using test::message_of;
using test::record;
using testing::HasSubstr;

class RecordReader : public testing::Test {
  protected:
    std::vector<nlohmann::json> read(std::string_view text) {
        test::write_text(path_, text);
        std::vector<nlohmann::json> records;
        report_ = for_each_record(path_, [&](nlohmann::json&& each) { records.push_back(each); });
        return records;
    }
    std::string refusal_of(std::string_view text) {
        auto message = message_of<data_error>([&] { read(text); });
        EXPECT_THAT(message, testing::Not(HasSubstr("\n")));
        return message;
    }

    test::scratch_folder folder_;
    std::filesystem::path path_ = folder_.file();
    read_report report_;
};

TEST_F(RecordReader, KeepsFieldsItDoesNotKnow) {
    const auto strange = record("slice", {{"from_the_future", {{"deep", {1, nullptr, "x"}}}}});
    EXPECT_THAT(read(strange.dump() + "\n"), testing::ElementsAre(strange));
}

TEST_F(RecordReader, AcceptsANewerMinorVersion) {
    auto newer = record("run");
    newer["schema_version"] = "1.7";
    EXPECT_EQ(read(newer.dump() + "\n").size(), 1U);
}

TEST_F(RecordReader, RefusesANewerMajorVersionAndSaysWhatToDo) {
    auto newer = record("run");
    newer["schema_version"] = "2.0";
    const auto message = refusal_of(record("run").dump() + "\n" + newer.dump() + "\n");
    EXPECT_THAT(message, HasSubstr(path_.string() + ":2: "));
    EXPECT_THAT(message, HasSubstr("2.0 is newer"));
    EXPECT_THAT(message, HasSubstr("update kevbench"));
}

TEST_F(RecordReader, RefusesForeignJson) {
    EXPECT_THAT(refusal_of("{\"benchmarks\":[]}\n"), HasSubstr("not a results file"));
}

TEST_F(RecordReader, NamesTheLineThatIsCorrupt) {
    const auto good = record("run").dump() + "\n";
    for (const auto* bad : {"{\"schema\":\n", "[]\n", "nonsense\n", "{} {}\n"})
        EXPECT_THAT(refusal_of(good + good + bad + good), HasSubstr(":3: not a JSON object"));
}

TEST_F(RecordReader, DropsAndReportsATornLastLine) {
    const auto good = record("run").dump() + "\n";
    EXPECT_EQ(read(good + good + good.substr(0, 25)).size(), 2U);
    EXPECT_EQ(report_.records, 2U);
    EXPECT_EQ(report_.torn_bytes, 25U);
}

TEST_F(RecordReader, ReadsLinesLongerThanItsBuffer) {
    const auto large = record("hist", {{"note", std::string(3U << 20U, 'x')}});
    const auto small = record("run");
    EXPECT_THAT(read(small.dump() + "\n" + large.dump() + "\n" + small.dump() + "\n"),
                testing::ElementsAre(small, large, small));
}

TEST_F(RecordReader, SkipsBlankLinesButCountsThem) {
    EXPECT_EQ(read("\n  \n" + record("run").dump() + "\n").size(), 1U);
    EXPECT_THAT(refusal_of("\n\nx\n"), HasSubstr(":3: "));
}

TEST_F(RecordReader, AnEmptyFileHoldsNoRecords) {
    EXPECT_TRUE(read("").empty());
}

TEST_F(RecordReader, SaysThatACompressedFileMustBeUnpacked) {
    EXPECT_THAT(refusal_of("\x1f\x8b\x08rest"), HasSubstr("gunzip"));
}

TEST_F(RecordReader, SaysThatAFileIsMissing) {
    const auto message = message_of<data_error>(
        [&] { for_each_record(folder_.file("none.jsonl"), [](nlohmann::json&&) {}); });
    EXPECT_THAT(message, HasSubstr("none.jsonl: No such file"));
}

}  // namespace
}  // namespace kevbench::results
