// SPDX-License-Identifier: MIT
#include "command.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include "file.hpp"

namespace kevbench::guest {
namespace {

constexpr const char* stdout_file = "/kvb/stdout";
constexpr const char* stderr_file = "/kvb/stderr";
// What a shell would leave with.
constexpr int status_not_found = 127;
constexpr int status_not_executable = 126;

std::vector<char*> pointers(const std::vector<std::string>& strings) {
    std::vector<char*> out;
    out.reserve(strings.size() + 1);
    // execve() takes pointers to non-const characters but does not write through them.
    for (const std::string& string : strings) out.push_back(const_cast<char*>(string.c_str()));
    out.push_back(nullptr);
    return out;
}

[[noreturn]] void exec_child(const Job& job, int out, int err) {
    ::setsid();
    const int in = ::open(job.stdin_path.c_str(), O_RDONLY);
    if (in < 0 || ::dup2(in, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(err, 2) < 0) ::_exit(126);
    if (in > 2) ::close(in);
    sigset_t none{};
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    int status = status_not_executable;
    const char* what = job.cwd.c_str();
    if (::chdir(what) == 0) {
        what = job.program.c_str();
        ::execve(what, pointers(job.arguments).data(), pointers(job.environment).data());
        if (errno == ENOENT) status = status_not_found;
    }
    ::dprintf(2, "kevbench guest: %s: %s\n", what, std::strerror(errno));
    ::_exit(status);
}

pid_t start(const Job& job, int out, int err) {
    const pid_t child = ::fork();
    if (child < 0) throw_errno("cannot fork");
    if (child == 0) exec_child(job, out, err);
    return child;
}

/// Reaps every child that has ended; the command's ending if it is among them.
std::optional<Ending> reap(pid_t command) {
    std::optional<Ending> ending;
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
        if (pid != command) continue;
        ending = WIFSIGNALED(status) ? Ending{true, WTERMSIG(status)}
                                     : Ending{false, WEXITSTATUS(status)};
    }
    return ending;
}

struct Stream {
    File source;
    Frame frame;
};

/// Passes on one piece; closes the stream when its last writer has gone.
void pass_on(Stream& stream, Port& port) {
    std::array<char, max_piece> piece{};
    const ssize_t got = stream.source.read(piece.data(), piece.size());
    if (got > 0) {
        port.send(stream.frame, {piece.data(), static_cast<std::size_t>(got)});
    } else if (got == 0) {
        stream.source.close();
    }
}

/// Passes on what the pipe holds now and no more: a process that the command left behind may go on
/// writing for ever.
void drain(Stream& stream, Port& port) {
    int waiting = 0;
    if (!stream.source.is_open() || ::ioctl(stream.source.get(), FIONREAD, &waiting) != 0) return;
    std::array<char, max_piece> piece{};
    for (auto left = static_cast<std::size_t>(waiting); left > 0;) {
        const ssize_t got = stream.source.read(piece.data(), std::min(left, piece.size()));
        if (got <= 0) return;
        port.send(stream.frame, {piece.data(), static_cast<std::size_t>(got)});
        left -= static_cast<std::size_t>(got);
    }
}

/// A pipe of which only the reading end does not block.
std::array<File, 2> make_pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw_errno("cannot make a pipe");
    if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) throw_errno("cannot set up a pipe");
    return {File(ends[0]), File(ends[1])};
}

File make_signalfd() {
    sigset_t child{};
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &child, nullptr);
    return File(::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK));
}

}  // namespace

Ending run_streamed(const Job& job, Port& port) {
    const File signals = make_signalfd();
    auto [out_reader, out_writer] = make_pipe();
    auto [err_reader, err_writer] = make_pipe();
    const pid_t command = start(job, out_writer.get(), err_writer.get());
    out_writer.close();
    err_writer.close();
    std::array streams{Stream{std::move(out_reader), Frame::standard_output},
                       Stream{std::move(err_reader), Frame::standard_error}};
    for (;;) {
        std::array<pollfd, 3> waits{{{signals.get(), POLLIN, 0},
                                     {streams[0].source.get(), POLLIN, 0},
                                     {streams[1].source.get(), POLLIN, 0}}};
        if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) throw_errno("poll");
        std::optional<Ending> ending;
        if (waits[0].revents != 0) {
            signalfd_siginfo info{};
            while (::read(signals.get(), &info, sizeof info) > 0) continue;
            ending = reap(command);
        }
        for (std::size_t i = 0; i < streams.size(); ++i) {
            if (ending) {
                drain(streams[i], port);  // all that the command wrote is in the pipes by now
            } else if (waits[i + 1].revents != 0) {
                pass_on(streams[i], port);
            }
        }
        if (ending) return *ending;
    }
}

Ending run_buffered(const Job& job) {
    constexpr int flags = O_WRONLY | O_CREAT | O_APPEND;
    pid_t command = 0;
    {
        const File out(stdout_file, flags, 0600);
        const File err(stderr_file, flags, 0600);
        command = start(job, out.get(), err.get());
    }
    for (;;) {
        int status = 0;
        const pid_t ended = ::waitpid(-1, &status, 0);
        if (ended < 0 && errno != EINTR) throw_errno("cannot wait for the command");
        if (ended != command) continue;
        if (WIFSIGNALED(status)) return {true, WTERMSIG(status)};
        return {false, WEXITSTATUS(status)};
    }
}

void send_buffered(Port& port) {
    send_pieces(port, Frame::standard_output, File(stdout_file, O_RDONLY));
    send_pieces(port, Frame::standard_error, File(stderr_file, O_RDONLY));
}

void send_pieces(Port& port, Frame frame, const File& file) {
    std::array<char, max_piece> piece{};
    for (ssize_t got = 0; (got = file.read(piece.data(), piece.size())) > 0;) {
        port.send(frame, {piece.data(), static_cast<std::size_t>(got)});
    }
}

}  // namespace kevbench::guest
