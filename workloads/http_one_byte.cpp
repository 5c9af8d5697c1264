// SPDX-License-Identifier: MIT
//
// http_one_byte: a body of one byte, one request a connection, loaded from outside the process by
// httperf. What stresses an event mechanism most: everything but notification, registration and
// accepting is as small as it gets. The server is http/server.hpp; `kevbench-worker http` runs it,
// and the controller starts the load, so there is no cell to run by slices.
#include "engine/common_parameters.hpp"
#include "engine/entry.hpp"
#include "kevbench/workload/error.hpp"

namespace kevbench::workload {
namespace {

workload_info describe() {
    parameter rate;
    rate.name = "rate";
    rate.initial = 1000;
    rate.min = 1;
    rate.max = 100'000;
    rate.help = "connections per second that httperf opens, one request on each";
    parameter connections;
    connections.name = "connections";
    connections.initial = 512;  // select can have that many too
    connections.min = 1;
    connections.max = 100'000;
    connections.help = "connections the server holds open at once, at most";
    return {"http_one_byte",
            "an HTTP server with a one-byte body, a connection a request, loaded by httperf",
            "request",
            {rate, connections, batch_parameter(64)},
            false,
            true};
}

std::unique_ptr<cell> make(std::string_view /*mechanism*/, std::string_view /*variant*/,
                           const parameters& /*values*/) {
    throw usage_error(
        "http_one_byte is loaded from outside and has no slices: use 'kevbench run', or "
        "'kevbench-worker http' with a load generator of your own");
}

}  // namespace

const entry entries::http_one_byte{describe, make};

}  // namespace kevbench::workload
