// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "batch.hpp"
#include "commands.hpp"
#include "kevbench/workload/error.hpp"

namespace kevbench::worker {
namespace {

using nlohmann::json;

/// Longest a request may take by the machine's own clock, which in a counting guest stands still
/// for nobody: with nothing to run it jumps to this limit at once.
constexpr time_t deadline_s = 120;
/// Between answers, so that whoever carries the last one away is done before counting goes on.
constexpr timespec pause{0, 2'000'000};

void write_line(std::string line) {
    line += '\n';
    for (std::string_view rest{line}; !rest.empty();) {
        const auto written = ::write(STDOUT_FILENO, rest.data(), rest.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) throw workload::fault("the answers cannot be written");
        rest.remove_prefix(static_cast<std::size_t>(written));
    }
}

std::string text_of(const json& answer) {
    return answer.dump(-1, ' ', false, json::error_handler_t::replace);
}

json failure(std::string_view kind, std::string_view text) {
    return {{"ok", false}, {"kind", kind}, {"error", text}};
}

/// The files a request names, whole, as texts; null for one that cannot be read.
json read_files(const json& request) {
    auto answer = json::object();
    for (const auto& [name, path] : request.at("files").items()) {
        std::ifstream file{path.get<std::string>()};
        std::string text{std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{}};
        answer["files"][name] = file.is_open() ? json(std::move(text)) : json(nullptr);
    }
    return answer;
}

json perform(const json& request) {
    const auto verb = request.at("do").get<std::string>();
    if (verb == "read") return read_files(request);
    if (verb == "cell") return batch_cell(request);
    if (verb == "http") return batch_http(request);
    throw workload::usage_error(fmt::format("unknown request '{}': use read, cell or http", verb));
}

json answer_to(const json& request) {
    try {
        auto answer = perform(request);
        answer["ok"] = true;
        return answer;
    } catch (const workload::usage_error& refused) {
        return failure("usage", refused.what());
    } catch (const workload::not_available& refused) {
        return failure("skipped", refused.what());
    } catch (const std::exception& problem) {
        return failure("fault", problem.what());
    }
}

/// The child's status, or nothing when its time was up and it was ended.
std::optional<int> wait_for(pid_t child) {
    sigset_t ended{};
    sigemptyset(&ended);
    sigaddset(&ended, SIGCHLD);
    const timespec limit{deadline_s, 0};
    for (;;) {
        int status = 0;
        if (::waitpid(child, &status, WNOHANG) == child) return status;
        if (::sigtimedwait(&ended, nullptr, &limit) < 0 && errno == EAGAIN) {
            ::kill(child, SIGKILL);
            ::waitpid(child, nullptr, 0);
            return std::nullopt;
        }
    }
}

/// One request in a process of its own: a cell that dies takes no other with it, and each one
/// meets the same memory.
void carry_out(const json& request) {
    const auto& name = request.at("id");
    const pid_t child = ::fork();
    if (child < 0) throw workload::fault(fmt::format("cannot fork: {}", std::strerror(errno)));
    if (child == 0) {
        auto answer = answer_to(request);
        answer["id"] = name;
        write_line(text_of(answer));
        ::_exit(0);
    }
    const auto status = wait_for(child);
    if (status && WIFEXITED(*status) && WEXITSTATUS(*status) == 0) return;
    auto answer = failure(
        "fault", !status ? fmt::format("did not end within {} s and was ended", deadline_s)
                 : WIFSIGNALED(*status) ? fmt::format("was ended by signal {}", WTERMSIG(*status))
                                        : fmt::format("left with status {}", WEXITSTATUS(*status)));
    answer["id"] = name;
    // On a line of its own, whatever the child had begun to write.
    write_line("\n" + text_of(answer));
}

}  // namespace

void batch_command(const std::string& path) {
    std::ifstream plan{path};
    if (!plan.is_open())
        throw workload::usage_error(fmt::format("cannot read {}: name a plan file", path));
    sigset_t ended{};
    sigemptyset(&ended);
    sigaddset(&ended, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &ended, nullptr);
    std::size_t number = 0;
    for (std::string line; std::getline(plan, line);) {
        ++number;
        const auto request = json::parse(line, nullptr, false);
        if (!request.is_object() || !request.contains("id") || !request.contains("do"))
            throw workload::usage_error(
                fmt::format("{} line {} is no request with 'id' and 'do'", path, number));
        carry_out(request);
        ::nanosleep(&pause, nullptr);
    }
}

}  // namespace kevbench::worker
