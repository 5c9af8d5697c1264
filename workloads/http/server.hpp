// SPDX-License-Identifier: MIT
//
// The server's loop and the life of a connection, written once for readiness and completion.
//
// Life of a connection. accepted -> serving: bytes go to the scanner, each request queues a reply,
// replies are sent in order, one send each. The reply that closes (asked for, or a refusal) moves
// it to finishing. Once all is sent it is closed; where the client has sent more than was read it
// is first drained, since closing with unread input resets the connection and may take the reply
// with it. The client may go away at any point.
//
// Styles. The 2006 claim stands or falls with the epoll server it is held against, so the same
// server can also watch for room before every reply (naive) or read before it registers
// (optimistic).
//
// Sending. Readiness tries at once and watches for writability only while the socket is full.
// Completion has one reply a connection under way, so no mechanism can run out of send requests.
//
// Accepting stops while descriptors or memory are short and resumes when a connection has closed or
// after a while: a level-triggered listener would otherwise be reported for ever.
#pragma once

#include <errno.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <new>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/buffers.hpp"
#include "engine/consumer.hpp"
#include "engine/watch_table.hpp"
#include "http/connection.hpp"
#include "http/counters.hpp"
#include "http/responses.hpp"
#include "kevbench/workload/error.hpp"
#include "kevbench/workload/http_server.hpp"

namespace kevbench::workload::http {

/// Unanswered requests a connection may have; one byte each.
inline constexpr std::size_t pipeline_limit = 65'536;
/// Bytes read and discarded from a client that sends on after its last reply.
inline constexpr std::size_t discard_limit = 1U << 20U;
/// How long accepting pauses when nothing else happens, and how long a mechanism without room for a
/// send is left alone; nanoseconds.
inline constexpr std::int64_t accept_pause = 100'000'000;
inline constexpr std::int64_t stall_pause = 1'000'000;
/// Waits after which a paused listener is tried again although no connection has closed.
inline constexpr std::uint32_t accept_pause_waits = 1024;

/// Used by one thread, which also destroys it.
template <class A, class Policy>
class server : public consumer<server<A, Policy>, Policy> {
  public:
    /// Both descriptors are watched from now on and outlive the server. Throws fault.
    server(const http_options& options, const typename A::variant_type& variant, int listener,
           int stop)
        : buffers(default_buffer_count(options.connections, options.batch), default_buffer_size(1)),
          mechanism(variant),
          batch_(options.batch),
          watch_limit_(options.watch_limit),
          accept_all_(options.accept_all),
          naive_(options.style == http_style::naive),
          optimistic_(options.style == http_style::optimistic),
          keep_alive_(options.keep_alive),
          modifies_((variant.fixed.capabilities & adapter::caps::modify) != 0),
          one_shot_(variant.fixed.mode == adapter::trigger::one_shot),
          reading_(adapter::bits::readable | (Policy::edge ? adapter::bits::read_hangup : 0U)),
          replies_(options.body),
          table_(options.connections) {
        adapter::config settings;
        settings.max_watches = options.connections + 2;
        settings.max_batch = options.batch;
        settings.buffers = buffers.set();
        open_adapter(mechanism, settings);
        watch_first(listener_, listener, adapter::bits::acceptable);
        watch_first(stop_, stop, adapter::bits::readable);
        require_registered(mechanism.flush(), variant.fixed, listener);
    }
    server(const server&) = delete;
    server& operator=(const server&) = delete;
    ~server() {
        mechanism.close();
        table_.for_each_open([](connection& each) { ::close(each.fd); });
    }

    /// Serves until the stop descriptor is readable. Throws fault when the mechanism fails.
    void run() {
        std::uint32_t paused_waits = 0;
        while (!stopping_) {
            const bool retry = !stalled_.empty();  // what this wait stalls gets its pause first
            const int delivered = mechanism.wait(timeout(), batch_, *this);
            if (delivered >= 0) [[likely]] {
                done_.events.count_wait(static_cast<std::uint32_t>(delivered));
            } else if (delivered != -EINTR) {
                fail("waiting", delivered);
            }
            if (failure_ != 0) [[unlikely]] {
                fail("watching the listener", failure_);
            }
            if (retry) [[unlikely]] {
                retry_stalled();
            }
            if (paused_) [[unlikely]] {
                if (delivered == 0 || slot_freed_ || ++paused_waits == accept_pause_waits) {
                    paused_waits = 0;
                    resume_accepting();
                }
            }
        }
        this->report(done_.events);
    }

    [[nodiscard]] const counters& done() const noexcept { return done_; }

    // What the consumer calls, from inside wait().

    [[nodiscard]] bool accepts_all() const noexcept { return accept_all_; }

    bool on_data(adapter::watch& target, const std::byte* data, std::size_t size) noexcept {
        if (&target == &stop_) {
            stopping_ = true;
            return true;
        }
        auto& client = static_cast<connection&>(target);
        if (client.at == stage::serving) [[likely]] {
            return serve(client, {reinterpret_cast<const char*>(data), size});
        }
        client.unread = true;
        client.discarded += size;
        return client.discarded <= discard_limit || drop(client);
    }

    void on_end(adapter::watch& target, int result) noexcept {
        if (&target == &stop_) {
            stopping_ = true;
            return;
        }
        if (&target == &listener_) {
            failure_ = result != 0 ? result : -EBADF;
            return;
        }
        auto& client = static_cast<connection&>(target);
        if (result < 0) {
            done_.count(error_class::reset);
            drop(client);
            return;
        }
        if (client.at == stage::serving && client.scanner.inside_request()) {
            done_.count(error_class::end_in_request);
        }
        const bool again = std::exchange(client.input_ended, true);
        if (client.replies.empty() || client.at == stage::draining) {
            drop(client);
            return;
        }
        client.at = stage::finishing;
        if constexpr (!Policy::completes) {
            if (again) {
                // io_uring's poll reports the client's end whether asked to or not, so waiting for
                // room to send would spin: this connection is tried after a pause instead.
                stall(client);
            } else {
                // The end stays readable: a level-triggered mechanism must not be asked for it.
                set_interest(client, adapter::bits::writable);
            }
        }
    }

    void on_sent(adapter::watch& target, int result) noexcept {
        auto& client = static_cast<connection&>(target);
        client.sending = false;
        if (result != static_cast<int>(replies_.bytes(client.replies.front()).size())) {
            send_failed(client);
            return;
        }
        client.replies.pop();
        ++done_.replies;
        flush(client);
    }

    bool on_writable(adapter::watch& target) noexcept {
        return flush(static_cast<connection&>(target));
    }

    void on_accepted(adapter::watch& /*listener*/, int fd) noexcept {
        ++done_.connections;
        connection* const client = table_.acquire();
        if (client == nullptr) {
            done_.count(error_class::over_limit);
            ::close(fd);
            return;
        }
        client->fd = fd;
        client->socket = true;
        client->interest = reading_;
        if constexpr (!Policy::completes) {
            if (optimistic_ && !read_ahead(*client)) {
                return;
            }
        }
        if (watch_limit_ != 0 && watched_ + 1 >= watch_limit_) [[unlikely]] {
            done_.count(error_class::not_watched);
            return;  // what 2006 did: nobody ever looks at it again
        }
        if (mechanism.add(*client) != 0) {
            done_.count(error_class::not_watched);
            drop(*client);
            return;
        }
        client->watched = true;
        ++watched_;
        ++done_.registrations;
    }

    bool on_accept_failed(adapter::watch& /*listener*/, int result) noexcept {
        switch (-result) {
            case EINTR:
                return true;
            // The connection is gone before it was accepted; accept(2) lists these for TCP.
            case ECONNABORTED:
            case EPROTO:
            case ENETDOWN:
            case ENOPROTOOPT:
            case EHOSTDOWN:
            case ENONET:
            case EHOSTUNREACH:
            case EOPNOTSUPP:
            case ENETUNREACH:
                done_.count(error_class::accept_aborted);
                return true;
            default:
                // EMFILE, ENFILE, ENOBUFS, ENOMEM, and anything unknown, which must not spin.
                done_.count(error_class::accept_limited);
                paused_ = true;
                slot_freed_ = false;
                set_interest(listener_, 0);
                return false;
        }
    }

    buffer_pool buffers;
    A mechanism;

  private:
    [[noreturn]] void fail(std::string_view step, int result) {
        const adapter::traits& fixed = mechanism.describe();
        throw fault(fmt::format("{} {}: {}: {}", fixed.mechanism, fixed.variant, step,
                                std::strerror(-result)));
    }

    void watch_first(adapter::watch& target, int fd, std::uint32_t interest) {
        target.fd = fd;
        target.socket = true;
        target.interest = interest;
        require_registered(mechanism.add(target), mechanism.describe(), fd);
    }

    [[nodiscard]] std::int64_t timeout() const noexcept {
        if (stalled_.empty() && !paused_) [[likely]] {
            return adapter::wait_forever;
        }
        return stalled_.empty() ? accept_pause : stall_pause;
    }

    /// Takes what a new connection has sent by now, one read as after an event.
    bool read_ahead(connection& client) noexcept {
        std::byte* const buffer = buffers.next();
        const adapter::submission answer =
            mechanism.submit({adapter::op_kind::receive, &client, buffer, buffers.size()});
        if (answer.result > 0) {
            return serve(client, {reinterpret_cast<const char*>(buffer),
                                  static_cast<std::size_t>(answer.result)});
        }
        if (answer.result == -EAGAIN) {
            return true;
        }
        if (answer.result < 0) {
            done_.count(error_class::reset);
        }
        return drop(client);
    }

    /// False when the connection is gone, as with every function here that answers bool.
    bool serve(connection& client, std::string_view input) noexcept {
        try {
            take_requests(client, input);
        } catch (const std::bad_alloc&) {
            done_.count(error_class::other);
            return drop(client);
        }
        if (client.replies.size() > pipeline_limit) {
            done_.count(error_class::pipeline_too_deep);
            return drop(client);
        }
        if (client.replies.empty()) {
            return true;
        }
        if constexpr (!Policy::completes) {
            if (naive_) {
                set_interest(client, adapter::bits::writable);
                return true;
            }
        }
        return flush(client);
    }

    void take_requests(connection& client, std::string_view input) {
        while (!input.empty()) {
            const request_scanner::step step = client.scanner.next(input);
            input.remove_prefix(step.used);
            if (step.outcome == scan_outcome::incomplete) {
                return;
            }
            const reply answer = choose_reply(step.outcome, step.parsed, keep_alive_);
            if (refuses(answer)) {
                done_.count(refusal_class(answer));
            } else {
                ++done_.requests;
            }
            client.replies.push(answer);
            if (closes(answer)) {
                client.at = stage::finishing;
                client.unread = refuses(answer) || !input.empty();
                return;
            }
        }
    }

    static error_class refusal_class(reply answer) noexcept {
        return static_cast<error_class>(static_cast<unsigned>(answer) -
                                        static_cast<unsigned>(reply::bad_request));
    }
    static_assert(static_cast<unsigned>(reply::version_unknown) -
                      static_cast<unsigned>(reply::bad_request) ==
                  static_cast<unsigned>(error_class::version_unknown));

    /// Sends what can be sent now.
    bool flush(connection& client) noexcept {
        if constexpr (Policy::completes) {
            return flush_completion(client);
        } else {
            return flush_readiness(client);
        }
    }

    bool flush_completion(connection& client) noexcept {
        if (client.replies.empty()) {
            return settle(client);
        }
        if (client.sending) {
            return true;
        }
        const auto bytes = replies_.bytes(client.replies.front());
        const adapter::submission answer =
            mechanism.submit({adapter::op_kind::send, &client, bytes.data(), bytes.size()});
        switch (answer.outcome) {
            case adapter::verdict::queued:
                client.sending = true;
                return true;
            case adapter::verdict::full:
                return stall(client);
            default:
                return send_failed(client);
        }
    }

    bool flush_readiness(connection& client) noexcept {
        while (!client.replies.empty()) {
            const auto rest = replies_.bytes(client.replies.front()).subspan(client.sent);
            const adapter::submission answer =
                mechanism.submit({adapter::op_kind::send, &client, rest.data(), rest.size()});
            if (answer.result < 0) {
                if (answer.result == -EAGAIN) {
                    set_interest(client,
                                 adapter::bits::writable | (client.input_ended ? 0U : reading_));
                    return true;
                }
                return send_failed(client);
            }
            client.sent += static_cast<std::uint32_t>(answer.result);
            if (static_cast<std::size_t>(answer.result) == rest.size()) {
                client.sent = 0;
                client.replies.pop();
                ++done_.replies;
            }
        }
        const bool ends = client.at == stage::finishing && !client.unread;
        if (client.interest != reading_ && !client.input_ended && !ends) {
            set_interest(client, reading_);
        }
        return settle(client);
    }

    /// All replies are sent: ends the connection if no further one is due.
    bool settle(connection& client) noexcept {
        if (client.at != stage::finishing) {
            return true;
        }
        if (client.input_ended || !client.unread) {
            return drop(client);
        }
        client.at = stage::draining;
        ::shutdown(client.fd, SHUT_WR);
        return true;
    }

    bool send_failed(connection& client) noexcept {
        done_.count(error_class::send_failed);
        return drop(client);
    }

    bool stall(connection& client) noexcept {
        if (!client.stalled) {
            try {
                stalled_.push_back(&client);
            } catch (const std::bad_alloc&) {
                return send_failed(client);
            }
            client.stalled = true;
        }
        return true;
    }

    void retry_stalled() noexcept {
        // A slot may have been reused since; then its flag is clear, or it is listed twice.
        for (connection* const each : std::exchange(stalled_, {})) {
            if (std::exchange(each->stalled, false)) {
                flush(*each);
            }
        }
    }

    /// Ends a connection; always false, so that callers can return it.
    bool drop(connection& client) noexcept {
        if (client.watched) {
            mechanism.remove(client);
            --watched_;
        }
        ::close(client.fd);
        table_.release(client);
        slot_freed_ = true;
        return false;
    }

    /// Watches `target` for something else. Variants that cannot modify register anew.
    void set_interest(adapter::watch& target, std::uint32_t interest) noexcept {
        const std::uint32_t before = std::exchange(target.interest, interest);
        if (&target != &listener_ && !static_cast<connection&>(target).watched) {
            return;  // the registration to come will have it
        }
        if (before == interest && !(modifies_ && one_shot_)) {
            return;
        }
        ++done_.changes;
        if (modifies_) {
            mechanism.modify(target);
            return;
        }
        if (before != 0) {
            mechanism.remove(target);
        }
        if (interest != 0) {
            mechanism.add(target);
        }
    }

    void resume_accepting() noexcept {
        paused_ = false;
        set_interest(listener_, adapter::bits::acceptable);
    }

    std::uint32_t batch_;
    std::uint32_t watch_limit_;
    std::uint32_t watched_ = 2;  // connections, the listener and the stop descriptor
    bool accept_all_;
    bool naive_;
    bool optimistic_;
    bool keep_alive_;
    bool modifies_;
    bool one_shot_;
    bool stopping_ = false;
    bool paused_ = false;      // not accepting
    bool slot_freed_ = false;  // a connection has closed since accepting was paused
    int failure_ = 0;
    std::uint32_t reading_;  // interest of a connection that is read from
    counters done_;
    responses replies_;
    connection_table table_;
    adapter::watch listener_;
    adapter::watch stop_;
    std::vector<connection*> stalled_;
};

}  // namespace kevbench::workload::http
