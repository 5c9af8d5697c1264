// SPDX-License-Identifier: MIT
#include "child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <utility>

namespace kevbench::harness::test {
namespace {

constexpr int deadline_ms = 120'000;

/// Appends what comes next; false at the end.
bool read_some(int fd, std::string& text) {
    pollfd waiting{fd, POLLIN, 0};
    if (::poll(&waiting, 1, deadline_ms) <= 0)
        throw std::runtime_error("child said nothing in time");
    std::array<char, 65536> block{};
    const auto got = ::read(fd, block.data(), block.size());
    if (got <= 0) return false;
    text.append(block.data(), static_cast<std::size_t>(got));
    return true;
}

}  // namespace

child::child(const std::vector<std::string>& words) {
    std::array<std::array<int, 2>, 3> pipes{};
    for (auto& ends : pipes)
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe failed");
    std::vector<char*> arguments;
    arguments.reserve(words.size() + 1);
    for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
        ::dup2(pipes[0][0], STDIN_FILENO);
        ::dup2(pipes[1][1], STDOUT_FILENO);
        ::dup2(pipes[2][1], STDERR_FILENO);
        ::execv(arguments[0], arguments.data());
        std::_Exit(127);
    }
    ::close(pipes[0][0]);
    ::close(pipes[1][1]);
    ::close(pipes[2][1]);
    input_ = pipes[0][1];
    output_ = pipes[1][0];
    errors_ = pipes[2][0];
}

child::~child() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    for (const int fd : {input_, output_, errors_})
        if (fd >= 0) ::close(fd);
}

void child::write(const std::string& text) const {
    if (::write(input_, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        throw std::runtime_error("child takes no input");
}

void child::close_input() {
    ::close(input_);
    input_ = -1;
}

std::string child::read_line() {
    for (;;) {
        if (const auto end = held_.find('\n'); end != std::string::npos) {
            auto line = held_.substr(0, end);
            held_.erase(0, end + 1);
            return line;
        }
        if (!read_some(output_, held_)) return {};
    }
}

std::string child::read_until_end(int fd) {
    std::string text;
    while (read_some(fd, text)) {
    }
    return text;
}

std::string child::read_all_output() {
    return std::exchange(held_, {}) + read_until_end(output_);
}
std::string child::read_all_errors() {
    return read_until_end(errors_);
}

void child::signal(int number) const {
    ::kill(pid_, number);
}

int child::wait() {
    // Its output ends when it does, so this wait has the deadline of a read.
    static_cast<void>(read_until_end(output_));
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

finished run(const std::vector<std::string>& words) {
    child program{words};
    program.close_input();
    auto output = program.read_all_output();
    auto errors = program.read_all_errors();
    return {program.wait(), std::move(output), std::move(errors)};
}

}  // namespace kevbench::harness::test
