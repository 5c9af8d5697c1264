// SPDX-License-Identifier: MIT
//
// empty_wait: nothing is ready and the timeout is zero. The floor of a mechanism's wait, and how it
// depends on the number of registered descriptors. With the null mechanism, call=getppid and
// call=nop give two lines to read the others by: the cheapest system call, and an io_uring request
// that does nothing.
#include <fmt/format.h>
#include <liburing.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <optional>

#include "engine/common_parameters.hpp"
#include "engine/dispatch.hpp"
#include "engine/entry.hpp"
#include "engine/watch_table.hpp"
#include "kevbench/workload/error.hpp"

namespace kevbench::workload {

template <class A>
class empty_state : public watch_table<A> {
  public:
    using watch_table<A>::watch_table;
    void operator()(const adapter::event& /*delivered*/) noexcept { ++work.errors; }
    tally work;
};

template <class A>
[[gnu::noinline]] void kevbench_hot_empty_wait(empty_state<A>& state, std::uint64_t operations) {
    for (std::uint64_t left = operations; left != 0; --left) {
        const int delivered = state.mechanism.wait(0, state.batch, state);
        if (delivered < 0) [[unlikely]] {
            ++state.work.errors;
            continue;
        }
        state.work.count_wait(static_cast<std::uint32_t>(delivered));
    }
}

/// Number of calls that failed.
[[gnu::noinline]] std::uint64_t kevbench_hot_getppid(std::uint64_t operations) {
    std::uint64_t failed = 0;
    for (std::uint64_t left = operations; left != 0; --left) {
        failed += ::syscall(SYS_getppid) < 0 ? 1U : 0U;
    }
    return failed;
}

/// Number of requests that failed.
[[gnu::noinline]] std::uint64_t kevbench_hot_nop(io_uring& ring, std::uint64_t operations) {
    std::uint64_t failed = 0;
    for (std::uint64_t left = operations; left != 0; --left) {
        io_uring_prep_nop(io_uring_get_sqe(&ring));
        io_uring_cqe* done = nullptr;
        if (io_uring_submit_and_wait(&ring, 1) != 1 || io_uring_peek_cqe(&ring, &done) != 0) {
            ++failed;
            continue;
        }
        failed += done->res != 0 ? 1U : 0U;
        io_uring_cqe_seen(&ring, done);
    }
    return failed;
}

namespace {

template <class A>
class empty_cell final : public cell {
  public:
    empty_cell(const table_plan& plan, const typename A::variant_type& variant)
        : plan_(plan), variant_(variant) {}

    void setup() override { state_.emplace(plan_, variant_); }

    void run(std::uint64_t operations, observer* /*timing*/, tally& work) override {
        state_->work = tally{};
        kevbench_hot_empty_wait(*state_, operations);
        state_->work.operations = operations;
        work += state_->work;
        if (state_->work.errors != 0) {
            throw fault(fmt::format("{} of {} empty waits failed or delivered something",
                                    state_->work.errors, operations));
        }
    }

    void teardown() override { state_.reset(); }

  private:
    table_plan plan_;
    typename A::variant_type variant_;
    std::optional<empty_state<A>> state_;
};

void count_calls(std::uint64_t operations, std::uint64_t failed, tally& work) {
    work.operations += operations;
    work.waits += operations;
    work.batches[0] += operations;
    work.errors += failed;
    if (failed != 0) {
        throw fault(fmt::format("{} of {} calibration calls failed", failed, operations));
    }
}

class getppid_cell final : public cell {
  public:
    void setup() override {}
    void run(std::uint64_t operations, observer* /*timing*/, tally& work) override {
        count_calls(operations, kevbench_hot_getppid(operations), work);
    }
    void teardown() override {}
};

class nop_cell final : public cell {
  public:
    void setup() override {
        ring_ = std::make_unique<open_ring>();
        if (ring_->status != 0) {
            const int code = -ring_->status;
            ring_.reset();
            throw not_available(
                fmt::format("io_uring cannot be set up here: {}", std::strerror(code)));
        }
    }
    void run(std::uint64_t operations, observer* /*timing*/, tally& work) override {
        count_calls(operations, kevbench_hot_nop(ring_->ring, operations), work);
    }
    void teardown() override { ring_.reset(); }

  private:
    struct open_ring {
        open_ring() : status(io_uring_queue_init(4, &ring, 0)) {}
        open_ring(const open_ring&) = delete;
        open_ring& operator=(const open_ring&) = delete;
        ~open_ring() {
            if (status == 0) {
                io_uring_queue_exit(&ring);
            }
        }
        io_uring ring{};
        int status;
    };
    std::unique_ptr<open_ring> ring_;
};

workload_info describe() {
    parameter call;
    call.name = "call";
    call.initial_choice = "wait";
    call.choices = {"wait", "getppid", "nop"};
    call.help = "with mechanism null: getppid or an io_uring no-operation, as calibration lines";
    return {"empty_wait",
            "nothing ready, zero timeout: the floor of a wait against the number registered",
            "call",
            {registered_parameter(1000), source_parameter("eventfd"), call}};
}

std::unique_ptr<cell> make(std::string_view mechanism, std::string_view variant,
                           const parameters& values) {
    table_plan plan;
    plan.source = parse_source(values.choice("source"));
    plan.registered = static_cast<std::uint32_t>(values.number("registered"));
    plan.payload = effective_payload(plan.source, 1);
    const std::string& call = values.choice("call");
    return dispatch(
        mechanism, variant,
        [&]<class A, class>(const typename A::variant_type& chosen) -> std::unique_ptr<cell> {
            if (call == "wait") {
                require_descriptor_range(chosen.fixed, plan.registered);
                return std::make_unique<empty_cell<A>>(plan, chosen);
            }
            if constexpr (!synthetic_adapter<A>) {
                throw usage_error(fmt::format(
                    "call={} does not use a mechanism: choose mechanism null, or call=wait", call));
            }
            if (call == "getppid") {
                return std::make_unique<getppid_cell>();
            }
            return std::make_unique<nop_cell>();
        });
}

}  // namespace

const entry entries::empty_wait{describe, make};

}  // namespace kevbench::workload
