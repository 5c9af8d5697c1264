// SPDX-License-Identifier: MIT
//
// For tests only: a server that answers by a script, faults included. One connection at a time, so
// that what a client sees depends on nothing but the script.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "http/load/connector.hpp"
#include "net/listener.hpp"

namespace kevbench::workload::http {

/// What happens to one request.
struct deed {
    enum class kind : std::uint8_t {
        answer,
        short_body,  // half of the reply, then the end
        reset,
        silence,  // nothing until the client goes
        nonsense,
        refusal,  // 503
    };
    kind what = kind::answer;
    std::chrono::milliseconds before{0};  ///< the server stands still so long first
};

class fake_server {
  public:
    /// `script` gives the deed for the n-th request (from 0) of all connections. It runs on the
    /// server's thread.
    explicit fake_server(std::function<deed(std::uint64_t)> script)
        : script_(std::move(script)), listener_(net::listen_on("127.0.0.1", 0)) {
        thread_ = std::thread([this] { serve(); });
    }
    fake_server(const fake_server&) = delete;
    fake_server& operator=(const fake_server&) = delete;
    ~fake_server() {
        // Wakes accept and every read; the thread then ends.
        ::shutdown(listener_.socket.get(), SHUT_RDWR);
        if (thread_.joinable()) {
            thread_.join();
        }
    }
    [[nodiscard]] std::uint16_t port() const noexcept { return listener_.port; }

  private:
    using descriptor = adapter::detail::descriptor;

    void serve() {
        for (;;) {
            pollfd waiting{listener_.socket.get(), POLLIN, 0};
            ::poll(&waiting, 1, -1);
            const descriptor client{::accept(listener_.socket.get(), nullptr, nullptr)};
            if (!client.valid()) {
                return;
            }
            while (take_request(client.get()) && act(script_(requests_++), client.get())) {
            }
        }
    }

    bool take_request(int fd) {
        closing_ = false;
        std::string text;
        char byte = 0;
        while (!text.ends_with("\r\n\r\n")) {
            if (::recv(fd, &byte, 1, 0) != 1) {
                return false;
            }
            text.push_back(byte);
        }
        closing_ = text.find("Connection: close") != std::string::npos;
        return true;
    }

    bool act(const deed& next, int fd) {
        std::this_thread::sleep_for(next.before);
        char ignored = 0;
        switch (next.what) {
            case deed::kind::answer:
                say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789");
                return !closing_;
            case deed::kind::short_body:
                say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234");
                return false;
            case deed::kind::reset:
                reset_on_close(fd);
                return false;
            case deed::kind::silence:
                static_cast<void>(::recv(fd, &ignored, 1, 0));
                return false;
            case deed::kind::nonsense:
                say(fd, "220 mail.example ESMTP\r\n\r\n");
                return false;
            case deed::kind::refusal:
                say(fd, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
                return !closing_;
        }
        return false;
    }

    static void say(int fd, std::string_view text) {
        static_cast<void>(::send(fd, text.data(), text.size(), MSG_NOSIGNAL));
    }

    std::function<deed(std::uint64_t)> script_;
    net::listener listener_;
    std::uint64_t requests_ = 0;
    bool closing_ = false;
    std::thread thread_;
};

}  // namespace kevbench::workload::http
