// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <signal.h>

#include <ostream>

#include "engine/dispatch.hpp"
#include "engine/source.hpp"
#include "http/counters.hpp"
#include "http/server.hpp"
#include "http/stop_signal.hpp"
#include "http/sweep.hpp"
#include "kevbench/workload/error.hpp"
#include "kevbench/workload/http_server.hpp"
#include "net/listener.hpp"

namespace kevbench::workload {
namespace {

void announce_line(std::ostream& announce, const std::string& line) {
    announce << line << '\n' << std::flush;
}

template <class A, class Policy>
int serve_with(const http_options& options, const typename A::variant_type& variant,
               std::ostream& announce) {
    const adapter::availability state = A::probe(variant);
    if (!state.available) {
        throw not_available(state.reason);
    }
    if (Policy::completes && (options.style != http_style::plain || !options.accept_all)) {
        throw not_available(
            "not applicable: style and accept are choices of readiness; completion delivers data "
            "and connections by itself");
    }
    require_descriptor_range(variant.fixed, std::uint64_t{options.connections} + 2, "connections");
    const net::listener listener = net::listen_on(options.address, options.port, options.backlog);
    const http::stop_signal stop;
    http::server<A, Policy> server(options, variant, listener.socket.get(), stop.fd());
    announce_line(announce, http::listening_line(options, listener.port));
    const http::usage_meter meter;
    server.run();
    announce_line(announce, http::counters_line(server.done(), meter.since_start()));
    return 0;
}

}  // namespace

int serve_http(const http_options& options, std::ostream& announce) {
    require_descriptors(options.connections, fmt::format("connections={}", options.connections));
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignore, nullptr);
    if (options.mechanism == "null") {
        return serve_with<http::sweep_adapter, read_once>(
            options, http::sweep_adapter::variants().front(), announce);
    }
    return dispatch_to<int>(
        options.mechanism, options.variant,
        [&]<class A, class Policy>(const typename A::variant_type& variant) -> int {
            if constexpr (synthetic_adapter<A>) {
                throw not_available("the null adapter has no sockets; mechanism null serves");
            } else {
                return serve_with<A, Policy>(options, variant, announce);
            }
        });
}

}  // namespace kevbench::workload
