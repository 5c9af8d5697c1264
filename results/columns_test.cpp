// SPDX-License-Identifier: MIT
#include "kevbench/results/columns.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "kevbench/results/error.hpp"
#include "test_support.hpp"

namespace kevbench::results {
namespace {

using test::message_of;
using test::record;
using testing::ElementsAre;
using testing::HasSubstr;

column_table read(const std::string& text, const char* kind = "slice") {
    const test::scratch_folder folder;
    test::write_text(folder.file(), text);
    return read_columns(folder.file(), kind);
}

std::string lines(std::initializer_list<nlohmann::json> records) {
    std::string text;
    for (const auto& each : records) text += each.dump() + "\n";
    return text;
}

std::vector<std::string> texts_by_row(column& held) {
    std::vector<std::string> texts;
    for (const auto code : held.codes())
        texts.push_back(code < 0 ? "(none)" : held.texts()[static_cast<std::size_t>(code)]);
    return texts;
}

TEST(Columns, HoldEveryFieldOfTheWantedKindOnly) {
    auto table = read(lines({record("run", {{"seed", 5}}), record("slice", {{"ops", 1}}),
                             record("slice", {{"ops", -2}}), record("hist", {{"count", 9}})}));
    EXPECT_EQ(table.rows, 2U);
    EXPECT_EQ(table.file.records, 4U);
    EXPECT_THAT(table.columns.at("ops").integers(), ElementsAre(1, -2));
    EXPECT_TRUE(table.columns.at("ops").present().empty());
    EXPECT_FALSE(table.columns.contains("seed"));
    EXPECT_FALSE(table.columns.contains("count"));
}

TEST(Columns, NameFieldsOfNestedObjectsWithDots) {
    auto table = read(lines({record("slice", {{"syscalls", {{"read", 3}, {"total", 7}}},
                                              {"perf", {{"cycles", {{"value", nullptr}}}}}})}));
    EXPECT_THAT(table.columns.at("syscalls.total").integers(), ElementsAre(7));
    EXPECT_EQ(table.columns.at("perf.cycles.value").kind(), column_kind::empty);
}

TEST(Columns, HoldOnlyTheFieldsThatAreAskedFor) {
    const test::scratch_folder folder;
    test::write_text(folder.file(),
                     lines({record("slice", {{"ops", 1},
                                             {"order", "17"},
                                             {"list", {1, 2}},
                                             {"syscalls", {{"read", 3}, {"total", 7}}}})}));
    const std::vector<std::string> wanted{"ops", "syscalls.total", "never"};
    auto table = read_columns(folder.file(), "slice", wanted);
    EXPECT_EQ(table.columns.size(), 2U);
    EXPECT_THAT(table.columns.at("ops").integers(), ElementsAre(1));
    EXPECT_THAT(table.columns.at("syscalls.total").integers(), ElementsAre(7));
}

TEST(Columns, MissingAndNullValuesAreMarkedNotZero) {
    auto table = read(lines({record("slice"), record("slice", {{"steal", 4}, {"who", "a"}}),
                             record("slice", {{"steal", nullptr}}),
                             record("slice", {{"steal", 0}, {"who", "a"}})}));
    EXPECT_THAT(table.columns.at("steal").present(), ElementsAre(0, 1, 0, 1));
    EXPECT_THAT(table.columns.at("steal").integers(), ElementsAre(0, 4, 0, 0));
    EXPECT_THAT(texts_by_row(table.columns.at("who")), ElementsAre("(none)", "a", "(none)", "a"));
}

TEST(Columns, IntegersBecomeRealsWhenARealComes) {
    auto table = read(lines({record("slice", {{"x", 1}}), record("slice"),
                             record("slice", {{"x", 2.5}}), record("slice", {{"x", 3}})}));
    const auto& reals = table.columns.at("x").reals();
    ASSERT_EQ(reals.size(), 4U);
    EXPECT_EQ(reals[0], 1.0);
    EXPECT_TRUE(std::isnan(reals[1]));
    EXPECT_EQ(reals[2], 2.5);
    EXPECT_EQ(reals[3], 3.0);
}

TEST(Columns, HoldListsOfIntegersEndToEnd) {
    auto table = read(lines({record("slice", {{"batches", {1, 2}}}), record("slice"),
                             record("slice", {{"batches", nlohmann::json::array()}}),
                             record("slice", {{"batches", {3}}})}));
    auto& batches = table.columns.at("batches");
    EXPECT_THAT(batches.list_values(), ElementsAre(1, 2, 3));
    EXPECT_THAT(batches.list_ends(), ElementsAre(2, 2, 2, 3));
    EXPECT_THAT(batches.present(), ElementsAre(1, 0, 1, 1));
}

TEST(Columns, SayThatAFieldIsMixedInsteadOfGuessing) {
    auto table = read(lines({record("slice", {{"odd", 1}, {"pairs", {{1, 2}, {3, 4}}}}),
                             record("slice", {{"odd", "one"}, {"pairs", {{1, 2}, {3, 4}}}}),
                             record("slice", {{"odd", 2}})}));
    EXPECT_EQ(table.columns.at("odd").kind(), column_kind::mixed);
    EXPECT_EQ(table.columns.at("pairs").kind(), column_kind::mixed);
}

TEST(Columns, DecodeEscapesAndKeepBooleans) {
    auto table = read(lines({record("slice", {{"text", "a\"\\\n\u00e4\u20ac"}, {"warmup", true}}),
                             record("slice", {{"text", "plain"}, {"warmup", false}})}));
    EXPECT_THAT(texts_by_row(table.columns.at("text")),
                ElementsAre("a\"\\\n\u00e4\u20ac", "plain"));
    EXPECT_EQ(table.columns.at("warmup").kind(), column_kind::boolean);
    EXPECT_THAT(table.columns.at("warmup").integers(), ElementsAre(1, 0));
}

TEST(Columns, RefuseANewerMajorVersion) {
    auto newer = record("slice");
    newer["schema_version"] = "2.0";
    EXPECT_THAT(message_of<data_error>([&] {
                    read(lines({record("slice"), newer}));
                }),
                HasSubstr(":2: schema_version 2.0 is newer"));
}

TEST(Columns, RefuseEveryTruncationAndStrayCharacter) {
    const auto whole =
        record("slice", {{"a", {1, 2.5, true, nullptr}}, {"b", {{"c", "d\\e"}}}}).dump();
    for (std::size_t length = 1; length < whole.size(); ++length)
        EXPECT_THROW(read(whole.substr(0, length) + "\n"), data_error) << whole.substr(0, length);
    for (const auto* bad : {"{\"a\":nan}", "{\"a\":inf}", "{\"a\":+1}", "{\"a\" 1}", "{\"a\":1,}",
                            "{\"a\":1}}", "{'a':1}", "{\"a\":tru}", "{\"a\":\"\t\"}", "{a:1}"})
        EXPECT_THAT(message_of<data_error>([&] { read(std::string{bad} + "\n"); }),
                    HasSubstr("not a JSON object"))
            << bad;
}

TEST(Columns, RefuseNestingThatWouldExhaustTheStack) {
    const std::string deep(100'000, '[');
    EXPECT_THROW(read("{\"a\":" + deep + "\n"), data_error);
    std::string objects;
    for (int i = 0; i < 50'000; ++i) objects += "{\"a\":";
    EXPECT_THROW(read(objects + "\n"), data_error);
}

/// Against the general parser, over random records with fields that come and go.
TEST(Columns, AgreeWithTheGeneralParserOnRandomRecords) {
    std::mt19937 random{7};
    std::string text;
    std::vector<nlohmann::json> expected;
    for (int row = 0; row < 500; ++row) {
        auto each = record("slice");
        for (int field = 0; field < 12; ++field) {
            const auto name = "f" + std::to_string(field);
            if (random() % 4 == 0) continue;
            if (field < 4)
                each[name] = static_cast<std::int64_t>(random()) - (1LL << 31);
            else if (field < 8)
                each[name] = std::ldexp(static_cast<double>(random()), -20) + 0.5;
            else
                each[name] = "t" + std::to_string(random() % 50) + std::string(random() % 3, '"');
        }
        text += each.dump() + "\n";
        expected.push_back(each);
    }
    auto table = read(text);
    ASSERT_EQ(table.rows, expected.size());
    for (auto& [name, held] : table.columns) {
        for (std::size_t row = 0; row < table.rows; ++row) {
            const bool here = expected[row].contains(name);
            ASSERT_EQ(held.present().empty() || held.present()[row] != 0, here);
            if (!here) continue;
            const auto& value = expected[row][name];
            if (held.kind() == column_kind::integer)
                ASSERT_EQ(held.integers()[row], value);
            else if (held.kind() == column_kind::real)
                ASSERT_EQ(held.reals()[row], value);
            else
                ASSERT_EQ(texts_by_row(held)[row], value);
        }
    }
}

}  // namespace
}  // namespace kevbench::results
