// SPDX-License-Identifier: MIT
//
// The requests of `kevbench-worker batch`: a plan of cells that is carried out without a controller
// beside it, for guests. Every request is one line of JSON and gets one line of JSON as its answer.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace kevbench::worker {

/// Opens one cell, runs it `batches` times and closes it. Fields of the request: workload,
/// mechanism, variant, params; granule (operations of one full round); least_ns (how long a batch
/// should last at least); batches; counters (count system calls as well, where tracefs is); slices
/// (answer every batch whole, not only its times).
///
/// The answer holds what `open` of the worker's protocol answers, and "check" (a slice of one
/// granule, the same number of operations on every mechanism), "ops" of a batch, "wall_ns",
/// "cpu_ns" and "load_cpu_ns" of every batch, and "slices", "syscalls" or "syscalls_reason" where
/// asked for. Throws what session does.
[[nodiscard]] nlohmann::json batch_cell(const nlohmann::json& request);

/// Starts the HTTP server in a process of its own, sends it requests from this one, and reads the
/// server's CPU time. Fields: mechanism, variant, connections, in_flight (requests sent before the
/// first reply is awaited), keep_alive, batch, requests (of a batch), batches.
///
/// The answer holds "ops", and for every batch "cpu_ns" of the server and "wall_ns" and
/// "client_cpu_ns"; "server" is what the server printed when it ended. Throws fault, and what the
/// server refused as not_available.
[[nodiscard]] nlohmann::json batch_http(const nlohmann::json& request);

}  // namespace kevbench::worker
