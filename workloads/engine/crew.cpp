// SPDX-License-Identifier: MIT
#include "engine/crew.hpp"

#include <errno.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "engine/choice_parameter.hpp"
#include "engine/common_parameters.hpp"

namespace kevbench::workload {

parameter crew_threads_parameter(std::int64_t initial, std::int64_t min) {
    parameter made;
    made.name = "threads";
    made.initial = initial;
    made.min = min;
    made.max = 64;
    made.help = "threads that wait";
    return made;
}

parameter crew_queue_parameter(std::string_view initial) {
    parameter made =
        choice_parameter("queue", {"shared", "private"},
                         "one queue for all threads, or one each; all watch the same descriptors");
    made.initial_choice = initial;
    return made;
}

parameter crew_pause_parameter() {
    parameter made;
    made.name = "interval";
    made.max = 1'000'000;
    made.help = "pause in microseconds before events are made";
    return made;
}

crew_plan make_crew_plan(const parameters& values) {
    constexpr std::int64_t message_bytes = 8;  // as an eventfd's, so that sources can be compared
    constexpr std::int64_t million = 1'000'000;
    crew_plan plan;
    plan.table.source = parse_source(values.choice("source"));
    plan.table.payload = effective_payload(plan.table.source, message_bytes);
    plan.threads = static_cast<std::uint32_t>(values.number("threads"));
    plan.shared = values.choice("queue") == "shared";
    plan.cpus = choose_placement(values.choice("placement"));
    const std::int64_t interval = values.number("interval");
    plan.pause = {interval / million, interval % million * 1000};
    return plan;
}

std::uint64_t sleeps_of_this_thread() noexcept {
    rusage used{};
    ::getrusage(RUSAGE_THREAD, &used);
    return static_cast<std::uint64_t>(used.ru_nvcsw);
}

void give_way() noexcept {
    constexpr int nice = 10;
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), nice);
}

crew_sources::crew_sources(const crew_plan& plan)
    : flows(plan.table.registered),
      channels_(plan.table.source, plan.table.registered, plan.table.payload) {
    for (std::uint32_t at = 0; at < plan.table.registered; ++at) {
        flows[at].fd = channels_.watched(at);
        flows[at].far = channels_.far(at);
    }
    for (std::uint32_t at = 0; at < (plan.shared ? 1 : plan.threads); ++at) {
        exits.emplace_back(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
        if (!exits.back().valid()) {
            throw fault(fmt::format("creating an eventfd: {}", std::strerror(errno)));
        }
    }
}

crew_maker::crew_maker(const crew_plan& planned, crew_sources& from, crew_exchange& with,
                       const companion& thread)
    : plan(planned),
      sources(from),
      exchange(with),
      host(thread),
      content(planned.table.payload),
      turns(seeded_permutation(planned.table.registered)) {}

bool crew_maker::await(baton& sleeper, std::uint32_t seen) {
    // A sleep without a limit would be taken up again after the watchdog's signal.
    constexpr std::chrono::seconds limit{1};
    while (!sleeper.await_for(seen, limit)) {
        if (host.stopping()) {
            return false;
        }
        guard.examine_progress(exchange.taken.load());
    }
    return !host.stopping() && !exchange.broken;
}

[[gnu::noinline]] bool kevbench_hot_crew_make(crew_maker& maker, std::uint64_t operations) {
    const bool pauses = maker.plan.pause.tv_sec != 0 || maker.plan.pause.tv_nsec != 0;
    const bool sockets = is_socket(maker.plan.table.source);
    maker.guard.restart();
    for (std::uint64_t made = 0; made < operations;) {
        const std::uint64_t goal = std::min<std::uint64_t>(made + maker.plan.active, operations);
        const std::uint32_t seen = maker.exchange.reached.value();
        if (pauses) {
            ::clock_nanosleep(CLOCK_MONOTONIC, 0, &maker.plan.pause, nullptr);
        }
        maker.exchange.goal = goal;
        for (; made < goal; ++made) {
            const int far = maker.sources.flows[maker.turns[maker.turn]].far;
            maker.turn = maker.turn + 1 == maker.turns.size() ? 0 : maker.turn + 1;
            const std::byte* const bytes = maker.content.stamp(made);
            const auto size = static_cast<ssize_t>(maker.content.size());
            const ssize_t written = sockets ? ::send(far, bytes, maker.content.size(), MSG_NOSIGNAL)
                                            : ::write(far, bytes, maker.content.size());
            if (written != size) {
                throw fault("an event could not be made, so the run is void");
            }
        }
        if (!maker.await(maker.exchange.reached, seen)) {
            return false;
        }
    }
    return true;
}

}  // namespace kevbench::workload
