// SPDX-License-Identifier: MIT
#include "http/load/generator.hpp"

#include <errno.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/source.hpp"
#include "engine/watch_table.hpp"
#include "kevbench/workload/error.hpp"
#include "net/arrivals.hpp"

namespace kevbench::workload::http {
namespace {

constexpr double nanoseconds = 1e9;  // in a second
/// Turns taken between two looks at replies: a burst must not age the replies that are there.
constexpr std::uint32_t turns_at_once = 64;
/// Requests of one run: 16 bytes each, and hours at any rate that a machine reaches.
constexpr double most_requests = 50e6;
/// Bytes received at once; a reply of the 2006 test fits.
constexpr std::uint32_t receive_bytes = 16'384;

std::size_t planned_requests(const load_options& options) {
    const double wanted = std::round(options.rate * options.duration);
    if (!(options.rate > 0.0) || !(options.duration > 0.0) || !(options.timeout > 0.0)) {
        throw usage_error("rate, duration and timeout are above 0: change the one that is not");
    }
    if (wanted > most_requests) {
        throw usage_error(fmt::format(
            "{:.0f} requests are more than {:.0f}: lower rate or duration", wanted, most_requests));
    }
    if (options.connections == 0 || options.requests == 0 || options.burst == 0) {
        throw usage_error("connections, requests and burst are at least 1");
    }
    return static_cast<std::size_t>(std::max(wanted, 1.0));
}

/// Times of bursts are drawn as those of single requests, at so many fewer a second that the rate
/// is the same.
void draw_plan(const load_options& options, std::vector<std::int64_t>& plan) {
    const auto process =
        options.poisson ? net::arrival_process::poisson : net::arrival_process::fixed;
    std::vector<std::int64_t> times((plan.size() + options.burst - 1) / options.burst);
    net::draw_arrivals(process, options.rate / options.burst, options.seed, times);
    for (std::size_t at = 0; at < plan.size(); ++at) {
        plan[at] = times[at / options.burst];
    }
}

std::string request_text(std::string_view address, std::string_view extra) {
    return fmt::format("GET / HTTP/1.1\r\nHost: {}\r\nUser-Agent: kevbench\r\n{}\r\n", address,
                       extra);
}

load_error class_of(int error) noexcept {
    switch (error) {
        case 0:
            return load_error::short_reply;
        case ECONNREFUSED:
            return load_error::refused;
        case ECONNRESET:
        case EPIPE:
        case ECONNABORTED:
            return load_error::reset;
        case ETIMEDOUT:
            return load_error::timeout;
        case EADDRNOTAVAIL:
        case EADDRINUSE:
        case EAGAIN:  // what connect() answers when no local port is left
            return load_error::no_address;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
            return load_error::no_descriptor;
        default:
            return load_error::other;
    }
}

int pending_error(int fd) noexcept {
    int error = 0;
    socklen_t size = sizeof error;
    return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

}  // namespace

const adapter::epoll_variant& client_variant() {
    const adapter::epoll_variant& only = client_engine::variants().front();
    if (const adapter::availability state = client_engine::probe(only); !state.available) {
        throw not_available(fmt::format("the client needs epoll_pwait2: {}", state.reason));
    }
    return only;
}

generator::generator(const load_options& options, load_observer& observer)
    : buffers(default_buffer_count(1, client_batch), receive_bytes),
      mechanism(client_variant()),
      options_(options),
      observer_(observer),
      connector_(options.address, options.port, options.sources),
      request_(request_text(options.address, "")),
      last_request_(request_text(options.address, "Connection: close\r\n")),
      plan_(planned_requests(options)),
      lateness_(plan_.size()),
      lines_(options.connections),
      timeout_(static_cast<std::int64_t>(options.timeout * nanoseconds)) {
    require_descriptors(options.connections, fmt::format("connections={}", options.connections));
    // The default of 50 us would be part of every send.
    ::prctl(PR_SET_TIMERSLACK, 1);
    draw_plan(options, plan_);
    hard_end_ = plan_.back() + timeout_ +
                static_cast<std::int64_t>(std::max(options.duration / 4, 1.0) * nanoseconds);
    adapter::config settings;
    settings.max_watches = options.connections;
    settings.max_batch = client_batch;
    open_adapter(mechanism, settings);
    for (line& each : lines_) {
        each.socket = true;
        free_.push_back(&each);
    }
    done_.planned = plan_.size();
}

generator::~generator() {
    mechanism.close();
    for (line& each : lines_) {
        if (each.fd >= 0) {
            ::close(each.fd);
        }
    }
}

load_outcome generator::run() {
    start_ = observer_.now();
    done_.start_ns = start_;
    while (!settled()) {
        std::int64_t now = observer_.now() - start_;
        if (now >= hard_end_) {
            give_up(now);
            break;
        }
        take_turns(now);
        now = observer_.now() - start_;
        expire(now);
        if (settled()) {
            break;
        }
        const int delivered = mechanism.wait(next_alarm(now), client_batch, *this);
        if (delivered < 0 && delivered != -EINTR) {
            throw fault(fmt::format("the client cannot wait: {}", std::strerror(-delivered)));
        }
        begin_waiting(observer_.now() - start_);
    }
    done_.duration_ns = observer_.now() - start_;
    done_.pace = net::judge_punctuality(plan_, lateness_);
    return done_;
}

void generator::take_turns(std::int64_t now) noexcept {
    for (std::uint32_t taken = 0; taken < turns_at_once; ++taken) {
        if (due_ == plan_.size() || plan_[due_] > now) {
            return;
        }
        // A burst leaves as fast as the client can: only its first member can be late.
        const bool first = due_ % options_.burst == 0;
        lateness_[due_] = first ? now - plan_[due_] : lateness_[due_ - 1];
        observer_.due(lateness_[due_]);
        ++due_;
        if (begun_ + 1 == due_ && !free_.empty()) {
            begin(begun_++, now);
            now = observer_.now() - start_;
        } else {
            ++done_.queued;
        }
    }
}

void generator::begin_waiting(std::int64_t now) noexcept {
    while (begun_ < due_) {
        const std::uint64_t request = begun_;
        const bool too_late = now - plan_[request] - lateness_[request] > timeout_;
        if (!too_late && free_.empty()) {
            return;
        }
        ++begun_;
        if (too_late) {
            count_error(load_error::timeout, now + start_);
        } else {
            begin(request, now);
            now = observer_.now() - start_;
        }
    }
}

void generator::begin(std::uint64_t request, std::int64_t now) noexcept {
    line& chosen = *free_.front();
    free_.pop_front();
    ++done_.started;
    chosen.intended = plan_[request];
    chosen.started = now;
    const bool fresh = chosen.at == stage::closed;
    if (fresh && !open(chosen)) {
        return;
    }
    ++chosen.carried;
    if (!fresh || chosen.at == stage::resting) {
        if (!send_request(chosen)) {
            return;
        }
    }
    set_deadline(chosen, now + timeout_);
}

/// False when it failed, which is counted then.
bool generator::open(line& chosen) noexcept {
    connector::attempt made = connector_.open();
    if (!made.socket.valid()) {
        count_error(class_of(made.error), observer_.now());
        set_free(chosen);
        return false;
    }
    chosen.fd = made.socket.get();
    // A connection over loopback often stands already; then sending needs no wait.
    chosen.at = made.error == 0 ? stage::resting : stage::connecting;
    chosen.interest = adapter::bits::readable | (made.error == 0 ? 0U : adapter::bits::writable);
    if (const int status = mechanism.add(chosen); status != 0) {
        chosen.fd = -1;
        chosen.at = stage::closed;
        count_error(class_of(-status), observer_.now());
        set_free(chosen);
        return false;
    }
    made.socket.release();
    chosen.carried = 0;
    chosen.reader.reset();
    ++done_.connections;
    done_.most_open = std::max(done_.most_open, ++open_);
    return true;
}

bool generator::send_request(line& to) noexcept {
    const std::string& text = to.carried == options_.requests ? last_request_ : request_;
    const ssize_t put = ::send(to.fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put != static_cast<ssize_t>(text.size())) {
        // A request is far smaller than the emptiest send buffer, so a partial send is a fault.
        lose(to, put < 0 ? errno : EIO);
        return false;
    }
    to.at = stage::waiting;
    return true;
}

bool generator::on_writable(adapter::watch& target) noexcept {
    auto& to = static_cast<line&>(target);
    if (const int error = pending_error(to.fd); error != 0) {
        lose(to, error);
        return false;
    }
    to.interest = adapter::bits::readable;
    static_cast<void>(mechanism.modify(to));
    return to.at != stage::connecting || send_request(to);
}

bool generator::on_data(adapter::watch& target, const std::byte* data, std::size_t size) noexcept {
    auto& from = static_cast<line&>(target);
    done_.bytes += size;
    if (from.at != stage::waiting) {
        // Nobody asked for it.
        if (from.at == stage::resting) {
            ++done_.idle_drops;
            free_.erase(std::find(free_.begin(), free_.end(), &from));
        }
        shut(from, true);
        set_free(from);
        return false;
    }
    const reply_reader::step step = from.reader.take({reinterpret_cast<const char*>(data), size});
    switch (step.at) {
        case reply_reader::progress::incomplete:
            return true;
        case reply_reader::progress::malformed:
            fail(from, load_error::malformed);
            return false;
        case reply_reader::progress::complete:
            break;
    }
    if (step.used != size) {
        fail(from, load_error::malformed);
        return false;
    }
    const std::int64_t at = observer_.now();
    const int status = from.reader.status();
    from.reader.reset();
    if (status < 200 || status > 299) {
        count_error(load_error::status, at);
    } else {
        ++done_.replies;
        observer_.replied(from.intended + start_, from.started + start_, at);
    }
    if (from.carried == options_.requests) {
        from.at = stage::ending;
        set_deadline(from, at - start_ + timeout_);
        return true;
    }
    from.at = stage::resting;
    ++from.turn;
    set_free(from);
    return true;
}

void generator::on_end(adapter::watch& target, int result) noexcept {
    lose(static_cast<line&>(target), -result);
}

void generator::lose(line& of, int error) noexcept {
    switch (of.at) {
        case stage::resting:
            if (const auto at = std::find(free_.begin(), free_.end(), &of); at != free_.end()) {
                ++done_.idle_drops;
                free_.erase(at);
                break;
            }
            fail(of, class_of(error));  // found broken by the send
            return;
        case stage::ending:
            break;
        case stage::waiting:
            if (error == 0 && of.reader.end() == reply_reader::progress::complete) {
                const std::int64_t at = observer_.now();
                if (of.reader.status() / 100 == 2) {
                    ++done_.replies;
                    observer_.replied(of.intended + start_, of.started + start_, at);
                } else {
                    count_error(load_error::status, at);
                }
                break;
            }
            [[fallthrough]];
        default:
            fail(of, class_of(error));
            return;
    }
    shut(of, false);
    set_free(of);
}

void generator::fail(line& of, load_error why) noexcept {
    count_error(why, observer_.now());
    shut(of, true);
    set_free(of);
}

void generator::shut(line& of, bool reset) noexcept {
    if (reset) {
        reset_on_close(of.fd);
    }
    mechanism.remove(of);
    ::close(of.fd);
    of.fd = -1;
    of.at = stage::closed;
    ++of.turn;
    --open_;
}

void generator::set_free(line& of) noexcept {
    free_.push_back(&of);
}

void generator::count_error(load_error why, std::int64_t at) noexcept {
    ++done_.errors[static_cast<std::size_t>(why)];
    ++failures_;
    observer_.failed(why, at);
}

void generator::set_deadline(line& of, std::int64_t at) noexcept {
    deadlines_.push_back({at, &of, ++of.turn});
}

void generator::expire(std::int64_t now) noexcept {
    while (!deadlines_.empty()) {
        const deadline first = deadlines_.front();
        const bool old = first.of->turn != first.turn;
        if (!old && first.at > now) {
            return;
        }
        deadlines_.pop_front();
        if (old) {
            continue;
        }
        if (first.of->at == stage::ending) {
            shut(*first.of, true);
            set_free(*first.of);
        } else {
            fail(*first.of, load_error::timeout);
        }
    }
}

std::int64_t generator::next_alarm(std::int64_t now) const noexcept {
    std::int64_t at = hard_end_;
    if (due_ != plan_.size()) {
        at = std::min(at, plan_[due_]);
    }
    if (!deadlines_.empty()) {
        at = std::min(at, deadlines_.front().at);
    }
    return std::max<std::int64_t>(at - now, 0);
}

void generator::give_up(std::int64_t now) noexcept {
    for (line& each : lines_) {
        if (each.at == stage::waiting || each.at == stage::connecting) {
            fail(each, load_error::timeout);
        }
    }
    for (; due_ < plan_.size(); ++due_) {
        lateness_[due_] = std::max<std::int64_t>(now - plan_[due_], 0);
    }
    for (; begun_ < plan_.size(); ++begun_) {
        count_error(load_error::unsent, now + start_);
    }
}

}  // namespace kevbench::workload::http

namespace kevbench::workload {

load_outcome generate_load(const load_options& options, load_observer& observer) {
    return http::generator(options, observer).run();
}

}  // namespace kevbench::workload
