// SPDX-License-Identifier: MIT
#include "trial.hpp"

#include <cstring>

namespace kevbench::adapter::detail {
namespace {

std::string_view remedy(int code) {
    switch (code) {
        case ENOSYS:
            return "this kernel lacks the system call: boot a newer kernel or one built with it";
        case EINVAL:
        case EOPNOTSUPP:
            return "this kernel does not know the requested feature: boot a newer one";
        case EPERM:
        case EACCES:
            return "forbidden by a security policy or sysctl: allow it or run outside the sandbox";
        case EMFILE:
        case ENFILE:
            return "raise the descriptor limit (ulimit -n)";
        case ENOMEM:
            return "raise the locked-memory limit (ulimit -l) or free memory";
        default:
            return "see the system call's manual page";
    }
}

}  // namespace

std::string explain(std::string_view feature, std::string_view step, int code) {
    return fmt::format("{}: {} failed: {}; {}", feature, step, std::strerror(code), remedy(code));
}

}  // namespace kevbench::adapter::detail
