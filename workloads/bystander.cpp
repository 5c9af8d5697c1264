// SPDX-License-Identifier: MIT
//
// bystander: input and output, and signals, that nobody watches, in a process whose mechanism
// watches other things: what is paid by those who do not use it. A mechanism that hooks into the
// kernel may charge them; one that hangs in wait queues of its own descriptors cannot.
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <optional>

#include "engine/choice_parameter.hpp"
#include "engine/common_parameters.hpp"
#include "engine/dispatch.hpp"
#include "engine/entry.hpp"
#include "engine/flow.hpp"
#include "engine/signals.hpp"
#include "engine/watch_table.hpp"

namespace kevbench::workload {

/// One thing that happens and is taken again, by the calling thread.
class unwatched {
  public:
    virtual ~unwatched() = default;
    /// False when it failed. Adds to `done`.
    virtual bool repeat(std::uint64_t operations, tally& done) = 0;
};

/// A message of 8 bytes through a channel.
class unwatched_channel final : public unwatched {
  public:
    unwatched_channel(source_kind kind, bool as_files)
        : channel_(kind, 1, bytes), content_(bytes), counter_(bytes) {
        stream_.fd = channel_.watched(0);
        stream_.far = channel_.far(0);
        stream_.socket = is_socket(kind) && !as_files;
    }
    bool repeat(std::uint64_t operations, tally& done) override;

  private:
    static constexpr std::uint32_t bytes = 8;

    channel_set channel_;
    message content_;
    message_counter<true> counter_;
    flow stream_;
};

/// A signal to the own process, blocked and fetched with its value.
class unwatched_signal final : public unwatched {
  public:
    bool repeat(std::uint64_t operations, tally& done) override;

  private:
    signal_claim claim_{realtime_signal(), signal_fate::blocked};
};

[[gnu::noinline]] bool kevbench_hot_unwatched_channel(flow& stream, message& content,
                                                      message_counter<true>& counter,
                                                      std::uint64_t operations) {
    for (std::uint64_t number = 0; number < operations; ++number) {
        std::uint64_t received = 0;
        const std::byte* const bytes = content.stamp(number);
        const ssize_t sent = stream.socket ? ::send(stream.far, bytes, content.size(), MSG_NOSIGNAL)
                                           : ::write(stream.far, bytes, content.size());
        const ssize_t got = stream.socket ? ::recv(stream.fd, &received, sizeof received, 0)
                                          : ::read(stream.fd, &received, sizeof received);
        if (sent != sizeof received || got != sizeof received) [[unlikely]] {
            return false;
        }
        counter.take(stream, reinterpret_cast<const std::byte*>(&received), sizeof received);
    }
    return true;
}

bool unwatched_channel::repeat(std::uint64_t operations, tally& done) {
    counter_.begin_run();
    const bool whole = kevbench_hot_unwatched_channel(stream_, content_, counter_, operations);
    counter_.report(done);
    return whole;
}

/// Values of the signals that came, added up; negative when one did not.
[[gnu::noinline]] std::int64_t kevbench_hot_unwatched_signal(int number, std::uint64_t operations) {
    std::int64_t sum = 0;
    sigset_t mine;
    sigemptyset(&mine);
    sigaddset(&mine, number);
    constexpr timespec at_once{0, 0};
    for (std::uint64_t sent = 0; sent < operations; ++sent) {
        siginfo_t came{};
        const auto value = static_cast<int>(sent & 0xFFFFU);
        if (!send_signal(number, value) || ::sigtimedwait(&mine, &came, &at_once) != number ||
            came.si_value.sival_int != value) [[unlikely]] {
            return -1;
        }
        sum += value;
    }
    return sum;
}

bool unwatched_signal::repeat(std::uint64_t operations, tally& done) {
    const std::int64_t sum = kevbench_hot_unwatched_signal(claim_.number(), operations);
    done.messages += operations;
    done.order += static_cast<std::uint64_t>(sum);
    return sum >= 0;
}

namespace {

struct bystander_plan {
    table_plan others;
    std::string own;
    bool as_files = false;
};

template <class A>
class bystander_cell final : public cell {
  public:
    bystander_cell(bystander_plan plan, const typename A::variant_type& variant)
        : plan_(std::move(plan)), variant_(variant) {}

    void setup() override {
        others_.emplace(plan_.others, variant_);
        if (plan_.own == "signal") {
            own_ = std::make_unique<unwatched_signal>();
        } else {
            own_ = std::make_unique<unwatched_channel>(parse_source(plan_.own), plan_.as_files);
        }
    }
    void run(std::uint64_t operations, observer* /*timing*/, tally& work) override {
        work.operations += operations;
        if (!own_->repeat(operations, work)) {
            throw fault("an operation that nobody watches failed, so the run is void");
        }
    }
    void teardown() override {
        own_.reset();
        others_.reset();
    }

  private:
    bystander_plan plan_;
    typename A::variant_type variant_;
    std::optional<watch_table<A>> others_;
    std::unique_ptr<unwatched> own_;
};

workload_info describe() {
    return {
        "bystander",
        "what nobody watches, beside a queue that watches others: cost to those who do not use it",
        "operation",
        {choice_parameter("source", {"unix", "tcp", "pipe", "eventfd", "signal"},
                          "what happens and is taken: a message of 8 bytes, or a signal"),
         choice_parameter("call", {"send", "write"},
                          "sockets by send and recv, or by write and read as all files"),
         choice_parameter("others", {"same", "eventfd", "pipe", "unix", "tcp"},
                          "what is watched; same: as source, with signals eventfds"),
         registered_parameter(100),
         choice_parameter("module", {"any", "absent", "loaded"},
                          "whether kevent.ko must, or must not, be in the kernel")}};
}

/// Throws not_available when the kernel has the module against the parameter, or lacks it.
void require_module(const std::string& wanted) {
    const bool loaded = ::access("/sys/module/kevent", F_OK) == 0;
    if (wanted == "loaded" && !loaded) {
        throw not_available(
            "not applicable: kevent.ko is not loaded: measure with --where guest, or use "
            "module=any");
    }
    if (wanted == "absent" && loaded) {
        throw not_available("not applicable: kevent.ko is loaded; use module=loaded or any");
    }
}

std::unique_ptr<cell> make(std::string_view mechanism, std::string_view variant,
                           const parameters& values) {
    bystander_plan plan;
    plan.own = values.choice("source");
    plan.as_files = values.choice("call") == "write";
    std::string others = values.choice("others");
    if (others == "same") {
        others = plan.own == "signal" ? "eventfd" : plan.own;
    }
    plan.others.source = parse_source(others);
    plan.others.registered = static_cast<std::uint32_t>(values.number("registered"));
    plan.others.payload = effective_payload(plan.others.source, 1);
    require_module(values.choice("module"));
    return dispatch_or_bare(
        mechanism, variant,
        [&]<class A, class>(const typename A::variant_type& chosen) -> std::unique_ptr<cell> {
            require_descriptor_range(chosen.fixed, plan.others.registered);
            return std::make_unique<bystander_cell<A>>(std::move(plan), chosen);
        });
}

}  // namespace

const entry entries::bystander{describe, make};

}  // namespace kevbench::workload
