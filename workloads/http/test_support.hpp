// SPDX-License-Identifier: MIT
//
// For tests only: a server in a process of its own, and a client that never waits without a limit.
#pragma once

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "http/responses.hpp"
#include "kevbench/adapter/detail/descriptor.hpp"
#include "kevbench/workload/error.hpp"
#include "kevbench/workload/http_server.hpp"
#include "net/listener.hpp"

namespace kevbench::workload::http {

using adapter::detail::descriptor;

/// Longer than any step takes under a sanitizer on a busy machine; reached only by failures.
inline constexpr int step_limit_ms = 20'000;

/// A request that keeps its connection.
inline constexpr std::string_view plain = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// What the server answers, as text.
inline std::string reply_text(reply kind, std::size_t body = 1) {
    responses set(body);
    std::string text;
    for (const std::byte each : set.bytes(kind)) {
        text.push_back(static_cast<char>(each));
    }
    return text;
}

/// True once `fd` has one of `events`, false at the limit.
inline bool await(int fd, short events, int limit_ms = step_limit_ms) {
    pollfd until{fd, events, 0};
    int ready = 0;
    do {
        ready = ::poll(&until, 1, limit_ms);
    } while (ready < 0 && errno == EINTR);
    return ready == 1;
}

/// serve_http() in a child process. What the child throws is `message()`.
class server_process {
  public:
    /// `prepare` runs in the child before the server.
    explicit server_process(const http_options& options, void (*prepare)() = nullptr) {
        std::array<int, 2> ends{-1, -1};
        if (::pipe(ends.data()) != 0) {
            throw std::runtime_error("no pipe");
        }
        output_.reset(ends[0]);
        const descriptor write_end{ends[1]};
        // What is still buffered would be written by the child, too.
        std::fflush(nullptr);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::dup2(write_end.get(), STDOUT_FILENO);
            if (prepare != nullptr) {
                prepare();
            }
            ::_exit(child(options));
        }
    }
    server_process(const server_process&) = delete;
    server_process& operator=(const server_process&) = delete;
    ~server_process() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
    }

    /// The port, once the server listens. Throws what went wrong instead.
    std::uint16_t port() {
        if (!port_) {
            const std::string text = line();
            const auto fields = nlohmann::json::parse(text, nullptr, false);
            if (fields.is_discarded()) {
                throw std::runtime_error(text);
            }
            port_ = fields.at("port").get<std::uint16_t>();
        }
        return *port_;
    }

    /// Sends SIGTERM and returns the counters. Throws unless the server ends well.
    nlohmann::json stop() {
        ::kill(pid_, SIGTERM);
        auto counters = nlohmann::json::parse(line());
        if (exit_status() != 0) {
            throw std::runtime_error("the server ended badly");
        }
        return counters;
    }

    /// Stands still: what arrives meanwhile is there before the server looks.
    void pause() const {
        ::kill(pid_, SIGSTOP);
        int status = 0;
        ::waitpid(pid_, &status, WUNTRACED);
    }
    void go_on() const { ::kill(pid_, SIGCONT); }

    /// Waits for the end of the process.
    int exit_status() {
        int status = 0;
        ::waitpid(std::exchange(pid_, -1), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

    /// One line of what the server prints; an error message where it failed.
    std::string line() {
        std::string text;
        char byte = 0;
        while (await(output_.get(), POLLIN) && ::read(output_.get(), &byte, 1) == 1) {
            if (byte == '\n') {
                return text;
            }
            text.push_back(byte);
        }
        return text;
    }

  private:
    static int child(const http_options& options) noexcept {
        try {
            return serve_http(options, std::cout);
        } catch (const usage_error& error) {
            std::cout << error.what() << std::endl;
            return 4;
        } catch (const std::exception& error) {
            std::cout << error.what() << std::endl;
            return 2;
        }
    }

    descriptor output_;
    pid_t pid_ = -1;
    std::optional<std::uint16_t> port_;
};

/// One connection to the server.
class client {
  public:
    explicit client(std::uint16_t port) : socket_(net::connect_to("127.0.0.1", port)) {}

    /// False when the server has broken the connection.
    bool send(std::string_view text) {
        while (!text.empty()) {
            const ssize_t put = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
            if (put < 0) {
                return false;
            }
            text.remove_prefix(static_cast<std::size_t>(put));
        }
        return true;
    }

    /// Exactly `size` bytes, fewer only if the connection ends or nothing comes.
    std::string receive(std::size_t size, int limit_ms = step_limit_ms) {
        std::string text(size, '\0');
        std::size_t have = 0;
        while (have < size && await(socket_.get(), POLLIN, limit_ms)) {
            const ssize_t got = ::recv(socket_.get(), text.data() + have, size - have, 0);
            if (got <= 0) {
                break;
            }
            have += static_cast<std::size_t>(got);
        }
        text.resize(have);
        return text;
    }

    enum class ending { closed, reset, none };
    /// How the connection ends, with nothing received before that.
    ending await_end() {
        char byte = 0;
        if (!await(socket_.get(), POLLIN)) {
            return ending::none;
        }
        const ssize_t got = ::recv(socket_.get(), &byte, 1, 0);
        return got == 0 ? ending::closed : got < 0 ? ending::reset : ending::none;
    }

    void shut_writing() { ::shutdown(socket_.get(), SHUT_WR); }
    /// Disappears: the server gets a reset instead of an end.
    void vanish() {
        const linger at_once{1, 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        socket_.reset();
    }
    [[nodiscard]] int fd() const noexcept { return socket_.get(); }

  private:
    descriptor socket_;
};

}  // namespace kevbench::workload::http
