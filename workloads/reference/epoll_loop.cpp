// SPDX-License-Identifier: MIT
#include "reference/epoll_loop.hpp"

#include <errno.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "kevbench/workload/error.hpp"

namespace kevbench::workload::reference {
namespace {

[[noreturn, gnu::cold]] void fail(const char* step) {
    throw fault(fmt::format("{}: {}", step, std::strerror(errno)));
}

}  // namespace

epoll_loop::epoll_loop(const round_plan& plan)
    : active(plan.active),
      buffers(plan.table.buffers, default_buffer_size(plan.table.payload)),
      stimulus(plan.table.payload),
      emit(is_socket(plan.table.source) ? send_whole : ::write),
      counter(plan.table.payload),
      flows(plan.table.registered),
      events(plan.table.batch),
      sources(plan.table.source, plan.table.registered, plan.table.payload),
      epoll(::epoll_create1(EPOLL_CLOEXEC)) {
    if (!epoll.valid()) {
        fail("epoll_create1");
    }
    for (std::uint32_t at = 0; at < plan.table.registered; ++at) {
        flows[at].fd = sources.watched(at);
        flows[at].far = sources.far(at);
        flows[at].socket = is_socket(plan.table.source);
        flows[at].pipe = plan.table.source == source_kind::pipe;
        epoll_event request{};
        request.events = EPOLLIN;
        request.data.ptr = &flows[at];
        if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, flows[at].fd, &request) != 0) {
            fail("epoll_ctl");
        }
    }
    turns.reserve(plan.turns.size());
    for (const std::uint32_t at : plan.turns) {
        turns.push_back(&flows[at]);
    }
    turn = turns.data();
    last_turn = turn + turns.size() - 1;
}

[[gnu::noinline]] void kevbench_hot_hand_written(epoll_loop& loop, std::uint64_t operations,
                                                 tally& work) {
    std::uint64_t sent = 0;
    while (sent < operations) {
        const std::uint64_t goal = std::min<std::uint64_t>(sent + loop.active, operations);
        for (; sent < goal; ++sent) {
            const flow& chosen = **loop.turn;
            loop.turn = loop.turn == loop.last_turn ? loop.turns.data() : loop.turn + 1;
            const std::byte* bytes = loop.stimulus.stamp(sent);
            if (loop.emit(chosen.far, bytes, loop.stimulus.size()) !=
                static_cast<ssize_t>(loop.stimulus.size())) {
                fail("write");
            }
        }
        while (loop.counter.messages() < goal) {
            const int ready = ::epoll_wait(loop.epoll.get(), loop.events.data(),
                                           static_cast<int>(loop.events.size()), -1);
            if (ready < 0) {
                if (errno == EINTR) {
                    continue;
                }
                fail("epoll_wait");
            }
            for (int at = 0; at < ready; ++at) {
                auto& from =
                    *static_cast<flow*>(loop.events[static_cast<std::size_t>(at)].data.ptr);
                std::byte* buffer = loop.buffers.next();
                const ssize_t size =
                    from.socket ? ::recv(from.fd, buffer, loop.buffers.size(), MSG_DONTWAIT)
                                : ::read(from.fd, buffer, loop.buffers.size());
                if (size > 0) {
                    loop.counter.take(from, buffer, static_cast<std::size_t>(size));
                } else if (size == 0 || errno != EAGAIN) {
                    fail("recv");
                }
            }
            work.count_wait(static_cast<std::uint32_t>(ready));
        }
    }
}

}  // namespace kevbench::workload::reference
