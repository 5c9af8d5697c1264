// SPDX-License-Identifier: MIT
#include "serve.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>

#include "kevbench/harness/unique_fd.hpp"
#include "protocol.hpp"

namespace kevbench::worker {
namespace {

/// Written by the handler: a flag alone could be set between its test and the blocking read.
volatile std::sig_atomic_t stop_event = -1;

extern "C" void request_stop(int /*signal*/) {
    const int saved = errno;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(stop_event, &one, sizeof one);
    errno = saved;
}

harness::unique_fd stop_on_signals() {
    harness::unique_fd event{::eventfd(0, EFD_CLOEXEC)};
    if (!event) throw std::system_error(errno, std::generic_category(), "eventfd");
    stop_event = event.get();
    struct sigaction action {};
    action.sa_handler = request_stop;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    for (const int signal : {SIGINT, SIGTERM}) ::sigaction(signal, &action, nullptr);
    return event;
}

/// Lines of standard input, until it ends or a signal comes.
class line_source {
  public:
    explicit line_source(const harness::unique_fd& stop) : stop_(stop) {}

    bool next(std::string& line) {
        for (;;) {
            if (const auto end = held_.find('\n', searched_); end != std::string::npos) {
                line.assign(held_, 0, end);
                held_.erase(0, end + 1);
                searched_ = 0;
                return true;
            }
            searched_ = held_.size();
            if (held_.size() > longest_line || !read_more()) return false;
        }
    }

  private:
    /// No request is near this long; whatever sends such a line is not our controller.
    static constexpr std::size_t longest_line = std::size_t{1} << 20U;

    bool read_more() {
        std::array<pollfd, 2> waiting{pollfd{STDIN_FILENO, POLLIN, 0},
                                      pollfd{stop_.get(), POLLIN, 0}};
        while (::poll(waiting.data(), waiting.size(), -1) < 0)
            if (errno != EINTR) return false;
        if (waiting[1].revents != 0) return false;
        std::array<char, 4096> block{};
        const auto got = ::read(STDIN_FILENO, block.data(), block.size());
        if (got <= 0) return got < 0 && errno == EINTR;
        held_.append(block.data(), static_cast<std::size_t>(got));
        return true;
    }

    const harness::unique_fd& stop_;
    std::string held_;
    std::size_t searched_ = 0;
};

bool write_line(std::string line) {
    line += '\n';
    for (std::string_view rest{line}; !rest.empty();) {
        const auto written = ::write(STDOUT_FILENO, rest.data(), rest.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        rest.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

}  // namespace

int serve() {
    const auto stop = stop_on_signals();
    line_source requests{stop};
    protocol worker;
    std::string line;
    while (!worker.ended() && requests.next(line)) {
        // Replacement characters rather than an exception: an error text may quote foreign bytes.
        const auto answer =
            worker.answer(line).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
        if (!write_line(answer)) break;
    }
    if (worker.faulted()) return 2;
    worker.close();
    return 0;
}

}  // namespace kevbench::worker
