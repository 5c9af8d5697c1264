// SPDX-License-Identifier: MIT
//
// kevbench-micro: every cell as a Google Benchmark, with all of its own options.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <sys/utsname.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "driver.hpp"
#include "kevbench/adapter/plugin_loader.hpp"
#include "kevbench/harness/documents.hpp"
#include "kevbench/workload/error.hpp"
#include "revision.hpp"

namespace kevbench::micro {
namespace {

// Exit statuses of design: 0 ok, 2 void run, 4 usage or environment.
constexpr int status_fault = 2;
constexpr int status_usage = 4;

struct options {
    selection chosen;
    std::vector<std::string> plugins;
};

void describe_options(CLI::App& app, options& given) {
    auto& chosen = given.chosen;
    app.add_option("--workload", chosen.workloads, "only this workload; may be repeated")
        ->allow_extra_args(false);
    app.add_option("--mechanism", chosen.mechanisms,
                   "only this mechanism (epoll) or variant (epoll+et); may be repeated")
        ->allow_extra_args(false);
    app.add_option("--param", chosen.params,
                   "these values instead of the built-in sweeps, as registered=1,1000; may be "
                   "repeated, needs --workload")
        ->allow_extra_args(false)
        ->needs("--workload");
    app.add_option("--plugin", given.plugins, "an adapter to load; may be repeated")
        ->type_name("FILE")
        ->allow_extra_args(false);
    app.footer(
        "Examples:\n"
        "  kevbench-micro --benchmark_list_tests\n"
        "  kevbench-micro --benchmark_filter='idle_scan/epoll.*registered=1000/source=eventfd'\n"
        "  kevbench-micro --workload idle_scan --mechanism epoll+et --param registered=5,50\n"
        "  kevbench-micro --workload chain --benchmark_repetitions=9\n"
        "      --benchmark_enable_random_interleaving=true --benchmark_out=chain.json\n"
        "\n"
        "Names are workload/mechanism+variant/parameter=value/.../process_time/manual_time; the "
        "filter\nis a regular expression in which '+' must be written '[+]'. A cell that cannot "
        "run here is\nreported as an error with its reason. Exit status: 0 ok, 2 void run, 4 "
        "usage.\n");
}

/// Google Benchmark ends the program after its own --help, so ours comes through it.
void print_help() {
    CLI::App app{"Measures cells: one workload on one event mechanism."};
    options unused;
    describe_options(app, unused);
    std::cout << app.help("kevbench-micro") << "\nOptions of Google Benchmark:\n" << std::flush;
    benchmark::PrintDefaultHelp();
}

std::string plain(const nlohmann::ordered_json& value) {
    return value.is_string() ? value.get<std::string>() : value.dump();
}

/// What must be known to judge two files against each other.
void add_context() {
    const auto about = harness::about_document();
    for (const auto* name : {"version", "compiler", "flags", "optimized", "sanitizer"})
        benchmark::AddCustomContext(fmt::format("kevbench_{}", name), plain(about[name]));
    benchmark::AddCustomContext("kevbench_build_type", KVB_BUILD_TYPE);
    benchmark::AddCustomContext("git_commit", kvb_git_commit);
    benchmark::AddCustomContext("git_dirty", kvb_git_dirty);
    utsname system{};
    ::uname(&system);
    benchmark::AddCustomContext("kernel", system.release);
    benchmark::AddCustomContext("clock_cost_ns", plain(about["clock"]["cost_ns"]));
    benchmark::AddCustomContext("clock_resolution_ns", plain(about["clock"]["resolution_ns"]));
    for (const auto& [name, counter] : about["counters"].items())
        benchmark::AddCustomContext(
            fmt::format("counter_{}", name),
            counter["available"].get<bool>() ? "counted" : plain(counter["reason"]));
}

int dispatch(int argc, char** argv) {
    benchmark::Initialize(&argc, argv, print_help);
    CLI::App app{"Measures cells: one workload on one event mechanism."};
    options given;
    describe_options(app, given);
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        print_help();
        return 0;
    } catch (const CLI::ParseError& fault) {
        throw workload::usage_error(fmt::format("{}: see kevbench-micro --help", fault.what()));
    }
    for (const auto& path : given.plugins) adapter::load_plugin(path);
    driver runner;
    for (auto& cell : select_cells(given.chosen)) runner.add(std::move(cell));
    add_context();
    const auto matched = benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    if (matched == 0)
        throw workload::usage_error(
            "no benchmark matches --benchmark_filter: --benchmark_list_tests shows all names");
    if (runner.faulted()) {
        std::cerr << "kevbench-micro: at least one run is void: see its error message\n";
        return status_fault;
    }
    return 0;
}

int fail(const char* text, int status) {
    std::cerr << "kevbench-micro: " << text << "\n";
    return status;
}

}  // namespace
}  // namespace kevbench::micro

int main(int argc, char** argv) {
    using namespace kevbench;
    try {
        return micro::dispatch(argc, argv);
    } catch (const workload::usage_error& fault) {
        return micro::fail(fault.what(), micro::status_usage);
    } catch (const adapter::plugin_error& fault) {
        return micro::fail(fault.what(), micro::status_usage);
    } catch (const std::exception& fault) {
        return micro::fail(fault.what(), micro::status_fault);
    }
}
