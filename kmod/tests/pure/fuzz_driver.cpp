// SPDX-License-Identifier: MIT
// Feeds arbitrary inputs to the fuzz target where there is no libFuzzer: fuzz_driver RUNS SEED.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fputs("usage: fuzz_driver RUNS SEED\n", stderr);
        return 2;
    }
    const unsigned long runs = std::strtoul(argv[1], nullptr, 10);
    std::mt19937 random(static_cast<unsigned>(std::strtoul(argv[2], nullptr, 10)));
    for (unsigned long run = 0; run < runs; ++run) {
        std::vector<std::uint8_t> input(random() % 2048);
        for (std::uint8_t& byte : input) byte = static_cast<std::uint8_t>(random());
        LLVMFuzzerTestOneInput(input.data(), input.size());
    }
    std::printf("%lu inputs\n", runs);
    return 0;
}
