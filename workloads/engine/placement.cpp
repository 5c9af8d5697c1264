// SPDX-License-Identifier: MIT
#include "engine/placement.hpp"

#include <errno.h>
#include <fmt/format.h>

#include <cstring>

#include "kevbench/workload/error.hpp"

namespace kevbench::workload {
namespace {

cpu_set_t allowed_cpus() {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
        throw fault(fmt::format("reading the CPU affinity: {}", std::strerror(errno)));
    }
    return allowed;
}

}  // namespace

parameter placement_parameter() {
    parameter made;
    made.name = "placement";
    made.initial_choice = "split-cpu";
    made.choices = {"same-cpu", "split-cpu", "free"};
    made.help = "CPUs of the two threads: one for both, one each, or the scheduler's choice";
    return made;
}

placement choose_placement(std::string_view name) {
    if (name == "free") {
        return {};
    }
    const cpu_set_t allowed = allowed_cpus();
    placement chosen;
    for (unsigned cpu = 0; cpu < CPU_SETSIZE && !chosen.companion; ++cpu) {
        if (!CPU_ISSET(cpu, &allowed)) {
            continue;
        }
        if (name == "same-cpu") {
            return {cpu, cpu};
        }
        (chosen.caller ? chosen.companion : chosen.caller) = cpu;
    }
    if (!chosen.companion) {
        throw not_available(
            "placement=split-cpu needs two CPUs but this process may use one: give it another, or "
            "use placement=same-cpu");
    }
    return chosen;
}

cpu_binding::cpu_binding(std::optional<unsigned> cpu) {
    if (!cpu) {
        return;
    }
    const cpu_set_t former = allowed_cpus();
    cpu_set_t wanted;
    CPU_ZERO(&wanted);
    CPU_SET(*cpu, &wanted);
    if (::sched_setaffinity(0, sizeof wanted, &wanted) != 0) {
        throw fault(fmt::format("binding a thread to CPU {}: {}", *cpu, std::strerror(errno)));
    }
    former_ = former;
}

cpu_binding::~cpu_binding() {
    if (former_) {
        ::sched_setaffinity(0, sizeof *former_, &*former_);
    }
}

}  // namespace kevbench::workload
