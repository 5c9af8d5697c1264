// SPDX-License-Identifier: MIT
#include "reference/kevent_loop.hpp"

#include <errno.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "kevbench/workload/error.hpp"

namespace kevbench::workload::reference {
namespace {

[[noreturn, gnu::cold]] void fail(const char* step) {
    throw fault(fmt::format("{}: {}", step, std::strerror(errno)));
}

std::uint32_t type_of(source_kind kind) {
    if (is_socket(kind)) {
        return KEVENT_SOCKET;
    }
    return kind == source_kind::pipe ? KEVENT_PIPE : KEVENT_POLL;
}

}  // namespace

kevent_loop::kevent_loop(const round_plan& plan)
    : active(plan.active),
      buffers(plan.table.buffers, default_buffer_size(plan.table.payload)),
      stimulus(plan.table.payload),
      emit(is_socket(plan.table.source) ? send_whole : ::write),
      counter(plan.table.payload),
      flows(plan.table.registered),
      events(plan.table.batch),
      sources(plan.table.source, plan.table.registered, plan.table.payload) {
    if (kevent_mapped_open(&mapped, std::bit_ceil(plan.table.registered + plan.table.batch),
                           KEVENT_INIT_CLOEXEC) < 0) {
        fail("kevent_mapped_open");
    }
    for (std::uint32_t at = 0; at < plan.table.registered; ++at) {
        flows[at].fd = sources.watched(at);
        flows[at].far = sources.far(at);
        flows[at].socket = is_socket(plan.table.source);
        flows[at].pipe = plan.table.source == source_kind::pipe;
        const ukevent request = kevent_request(
            type_of(plan.table.source), static_cast<unsigned>(flows[at].fd), KEVENT_SOCKET_RECV,
            KEVENT_REQ_ET, reinterpret_cast<std::uintptr_t>(&flows[at]));
        if (kevent_add(mapped.fd, &request) != 0) {
            const int error = errno;
            kevent_mapped_close(&mapped);
            errno = error;
            fail("kevent_add");
        }
    }
    turns.reserve(plan.turns.size());
    for (const std::uint32_t at : plan.turns) {
        turns.push_back(&flows[at]);
    }
    turn = turns.data();
    last_turn = turn + turns.size() - 1;
}

kevent_loop::~kevent_loop() {
    kevent_mapped_close(&mapped);
}

[[gnu::noinline]] void kevbench_hot_kevent(kevent_loop& loop, std::uint64_t operations,
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
            const auto most = static_cast<unsigned>(loop.events.size());
            unsigned ready = kevent_mapped_take(&loop.mapped, loop.events.data(), most);
            if (ready == 0) {
                const int waited =
                    kevent_mapped_wait(&loop.mapped, loop.events.data(), most, nullptr, nullptr);
                if (waited < 0) {
                    if (errno == EINTR) {
                        continue;
                    }
                    fail("kevent_mapped_wait");
                }
                ready = static_cast<unsigned>(waited);
            }
            for (unsigned at = 0; at < ready; ++at) {
                auto& from = *static_cast<flow*>(loop.events[at].ptr);
                for (;;) {
                    std::byte* buffer = loop.buffers.next();
                    const ssize_t size =
                        from.socket ? ::recv(from.fd, buffer, loop.buffers.size(), MSG_DONTWAIT)
                                    : ::read(from.fd, buffer, loop.buffers.size());
                    if (size > 0) {
                        loop.counter.take(from, buffer, static_cast<std::size_t>(size));
                        continue;
                    }
                    if (size == 0 || errno != EAGAIN) {
                        fail("recv");
                    }
                    break;
                }
            }
            work.count_wait(ready);
        }
    }
}

}  // namespace kevbench::workload::reference
