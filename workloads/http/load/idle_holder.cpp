// SPDX-License-Identifier: MIT
#include "http/load/idle_holder.hpp"

#include <errno.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <ostream>
#include <string>

#include "engine/source.hpp"
#include "engine/watch_table.hpp"
#include "http/stop_signal.hpp"
#include "kevbench/workload/error.hpp"

namespace kevbench::workload::http {
namespace {

using clock = std::chrono::steady_clock;

/// Connections under way at once: far below the backlog of any server.
constexpr std::uint32_t most_under_way = 64;
/// Nanoseconds between two rounds of attempts after one has failed.
constexpr std::int64_t pause = 50'000'000;
/// Attempts that may fail before the first connection stands.
constexpr std::uint64_t hopeless = 200;

}  // namespace

idle_holder::idle_holder(const idle_options& options, int stop)
    : buffers(default_buffer_count(1, client_batch), default_buffer_size(1)),
      mechanism(client_variant()),
      options_(options),
      connector_(options.address, options.port, options.sources),
      lines_(options.connections) {
    if (options.connections == 0 || !(options.duration > 0.0)) {
        throw usage_error("connections and duration are above 0: change the one that is not");
    }
    require_descriptors(options.connections, fmt::format("connections={}", options.connections));
    adapter::config settings;
    settings.max_watches = options.connections + 1;
    settings.max_batch = client_batch;
    open_adapter(mechanism, settings);
    stop_.fd = stop;
    stop_.socket = true;
    stop_.interest = adapter::bits::readable;
    require_registered(mechanism.add(stop_), mechanism.describe(), stop);
    for (line& each : lines_) {
        each.socket = true;
        closed_.push_back(&each);
    }
}

idle_holder::~idle_holder() {
    mechanism.close();
    for (line& each : lines_) {
        if (each.fd >= 0) {
            reset_on_close(each.fd);
            ::close(each.fd);
        }
    }
}

void idle_holder::run(std::ostream& announce) {
    const auto end = clock::now() + std::chrono::duration<double>(options_.duration);
    while (!stopping_) {
        const std::chrono::nanoseconds left =
            std::chrono::duration_cast<std::chrono::nanoseconds>(end - clock::now());
        if (left.count() <= 0) {
            break;
        }
        if (!pausing_) {
            open_some();
        }
        if (standing_ == lines_.size() && !announced_) {
            announced_ = true;
            least_ = standing_;
            announce << report("holding") << '\n' << std::flush;
        }
        if (opened_ == 0 && failed_ >= hopeless) {
            throw fault(
                fmt::format("no connection to port {} on {} can be opened: is the server "
                            "listening?",
                            options_.port, options_.address));
        }
        const bool failing = pausing_;
        const int delivered = mechanism.wait(failing ? std::min(pause, left.count()) : left.count(),
                                             client_batch, *this);
        if (delivered < 0 && delivered != -EINTR) {
            throw fault(fmt::format("the client cannot wait: {}", std::strerror(-delivered)));
        }
        if (failing && delivered == 0) {
            pausing_ = false;
        }
    }
    announce << report("ended") << '\n' << std::flush;
}

void idle_holder::open_some() noexcept {
    while (!closed_.empty() && lines_.size() - closed_.size() - standing_ < most_under_way) {
        connector::attempt made = connector_.open();
        line& chosen = *closed_.front();
        if (!made.socket.valid()) {
            ++failed_;
            pausing_ = true;
            return;
        }
        chosen.fd = made.socket.get();
        chosen.interest =
            adapter::bits::readable | (made.error == 0 ? 0U : adapter::bits::writable);
        if (mechanism.add(chosen) != 0) {
            chosen.fd = -1;
            ++failed_;
            pausing_ = true;
            return;
        }
        made.socket.release();
        closed_.pop_front();
        if (made.error == 0) {
            stand(chosen);
        }
    }
}

void idle_holder::stand(line& of) noexcept {
    of.standing = true;
    ++standing_;
    ++opened_;
}

void idle_holder::shut(line& of) noexcept {
    if (of.standing) {
        ++dropped_;
        --standing_;
        least_ = std::min(least_, standing_);
    } else {
        ++failed_;
        pausing_ = true;
    }
    of.standing = false;
    mechanism.remove(of);
    ::close(of.fd);
    of.fd = -1;
    closed_.push_back(&of);
}

bool idle_holder::on_writable(adapter::watch& target) noexcept {
    auto& of = static_cast<line&>(target);
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(of.fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
        shut(of);
        return false;
    }
    of.interest = adapter::bits::readable;
    static_cast<void>(mechanism.modify(of));
    stand(of);
    return true;
}

bool idle_holder::on_data(adapter::watch& target, const std::byte* /*data*/,
                          std::size_t /*size*/) noexcept {
    if (&target == &stop_) {
        stopping_ = true;
        return true;
    }
    shut(static_cast<line&>(target));
    return false;
}

void idle_holder::on_end(adapter::watch& target, int /*result*/) noexcept {
    if (&target == &stop_) {
        stopping_ = true;
        return;
    }
    shut(static_cast<line&>(target));
}

std::string idle_holder::report(std::string_view state) const {
    return fmt::format(R"({{"schema":"kvb.httpidle","state":"{}","asked":{},"open":{},"least":{},)"
                       R"("opened":{},"dropped":{},"failed":{}}})",
                       state, options_.connections, standing_, least_, opened_, dropped_, failed_);
}

}  // namespace kevbench::workload::http

namespace kevbench::workload {

int hold_idle(const idle_options& options, std::ostream& announce) {
    const http::stop_signal stop;
    http::idle_holder(options, stop.fd()).run(announce);
    return 0;
}

}  // namespace kevbench::workload
