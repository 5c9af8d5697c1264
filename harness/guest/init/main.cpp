// SPDX-License-Identifier: MIT
/// Process 1 of the light guest: sets the machine up, loads the modules, runs one command, sends
/// what it said and wrote to the launcher, which then ends the machine.

#include <sys/utsname.h>

#include <ctime>
#include <exception>
#include <string>

#include "collect.hpp"
#include "command.hpp"
#include "job.hpp"
#include "port.hpp"
#include "system.hpp"

namespace {

using namespace kevbench::guest;

constexpr const char* job_path = "/kvb/job";
constexpr const char* port_name = "kevbench.results";

std::string release() {
    utsname name{};
    ::uname(&name);
    return static_cast<const char*>(name.release);
}

void say(const std::string& text) {
    const std::string line = text + "\n";
    if (::write(1, line.data(), line.size()) < 0) return;  // no console: nobody to tell
}

/// Lets the kernel finish what it put off while booting, or the first process would be charged for
/// it. The time is virtual and idle, so it passes in a moment.
void settle() {
    constexpr timespec pause{5, 0};
    ::nanosleep(&pause, nullptr);
}

void report_ending(Port& port, const Ending& ending) {
    port.send(ending.signaled ? Frame::signaled : Frame::exited, std::to_string(ending.number));
}

/// Says the last word and waits for the launcher to stop the machine. Powering off here could cost
/// what the virtual device has taken but not passed on yet, when the launcher reads slowly.
[[noreturn]] void finish(Port& port) {
    port.send(Frame::end, "");
    for (;;) ::pause();
}

void work(const Job& job, Port& port) {
    for (const std::string& path : job.early_modules) load_module(path, "");
    if (!job.buffered) port.open(port_name);
    lift_limits(job.virtual_time);
    if (job.scratch_disk) mount_scratch_disk();
    if (!job.module.empty()) load_module(job.module, job.module_params);
    if (job.virtual_time) settle();
    const std::string ready = release() + "\n" + taint();
    Ending ending;
    if (job.buffered) {
        ending = run_buffered(job);
        for (const std::string& path : job.late_modules) load_module(path, "");
        port.open(port_name);
        port.send(Frame::ready, ready);
        send_buffered(port);
    } else {
        port.send(Frame::ready, ready);
        ending = run_streamed(job, port);
    }
    report_ending(port, ending);
    send_results(port);
    send_kernel_log(port);
    port.send(Frame::taint, taint());
    finish(port);
}

/// A fault before the port is open can only be told on the console.
void report_fault(const Job& job, Port& port, const std::string& reason) {
    say("kevbench guest: " + reason);
    try {
        if (!port.is_open()) {
            for (const std::string& path : job.late_modules) load_module(path, "");
            port.open(port_name);
        }
        port.send(Frame::fault, reason);
        send_kernel_log(port);
        finish(port);
    } catch (const std::exception& second) {
        say(std::string("kevbench guest: ") + second.what());
    }
}

}  // namespace

int main() {
    Job job;
    Port port;
    try {
        mount_file_systems();
        job = read_job(job_path);
        if (!job.sentinel.empty()) {
            say(job.sentinel);
        } else {
            work(job, port);
        }
    } catch (const std::exception& fault) {
        report_fault(job, port, fault.what());
    }
    power_off();
}
