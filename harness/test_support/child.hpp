// SPDX-License-Identifier: MIT
//
// Runs a program of this project the way a controller or a person does.
#pragma once

#include <sys/types.h>
#include <string>
#include <vector>

namespace kevbench::harness::test {

/// A child with pipes on its three standard streams. Every read has a deadline, after which it
/// throws, so that a program that hangs fails its test. Kills what still runs when it goes.
class child {
  public:
    explicit child(const std::vector<std::string>& words);
    child(const child&) = delete;
    child& operator=(const child&) = delete;
    ~child();

    void write(const std::string& text) const;
    void close_input();
    /// One line of standard output without its end; empty at the end of output.
    [[nodiscard]] std::string read_line();
    [[nodiscard]] std::string read_all_output();
    [[nodiscard]] std::string read_all_errors();
    void signal(int number) const;
    /// Exit status, or 128 + the signal that ended it.
    [[nodiscard]] int wait();

  private:
    [[nodiscard]] static std::string read_until_end(int fd);

    pid_t pid_ = -1;
    int input_ = -1;
    int output_ = -1;
    int errors_ = -1;
    std::string held_;
};

struct finished {
    int status;
    std::string output;
    std::string errors;
};
/// Runs to the end with empty input.
[[nodiscard]] finished run(const std::vector<std::string>& words);

}  // namespace kevbench::harness::test
