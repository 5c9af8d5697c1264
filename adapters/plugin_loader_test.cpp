// SPDX-License-Identifier: MIT
#include "kevbench/adapter/plugin_loader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "kevbench/adapter/registry.hpp"

namespace kevbench::adapter {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// In the order of testdata/broken_plugin.c.
enum fault : int {
    sound,
    no_entry,
    no_table,
    wrong_abi,
    wrong_size,
    no_wait,
    no_submit,
    bad_name,
    duplicate,
    no_variants,
    twin_variants,
};

std::string library(fault kind) {
    return std::string{KVB_BROKEN_PLUGINS} + "/libkvb_broken_plugin_" + std::to_string(kind) +
           ".so";
}

std::string refusal(const std::string& path) {
    try {
        load_plugin(path);
    } catch (const plugin_error& error) {
        return error.what();
    }
    return "accepted";
}

auto one_line_with(std::string_view text) {
    return AllOf(HasSubstr(std::string{text}), Not(HasSubstr("\n")));
}

TEST(PluginLoader, MissingFile) {
    EXPECT_THAT(refusal("/nonexistent/adapter.so"),
                one_line_with("/nonexistent/adapter.so: no such file"));
}

TEST(PluginLoader, FileThatIsNoLibrary) {
    EXPECT_THAT(refusal(KVB_NO_LIBRARY), one_line_with("not a loadable library"));
}

TEST(PluginLoader, MissingSymbol) {
    EXPECT_THAT(refusal(library(no_entry)), one_line_with("symbol kvb_plugin_entry missing"));
}

TEST(PluginLoader, NoTable) {
    EXPECT_THAT(refusal(library(no_table)), one_line_with("returned no table"));
}

TEST(PluginLoader, WrongAbiNumberSaysExpectedAndGot) {
    EXPECT_THAT(refusal(library(wrong_abi)), one_line_with("wrong ABI number: expected 1, got 42"));
}

TEST(PluginLoader, WrongStructSizeNamesTheStruct) {
    EXPECT_THAT(refusal(library(wrong_size)),
                one_line_with("wrong size of struct kvb_watch: expected 16, got 24"));
}

TEST(PluginLoader, MissingHookIsNamed) {
    EXPECT_THAT(refusal(library(no_wait)), one_line_with("required hook wait missing"));
}

TEST(PluginLoader, CompletionsNeedSubmit) {
    EXPECT_THAT(refusal(library(no_submit)), one_line_with("required hook submit missing"));
}

TEST(PluginLoader, BadName) {
    EXPECT_THAT(refusal(library(bad_name)), one_line_with("variant 0 has no valid name"));
}

TEST(PluginLoader, NameOfABuiltinVariant) {
    EXPECT_THAT(refusal(library(duplicate)), one_line_with("epoll/lt exists already"));
}

TEST(PluginLoader, NoVariants) {
    EXPECT_THAT(refusal(library(no_variants)), one_line_with("no variants"));
}

TEST(PluginLoader, TwoVariantsOfOneName) {
    EXPECT_THAT(refusal(library(twin_variants)), one_line_with("test/only exists already"));
}

TEST(PluginLoader, SoundOneIsListedWithItsReasonAndOnlyOnce) {
    const std::size_t before = list_variants().size();
    load_plugin(library(sound));
    const std::vector<listing> rows = list_variants();
    ASSERT_EQ(rows.size(), before + 1);
    EXPECT_EQ(rows.back().fixed.mechanism, "test");
    EXPECT_FALSE(rows.back().state.available);
    EXPECT_EQ(rows.back().state.reason, "variant 0 is only a test");
    EXPECT_TRUE(visit_variant("test", "only", [](auto, const auto&) { return true; }));
    EXPECT_THAT(refusal(library(sound)), one_line_with("test/only exists already"));
}

}  // namespace
}  // namespace kevbench::adapter
