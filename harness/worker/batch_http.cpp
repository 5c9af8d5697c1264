// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "batch.hpp"
#include "kevbench/harness/clock.hpp"
#include "kevbench/harness/unique_fd.hpp"
#include "kevbench/workload/error.hpp"
#include "kevbench/workload/http_server.hpp"

namespace kevbench::worker {
namespace {

using harness::unique_fd;
using nlohmann::json;

[[noreturn]] void fail(const std::string& what) {
    throw workload::fault(what + ": " + std::strerror(errno));
}

/// What the reader of a pipe has not taken line by line yet.
class line_reader {
  public:
    explicit line_reader(unique_fd source) : source_(std::move(source)) {}

    /// The next line, or what was left when the writer went away.
    std::string next() {
        std::string line;
        char one = 0;
        while (::read(source_.get(), &one, 1) == 1 && one != '\n') line += one;
        return line;
    }

  private:
    unique_fd source_;
};

/// The server in a child process, which ends with this object.
class server_process {
  public:
    explicit server_process(const workload::http_options& options) {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail("making a pipe");
        const auto parent = ::getpid();
        pid_ = ::fork();
        if (pid_ < 0) fail("starting the server");
        if (pid_ == 0) serve(options, ends, parent);
        ::close(ends[1]);
        lines_.emplace(unique_fd{ends[0]});
        const auto said = json::parse(lines_->next(), nullptr, false);
        if (said.is_object() && said.contains("port")) {
            port_ = said["port"].get<std::uint16_t>();
            return;
        }
        const std::string why = said.is_object() ? said.value("error", "") : "";
        end();
        throw workload::not_available(why.empty() ? "the server ended at once" : why);
    }
    server_process(const server_process&) = delete;
    server_process& operator=(const server_process&) = delete;
    ~server_process() { end(); }

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] std::int64_t cpu_ns() const {
        clockid_t clock{};
        if (::clock_getcpuclockid(pid_, &clock) != 0) fail("the server's clock");
        return harness::read_clock(clock);
    }
    /// Ends it and returns its counters, null where it printed none.
    json finish() {
        ::kill(pid_, SIGTERM);
        auto counters = json::parse(lines_->next(), nullptr, false);
        end();
        return counters.is_object() ? counters : json(nullptr);
    }

  private:
    [[noreturn]] static void serve(const workload::http_options& options,
                                   const std::array<int, 2>& ends, pid_t parent) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) ::_exit(1);
        ::dup2(ends[1], STDOUT_FILENO);
        int status = 1;
        try {
            status = workload::serve_http(options, std::cout);
        } catch (const std::exception& refused) {
            std::cout << json{{"error", refused.what()}}.dump() << std::endl;
        }
        ::_exit(status);
    }
    void end() noexcept {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }

    pid_t pid_ = -1;
    std::uint16_t port_ = 0;
    std::optional<line_reader> lines_;
};

/// A client in the plainest form there is: blocking calls, so that all it costs is its own.
class client {
  public:
    /// A connection carries `each` requests, 0 = as many as there are. With `asks` the last one
    /// says that it is; else the server closes by itself.
    client(std::uint16_t port, std::uint32_t in_flight, std::uint64_t each, bool asks)
        : each_(each), asks_(asks), open_(in_flight) {
        address_.sin_family = AF_INET;
        address_.sin_port = htons(port);
        address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }

    /// At least `requests`, in rounds of as many as are in flight; returns how many it was.
    std::uint64_t run(std::uint64_t requests) {
        std::uint64_t done = 0;
        for (; done < requests; done += open_.size()) {
            for (line& one : open_) {
                if (!one.socket) one = {connect(), 0};
                ask(one.socket.get(), ++one.carried == each_ && asks_);
            }
            for (line& one : open_) take(one);
        }
        return done;
    }

  private:
    struct line {
        unique_fd socket;
        std::uint64_t carried = 0;
    };
    static constexpr std::string_view keeping = "GET / HTTP/1.1\r\nHost: guest\r\n\r\n";
    static constexpr std::string_view closing =
        "GET / HTTP/1.1\r\nHost: guest\r\nConnection: close\r\n\r\n";

    [[nodiscard]] unique_fd connect() const {
        unique_fd made{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        // A reset at the end: no port stays occupied.
        const linger at_once{1, 0};
        ::setsockopt(made.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        if (::connect(made.get(), reinterpret_cast<const sockaddr*>(&address_), sizeof address_) !=
            0)
            fail("connecting to the server");
        return made;
    }
    static void ask(int socket, bool last) {
        const std::string_view request = last ? closing : keeping;
        if (::send(socket, request.data(), request.size(), MSG_NOSIGNAL) !=
            static_cast<ssize_t>(request.size()))
            fail("sending a request");
    }
    /// One reply: all of it.
    void take(line& from) {
        const bool last = from.carried == each_;
        std::array<char, 4096> reply{};
        std::size_t have = 0;
        for (;;) {
            if (have == reply.size()) throw workload::fault("the reply is longer than 4096 bytes");
            const auto got = ::recv(from.socket.get(), reply.data() + have, reply.size() - have, 0);
            if (got < 0) fail("receiving a reply");
            have += static_cast<std::size_t>(got);
            if (got == 0) {
                if (!last || have == 0) throw workload::fault("the server hung up");
                break;
            }
            if (!last && complete({reply.data(), have})) break;
        }
        if (std::string_view{reply.data(), have}.substr(0, 15) != "HTTP/1.1 200 OK")
            throw workload::fault("the server's reply is no 200 OK");
        if (last) from.socket = unique_fd{};
    }
    static bool complete(std::string_view reply) {
        constexpr std::string_view field = "Content-Length: ";
        const auto head = reply.find("\r\n\r\n");
        if (head == std::string_view::npos) return false;
        const auto at = reply.find(field);
        if (at > head) throw workload::fault("the server's reply has no length");
        std::size_t length = 0;
        const auto* const digits = reply.data() + at + field.size();
        (void)std::from_chars(digits, reply.data() + head, length);
        return reply.size() == head + 4 + length;
    }

    std::uint64_t each_;
    bool asks_;
    std::vector<line> open_;
    sockaddr_in address_{};
};

}  // namespace

json batch_http(const json& request) {
    const auto words = request.value("options", std::vector<std::string>{});
    auto options =
        workload::parse_http_options(std::vector<std::string_view>(words.begin(), words.end()));
    options.mechanism = request.at("mechanism").get<std::string>();
    options.variant = request.at("variant").get<std::string>();
    options.connections = request.at("connections").get<std::uint32_t>();
    options.keep_alive = request.at("keep_alive").get<bool>();
    options.batch = request.at("batch").get<std::uint32_t>();
    server_process server{options};
    const auto each = options.keep_alive ? request.value("each", std::uint64_t{0}) : 1;
    client load{server.port(), request.at("in_flight").get<std::uint32_t>(), each,
                options.keep_alive};
    const auto requests = request.at("requests").get<std::uint64_t>();
    json answer{{"operation", "request"},
                {"wall_ns", json::array()},
                {"cpu_ns", json::array()},
                {"client_cpu_ns", json::array()}};
    answer["ops"] = load.run(requests);
    const auto batches = request.at("batches").get<std::uint32_t>();
    for (std::uint32_t at = 0; at < batches; ++at) {
        const auto server_before = server.cpu_ns();
        const auto client_before = harness::read_clock(CLOCK_PROCESS_CPUTIME_ID);
        const auto start = harness::monotonic_now();
        (void)load.run(requests);
        answer["wall_ns"].push_back(harness::monotonic_now() - start);
        answer["client_cpu_ns"].push_back(harness::read_clock(CLOCK_PROCESS_CPUTIME_ID) -
                                          client_before);
        answer["cpu_ns"].push_back(server.cpu_ns() - server_before);
    }
    answer["server"] = server.finish();
    return answer;
}

}  // namespace kevbench::worker
