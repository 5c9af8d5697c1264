// SPDX-License-Identifier: MIT
#include "engine/user_sources.hpp"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/eventfd.h>

namespace kevbench::workload {

user_ends make_user_ends(source_kind object) {
    user_ends made;
    if (object == source_kind::eventfd) {
        made.watched.reset(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    } else {
        std::array<int, 2> ends{-1, -1};
        static_cast<void>(::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC));
        made.watched.reset(ends[0]);
        made.far.reset(ends[1]);
    }
    if (!made.watched.valid()) {
        throw fault(fmt::format("creating an eventfd or a pipe: {}", std::strerror(errno)));
    }
    return made;
}

}  // namespace kevbench::workload
