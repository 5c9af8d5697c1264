// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "engine/kernel_memory.hpp"
#include "kevbench/workload/catalogue.hpp"

namespace kevbench::workload {
namespace {

using testing::HasSubstr;

TEST(Slabinfo, IsReadByCache) {
    const slab_caches caches = parse_slabinfo(
        "slabinfo - version: 2.1\n"
        "# name            <active_objs> <num_objs> <objsize> <objperslab>\n"
        "eventpoll_epi        224    256    128   32    1 : tunables    0    0    0\n"
        "kmalloc-64          1000   1024     64   64    1 : tunables    0    0    0\n");
    ASSERT_EQ(caches.size(), 2U);
    EXPECT_EQ(caches.at("eventpoll_epi").objects, 224);
    EXPECT_EQ(caches.at("eventpoll_epi").object_size, 128);
}

TEST(Slabinfo, CountsWholeObjectsPerWatchAndIgnoresTheNoiseOfOthers) {
    const slab_caches before{{"epi", {100, 128}}, {"dentry", {50'000, 192}}, {"gone", {9000, 32}}};
    const slab_caches after{{"epi", {9'950, 128}},       // a few came from free objects
                            {"pwq", {20'100, 72}},       // two each
                            {"dentry", {53'000, 192}}};  // somebody compiles
    EXPECT_DOUBLE_EQ(slab_bytes_per_watch(before, after, 10'000), 128 + 2 * 72);
}

double measured_bytes(const char* mechanism, const char* variant) {
    const workload_info& info = find_workload("footprint");
    parameters values{info.parameters};
    values.set("registered", "4000");
    const auto made = make_cell(info, mechanism, variant, values);
    made->setup();
    const double bytes = made->kernel_bytes_per_watch();
    EXPECT_THAT(made->memory_note(), HasSubstr("growth"));
    made->teardown();
    return bytes;
}

TEST(Footprint, FindsTheKernelsObjectsBehindAnEpollWatchAndNoneBehindPoll) {
    if (!kernel_memory_meter{}.usable()) {
        GTEST_SKIP() << kernel_memory_meter{}.how();
    }
    // An epitem and a wait-queue entry are 192 bytes and more on every 64-bit kernel.
    const double epoll = measured_bytes("epoll", "lt");
    EXPECT_GE(epoll, 150);
    EXPECT_LE(epoll, 1000);
    const double poll = measured_bytes("poll", "poll");
    EXPECT_GE(poll, 0);
    EXPECT_LE(poll, 40);
}

TEST(Footprint, SaysWhyItIsNotMeasuredWithFewWatches) {
    const workload_info& info = find_workload("footprint");
    parameters values{info.parameters};
    values.set("registered", "10");
    const auto made = make_cell(info, "epoll", "lt", values);
    made->setup();
    EXPECT_LT(made->kernel_bytes_per_watch(), 0);
    EXPECT_THAT(made->memory_note(), HasSubstr("registered=1000"));
    made->teardown();
}

}  // namespace
}  // namespace kevbench::workload
