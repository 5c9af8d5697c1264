// SPDX-License-Identifier: MIT
#include "fixture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <new>
#include <ostream>
#include <utility>

#include "kevbench/adapter/plugin_loader.hpp"

namespace kevbench::adapter::conformance {
namespace {

constexpr std::align_val_t page{4096};

/// Every variant, and those of the library named in the environment. Loaded here because
/// GoogleTest asks for the parameters before main() could load anything.
std::vector<listing> listings() {
    static const bool loaded = [] {
        if (const char* const path = std::getenv("KEVBENCH_CONFORMANCE_PLUGIN")) {
            load_plugin(path);
        }
        return true;
    }();
    static_cast<void>(loaded);
    return list_variants();
}

template <class Predicate>
std::vector<listing> select_variants(Predicate wanted) {
    const std::vector<listing> known = listings();
    std::vector<listing> chosen;
    std::copy_if(known.begin(), known.end(), std::back_inserter(chosen), [&](const listing& row) {
        return (row.fixed.capabilities & caps::synthetic) == 0 && wanted(row.fixed);
    });
    return chosen;
}

bool is_completion(const traits& fixed) {
    return (fixed.capabilities & caps::completion) != 0;
}

}  // namespace

bool is_blocked(pid_t thread) {
    std::ifstream status{fmt::format("/proc/self/task/{}/stat", thread)};
    std::string text;
    std::getline(status, text);
    const std::size_t name_end = text.rfind(')');
    return name_end != std::string::npos && text.size() > name_end + 2 && text[name_end + 2] == 'S';
}

buffer_pool::buffer_pool(std::uint32_t count, std::uint32_t size)
    : count_(count),
      size_(size),
      memory_(static_cast<std::byte*>(::operator new[](std::size_t{count} * size, page))) {}

void buffer_pool::release::operator()(std::byte* memory) const {
    ::operator delete[](memory, page);
}

void ConformanceTest::SetUp() {
    if (!GetParam().state.available) {
        GTEST_SKIP() << GetParam().state.reason;
    }
    adapter_ = make_subject(fixed().mechanism, fixed().variant);
}

bool ConformanceTest::tells_errors() const {
    const bool types_of_2006 =
        fixed().mechanism == "kevent" && fixed().variant.find("poll") == std::string_view::npos;
    return !completes() && fixed().mechanism != "select" && !types_of_2006;
}

void ConformanceTest::open(config settings) {
    if (settings.buffers.base == nullptr) {
        pool_ = std::make_unique<buffer_pool>(64, 4096);
        settings.buffers = pool_->set();
    }
    ASSERT_EQ(adapter_->open(settings), 0);
}

int ConformanceTest::collect(std::int64_t timeout, std::uint32_t max) {
    return adapter_->wait(timeout, max, [this](const event& delivered) {
        std::string data;
        if (delivered.data != nullptr) {
            data.assign(reinterpret_cast<const char*>(delivered.data),
                        static_cast<std::size_t>(delivered.result));
        }
        deliveries.push_back({delivered.target, delivered.bits, delivered.result, std::move(data)});
    });
}

bool ConformanceTest::await(const std::function<bool()>& done, const event_sink& sink,
                            std::uint32_t max) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!done()) {
        const int status = adapter_->wait(20 * millisecond, max, sink);
        if (status < 0) {
            ADD_FAILURE() << "wait() answered " << status;
            return false;
        }
        if (std::chrono::steady_clock::now() > deadline) {
            return done();
        }
    }
    return true;
}

bool ConformanceTest::await_deliveries(std::size_t count, std::uint32_t max) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (deliveries.size() < count && std::chrono::steady_clock::now() < deadline) {
        if (const int status = collect(20 * millisecond, max); status < 0) {
            ADD_FAILURE() << "wait() answered " << status;
            return false;
        }
    }
    return deliveries.size() >= count;
}

void ConformanceTest::settle() {
    // Two rounds: a kernel thread may take new registrations before it handles wake-ups.
    for (int round = 0; round < 2; ++round) {
        const channel marker{source::eventfd};
        watch mark = marker.make_watch();
        ASSERT_EQ(adapter_->add(mark), 0);
        marker.fire();
        const auto arrived = [&] { return deliveries_to(mark) != 0; };
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (!arrived() && std::chrono::steady_clock::now() < deadline) {
            ASSERT_GE(collect(20 * millisecond), 0);
        }
        ASSERT_TRUE(arrived()) << "an event triggered later never came";
        ASSERT_EQ(adapter_->remove(mark), 0);
        std::erase_if(deliveries, [&](const delivery& one) { return one.target == &mark; });
    }
}

void ConformanceTest::consume(const event& delivered, std::string& received) {
    watch& target = *delivered.target;
    if (completes()) {
        if (delivered.result < 0) {
            error = -delivered.result;
        } else if ((delivered.bits & bits::received) != 0) {
            ended = ended || delivered.result == 0;
            received.append(reinterpret_cast<const char*>(delivered.data),
                            static_cast<std::size_t>(delivered.result));
        }
        return;
    }
    std::array<std::byte, 4096> block{};
    bool again = true;
    while (again) {
        const submission read =
            adapter_->submit({op_kind::receive, &target, block.data(), block.size()});
        ASSERT_EQ(read.outcome, verdict::done);
        if (read.result > 0) {
            received.append(reinterpret_cast<const char*>(block.data()),
                            static_cast<std::size_t>(read.result));
        } else if (read.result == 0) {
            ended = true;
        } else if (read.result != -EAGAIN) {
            error = -read.result;
        }
        again = read.result > 0 && fixed().mode == trigger::edge;
    }
    if (fixed().mode == trigger::one_shot) {
        ASSERT_EQ(adapter_->modify(target), 0);
    }
}

std::int64_t ConformanceTest::send_all(watch& target, std::string& bytes) {
    const submission first = adapter_->submit(
        {op_kind::send, &target, reinterpret_cast<std::byte*>(bytes.data()), bytes.size()});
    if (first.outcome == verdict::done) {
        return first.result;
    }
    EXPECT_EQ(first.outcome, verdict::queued);
    std::int64_t moved = -1;
    bool finished = false;
    const bool in_time = await(
        [&] { return finished; },
        [&](const event& delivered) {
            if ((delivered.bits & bits::sent) != 0) {
                EXPECT_EQ(delivered.target, &target);
                moved = delivered.result;
                finished = true;
            } else {
                deliveries.push_back({delivered.target, delivered.bits, delivered.result, {}});
            }
        });
    EXPECT_TRUE(in_time);
    return moved;
}

std::size_t ConformanceTest::deliveries_to(const watch& target) const {
    return static_cast<std::size_t>(
        std::count_if(deliveries.begin(), deliveries.end(),
                      [&](const delivery& one) { return one.target == &target; }));
}

std::vector<listing> all_variants() {
    return select_variants([](const traits&) { return true; });
}

std::vector<listing> readiness_variants() {
    return select_variants([](const traits& fixed) { return !is_completion(fixed); });
}

std::vector<listing> readiness_variants(trigger mode) {
    return select_variants(
        [mode](const traits& fixed) { return !is_completion(fixed) && fixed.mode == mode; });
}

std::vector<listing> completion_variants() {
    return select_variants(is_completion);
}

std::string test_name(const ::testing::TestParamInfo<listing>& info) {
    std::string name{info.param.fixed.mechanism};
    name += '_';
    name += info.param.fixed.variant;
    std::replace_if(
        name.begin(), name.end(),
        [](char letter) { return std::isalnum(static_cast<unsigned char>(letter)) == 0; }, '_');
    return name;
}

}  // namespace kevbench::adapter::conformance

namespace kevbench::adapter {

void PrintTo(const listing& row, std::ostream* out) {
    *out << row.fixed.mechanism << '/' << row.fixed.variant;
}

}  // namespace kevbench::adapter
