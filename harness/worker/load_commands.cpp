// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "kevbench/harness/load_recorder.hpp"
#include "kevbench/harness/percentile_text.hpp"
#include "kevbench/workload/error.hpp"

namespace kevbench::worker {
namespace {

void add_target(CLI::App* command, std::string& address, std::uint16_t& port,
                std::vector<std::string>& sources) {
    command->add_option("--address", address, "IPv4 address of the server")->capture_default_str();
    command->add_option("--port", port, "of the server")->required()->check(CLI::Range(1, 65'535));
    command
        ->add_option("--source", sources,
                     "an address to come from, such as 127.0.0.2; may be repeated")
        ->allow_extra_args(false);
}

void write_percentiles(const std::string& path, const harness::histogram& values) {
    std::ofstream file(path);
    file << harness::percentile_text(values);
    if (!file.flush())
        throw workload::usage_error(fmt::format("cannot write {}: choose another --hdr", path));
}

}  // namespace

CLI::App* add_load_command(CLI::App& app, load_arguments& arguments) {
    auto& options = arguments.options;
    auto* command = app.add_subcommand(
        "httpload", "offer an HTTP server requests at planned times; prints one JSON document");
    add_target(command, options.address, options.port, options.sources);
    command->add_option("--rate", options.rate, "requests per second")->capture_default_str();
    command->add_option("--duration", options.duration, "seconds of sending")
        ->capture_default_str();
    command->add_option("--arrivals", arguments.arrivals, "how requests follow each other")
        ->check(CLI::IsMember({"poisson", "fixed"}))
        ->capture_default_str();
    command->add_option("--burst", options.burst, "requests that come at the same time")
        ->capture_default_str();
    command->add_option("--seed", options.seed, "of the plan of sends")->capture_default_str();
    command->add_option("--connections", options.connections, "open at once, at most")
        ->capture_default_str();
    command->add_option("--requests", options.requests, "requests on each connection")
        ->capture_default_str();
    command->add_option("--timeout", options.timeout, "seconds a request may take")
        ->capture_default_str();
    command->add_option("--hdr", arguments.hdr,
                        "file for the latency distribution in HdrHistogram's text form");
    return command;
}

void load_command(load_arguments arguments) {
    arguments.options.poisson = arguments.arrivals == "poisson";
    const harness::usage_meter meter;
    const auto before = meter.before();
    harness::load_recorder recorder;
    const auto outcome = workload::generate_load(arguments.options, recorder);
    const auto used = meter.after() - before;
    if (!arguments.hdr.empty()) write_percentiles(arguments.hdr, recorder.corrected);
    std::cout << harness::load_document(arguments.options, outcome, recorder, used).dump() << "\n";
}

CLI::App* add_idle_command(CLI::App& app, workload::idle_options& options) {
    auto* command = app.add_subcommand(
        "httpidle",
        "hold silent connections to an HTTP server open until SIGTERM; prints JSON "
        "once all stand, and at the end");
    add_target(command, options.address, options.port, options.sources);
    command->add_option("--connections", options.connections, "to hold")->required();
    command->add_option("--duration", options.duration, "seconds, at most")->capture_default_str();
    return command;
}

}  // namespace kevbench::worker
