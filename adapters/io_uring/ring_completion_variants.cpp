// SPDX-License-Identifier: MIT
//
// The variants of ring_completion_adapter and whether this kernel has what they need.
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "kevbench/adapter/ring_completion.hpp"
#include "trial.hpp"

namespace kevbench::adapter {
namespace {

constexpr ring_completion_variant describe_variant(std::string_view name, ring_mode mode) {
    constexpr std::uint32_t common = caps::completion | caps::modify | caps::sigmask |
                                     caps::fine_timeout | caps::batched_control;
    return {{"io_uring", name, trigger::level, read_discipline::once,
             common | detail::mode_capabilities(mode), 0},
            mode};
}

constexpr std::array all{
    describe_variant("completion", ring_mode::plain),
    describe_variant("completion+defer", ring_mode::defer),
    describe_variant("completion+fixed", ring_mode::fixed),
    describe_variant("completion+sqpoll", ring_mode::sqpoll),
};

availability failed(std::string_view step) {
    return {false, detail::explain("UNIX sockets", step, errno)};
}

availability try_accept(const ring_completion_variant& variant) {
    const detail::descriptor listener{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const detail::descriptor client{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    // Binding with the family alone makes the kernel choose an abstract name.
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    auto* const generic = reinterpret_cast<sockaddr*>(&name);
    socklen_t size = sizeof(sa_family_t);
    if (::bind(listener.get(), generic, size) != 0 || ::listen(listener.get(), 1) != 0) {
        return failed("listening");
    }
    size = sizeof name;
    if (::getsockname(listener.get(), generic, &size) != 0 ||
        ::connect(client.get(), generic, size) != 0) {
        return failed("connecting");
    }
    return detail::try_watch<ring_completion_adapter>(
        variant, watch{listener.get(), bits::acceptable, true}, "io_uring multishot accept");
}

}  // namespace

std::span<const ring_completion_variant> ring_completion_adapter::variants() {
    return all;
}

availability ring_completion_adapter::probe(const ring_completion_variant& variant) {
    availability state =
        detail::try_out<ring_completion_adapter>(variant, detail::mode_feature(variant.mode));
    if (state.available) {
        state = detail::try_receive<ring_completion_adapter>(variant, "io_uring multishot receive");
    }
    if (state.available) {
        state = try_accept(variant);
    }
    return state;
}

}  // namespace kevbench::adapter
