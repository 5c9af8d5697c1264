// SPDX-License-Identifier: MIT
//
// kevbench-worker: measures cells on behalf of a controller, or one cell for a person.
#include <fmt/format.h>
#include <sys/prctl.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "commands.hpp"
#include "kevbench/adapter/plugin_loader.hpp"
#include "kevbench/harness/documents.hpp"
#include "kevbench/workload/error.hpp"
#include "kevbench/workload/http_server.hpp"
#include "serve.hpp"

namespace kevbench::worker {
namespace {

// Exit statuses of design: 0 ok, 2 void run, 4 usage or environment.
constexpr int status_fault = 2;
constexpr int status_usage = 4;

CLI::App* add_cell_command(CLI::App& app, const char* name, const char* help,
                           cell_arguments& cell) {
    auto* command = app.add_subcommand(name, help);
    command->add_option("workload", cell.workload, "workload, as 'list' names it")->required();
    command->add_option("mechanism", cell.mechanism, "mechanism and variant, as epoll+et")
        ->required();
    command->add_option("--param", cell.params, "a parameter, as registered=1000; may be repeated")
        ->allow_extra_args(false);
    return command;
}

/// Whatever looks mechanisms up by name can have further ones.
void add_plugin_option(CLI::App* command, std::vector<std::string>& paths) {
    command->add_option("--plugin", paths, "an adapter to load; may be repeated")
        ->type_name("FILE")
        ->allow_extra_args(false);
}

int serve_http(const std::vector<std::string>& words) {
    const std::vector<std::string_view> options(words.begin(), words.end());
    return workload::serve_http(workload::parse_http_options(options), std::cout);
}

void print_document(const nlohmann::ordered_json& document) {
    std::cout << document.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
}

int dispatch(int argc, char** argv) {
    CLI::App app{"Runs cells: one workload on one event mechanism, measured in slices."};
    app.require_subcommand(1);
    app.footer(
        "Examples:\n"
        "  kevbench-worker list\n"
        "  kevbench-worker run idle_scan epoll+et --param registered=1000 --counts\n"
        "  kevbench-worker count idle_scan epoll+lt --operations 2000\n"
        "  kevbench-worker http --mechanism epoll --variant et --port 8080\n"
        "  kevbench-worker httpload --port 8080 --rate 2000 --duration 10 --hdr latency.hgrm\n"
        "  kevbench-worker httpidle --port 8080 --connections 1000\n"
        "  echo '{\"do\":\"about\"}' | kevbench-worker serve");

    auto* list =
        app.add_subcommand("list", "print mechanisms and workloads as a kvb.list document");
    auto* about = app.add_subcommand("about", "print build, clock and counters as JSON");
    auto* serving = app.add_subcommand("serve", "answer JSON requests on standard input");

    run_arguments running;
    auto* run = add_cell_command(app, "run", "measure one cell and print the slices", running.cell);
    run->add_option("--operations", running.plan.operations,
                    "operations of each slice; as many as take 12 ms unless given")
        ->check(CLI::PositiveNumber);
    run->add_option("--slices", running.plan.slices, "number of slices")->capture_default_str();
    run->add_flag("--timed", running.plan.timed, "record latencies");
    run->add_flag("--counts", running.plan.counts, "count system calls and kernel events too");
    run->add_flag("--json", running.json, "print JSON");

    count_arguments counting;
    auto* count = add_cell_command(app, "count",
                                   "do the operations and nothing else, for instruction counters",
                                   counting.cell);
    count->add_option("--operations", counting.operations, "operations to count")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    count->add_option("--warm-up", counting.warm_up, "operations before them")
        ->capture_default_str();

    std::string plan;
    auto* batch = app.add_subcommand(
        "batch", "carry out a plan file, one JSON request a line, and print one answer a line");
    batch->add_option("plan", plan, "the file")->required();

    auto* http = app.add_subcommand(
        "http",
        "serve one static reply over HTTP until SIGTERM; prints the port, then the counters. "
        "Options: --mechanism M --variant V --address A --port P --connections N --body BYTES "
        "--keepalive on|off --batch N --reply BYTES --style plain|naive|optimistic "
        "--accept all|one --watch-limit N --backlog N");
    http->allow_extras();  // parse_http_options() knows them
    bool with_parent = false;
    http->add_flag("--with-parent", with_parent,
                   "end when what started this ends, however it does");

    load_arguments loading;
    auto* load = add_load_command(app, loading);
    workload::idle_options holding;
    auto* idle = add_idle_command(app, holding);

    std::vector<std::string> plugins;
    for (auto* command : {list, serving, run, count, batch, http})
        add_plugin_option(command, plugins);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& fault) {
        return app.exit(fault) == 0 ? 0 : status_usage;
    }
    for (const auto& path : plugins) adapter::load_plugin(path);
    if (*list) print_document(harness::list_document());
    if (*about) print_document(harness::about_document());
    if (*run) run_command(running);
    if (*count) count_command(counting);
    if (*load) load_command(loading);
    if (*idle) return workload::hold_idle(holding, std::cout);
    if (*batch) batch_command(plan);
    if (*http) {
        if (with_parent) ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        return serve_http(http->remaining());
    }
    return *serving ? serve() : 0;
}

int fail(const char* text, int status) {
    std::cerr << "kevbench-worker: " << text << "\n";
    return status;
}

}  // namespace
}  // namespace kevbench::worker

int main(int argc, char** argv) {
    using namespace kevbench;
    try {
        return worker::dispatch(argc, argv);
    } catch (const workload::usage_error& fault) {
        return worker::fail(fault.what(), worker::status_usage);
    } catch (const workload::not_available& fault) {
        return worker::fail(fault.what(), worker::status_usage);
    } catch (const adapter::plugin_error& fault) {
        return worker::fail(fault.what(), worker::status_usage);
    } catch (const std::exception& fault) {
        return worker::fail(fault.what(), worker::status_fault);
    }
}
