// SPDX-License-Identifier: MIT
//
// The server as a program of its own, for tests: kvb_http_server http --mechanism M ...
// The first word is the subcommand of kevbench-worker, whose `http` is this same function.
#include <exception>
#include <iostream>
#include <string_view>
#include <vector>

#include "kevbench/workload/error.hpp"
#include "kevbench/workload/http_server.hpp"

int main(int argc, char** argv) {
    constexpr int unequal_or_failed = 2;
    constexpr int usage = 4;
    const std::vector<std::string_view> words(argv + 1, argv + argc);
    try {
        const bool named = !words.empty() && words.front() == "http";
        const std::span<const std::string_view> options(words.begin() + (named ? 1 : 0),
                                                        words.end());
        return kevbench::workload::serve_http(kevbench::workload::parse_http_options(options),
                                              std::cout);
    } catch (const kevbench::workload::fault& error) {
        std::cerr << error.what() << '\n';
        return unequal_or_failed;
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return usage;
    }
}
