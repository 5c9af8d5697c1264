// SPDX-License-Identifier: MIT
//
// kevent_2006: the web server that the claim of 2006 is about (3380 requests a second on kevent,
// 2200 to 2500 on epoll), served by http/server.hpp on every mechanism and loaded from outside. One
// static reply of 2.67 KiB with its head, which is what 10582.7 KB/s divided by 3960 requests/s
// makes; one request a connection unless asked otherwise. What the mails do not say is a parameter:
// the style of the epoll server, how it accepts, how many connections stay open, how many are idle.
#include "engine/choice_parameter.hpp"
#include "engine/common_parameters.hpp"
#include "engine/entry.hpp"
#include "kevbench/workload/error.hpp"

namespace kevbench::workload {
namespace {

parameter number(std::string name, std::int64_t initial, std::int64_t min, std::int64_t max,
                 std::string help) {
    parameter made;
    made.name = std::move(name);
    made.initial = initial;
    made.min = min;
    made.max = max;
    made.help = std::move(help);
    return made;
}

workload_info describe() {
    return {"kevent_2006",
            "the web server of the 2006 claim, loaded at planned times by our own generator",
            "request",
            {number("rate", 2000, 1, 1'000'000, "requests per second that are offered"),
             number("burst", 1, 1, 65'535, "requests that come at the same time, at that rate"),
             number("requests", 1, 1, 1'000'000, "requests on each connection"),
             number("connections", 1000, 1, 100'000, "open at once, at most"),
             number("idle", 0, 0, 100'000, "silent connections held open besides"),
             number("reply", 2737, 128, 16 << 20, "bytes of a whole reply that closes"),
             choice_parameter(
                 "style", {"plain", "naive", "optimistic"},
                 "plain: registered once; naive: interest follows every state; optimistic: read "
                 "before registering"),
             choice_parameter("accept", {"all", "one"}, "connections accepted an event"),
             number("watch_limit", 0, 0, 1 << 20,
                    "registrations that the server may have, 4096 in 2006; 0 = no limit"),
             number("backlog", 1024, 1, 65'535, "connections that wait to be accepted, at most"),
             batch_parameter(64)},
            false,
            true};
}

std::unique_ptr<cell> make(std::string_view /*mechanism*/, std::string_view /*variant*/,
                           const parameters& /*values*/) {
    throw usage_error(
        "kevent_2006 is loaded from outside and has no slices: use 'kevbench run', or "
        "'kevbench-worker http' with 'kevbench-worker httpload'");
}

}  // namespace

const entry entries::kevent_2006{describe, make};

}  // namespace kevbench::workload
