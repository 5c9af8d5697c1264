// SPDX-License-Identifier: MIT
#include "kevbench/adapter/select.hpp"

#include <fcntl.h>

#include <array>
#include <new>

#include "trial.hpp"

namespace kevbench::adapter {
namespace {

constexpr std::array all{
    select_variant{{"select", "select", trigger::level, read_discipline::once,
                    caps::modify | caps::fine_timeout, FD_SETSIZE},
                   select_call::select},
    select_variant{{"select", "pselect", trigger::level, read_discipline::once,
                    caps::modify | caps::sigmask | caps::fine_timeout, FD_SETSIZE},
                   select_call::pselect},
    select_variant{{"select", "bigset", trigger::level, read_discipline::once,
                    caps::modify | caps::sigmask | caps::fine_timeout, 0},
                   select_call::bigset},
};

/// What pselect6 takes as its sixth argument.
struct kernel_mask {
    const sigset_t* mask;
    std::size_t size;
};
constexpr std::size_t kernel_sigset_size = 8;

}  // namespace

std::span<const select_variant> select_adapter::variants() {
    return all;
}

availability select_adapter::probe(const select_variant& variant) {
    return detail::try_out<select_adapter>(
        variant, variant.call == select_call::bigset ? "pselect6" : variant.fixed.variant);
}

int select_adapter::open(const config& settings) noexcept {
    if (max_batch_ != 0 || settings.max_batch == 0 ||
        (settings.wait_mask != nullptr && variant_.call == select_call::select)) {
        return -EINVAL;
    }
    // The C library's calls are given bitmaps of the size they are declared with.
    if (const int status = grow(FD_SETSIZE - 1); status != 0) {
        return status;
    }
    max_batch_ = settings.max_batch;
    max_watches_ = settings.max_watches;
    mask_ = settings.wait_mask;
    return 0;
}

int select_adapter::grow(int fd) noexcept {
    const auto number = static_cast<std::size_t>(fd);
    if (number < targets_.size()) {
        return 0;
    }
    const std::size_t words = std::max(number / word_bits + 1, targets_.size() * 3 / 2 / word_bits);
    try {
        for (std::vector<word>* set :
             {&reading_.master, &reading_.result, &writing_.master, &writing_.result}) {
            set->resize(words);
        }
        targets_.resize(words * word_bits);
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    }
    return 0;
}

bool select_adapter::holds(const watch& target) const noexcept {
    return target.fd >= 0 && static_cast<std::size_t>(target.fd) < targets_.size() &&
           targets_[static_cast<std::size_t>(target.fd)] == &target;
}

int select_adapter::add(watch& target) noexcept {
    if (target.fd < 0) {
        return -EBADF;
    }
    const std::uint32_t limit = variant_.fixed.descriptor_limit;
    if (limit != 0 && static_cast<std::uint32_t>(target.fd) >= limit) {
        return -EMFILE;  // FD_SET would write beyond the bitmap
    }
    if (const int status = grow(target.fd); status != 0) {
        return status;
    }
    watch*& place = targets_[static_cast<std::size_t>(target.fd)];
    if (place != nullptr) {
        return -EEXIST;
    }
    if (registered_ >= max_watches_) {
        return -ENOSPC;
    }
    place = &target;
    ++registered_;
    highest_ = std::max(highest_, target.fd);
    set_interest(target, target.interest);
    return 0;
}

int select_adapter::modify(watch& target) noexcept {
    if (!holds(target)) {
        return -ENOENT;
    }
    set_interest(target, target.interest);
    return 0;
}

int select_adapter::remove(watch& target) noexcept {
    if (!holds(target)) {
        return -ENOENT;
    }
    set_interest(target, 0);
    // Not in what is left of the batch either.
    const auto number = static_cast<std::size_t>(target.fd);
    const word others = ~(word{1} << (number % word_bits));
    reading_.result[number / word_bits] &= others;
    writing_.result[number / word_bits] &= others;
    targets_[number] = nullptr;
    --registered_;
    while (highest_ >= 0 && targets_[static_cast<std::size_t>(highest_)] == nullptr) {
        --highest_;
    }
    return 0;
}

void select_adapter::set_interest(const watch& target, std::uint32_t interest) noexcept {
    assign(reading_, target.fd, (interest & (bits::readable | bits::acceptable)) != 0);
    assign(writing_, target.fd, (interest & bits::writable) != 0);
}

void select_adapter::assign(bitmap& set, int fd, bool member) noexcept {
    const auto number = static_cast<std::size_t>(fd);
    word& place = set.master[number / word_bits];
    const word bit = word{1} << (number % word_bits);
    if (member == ((place & bit) != 0)) {
        return;
    }
    place ^= bit;
    if (member) {
        ++set.members;
    } else if (--set.members == 0) {
        // From now on this set is not passed to the kernel, so nothing overwrites old results.
        std::fill(set.result.begin(), set.result.end(), word{0});
    }
}

int select_adapter::call(std::int64_t timeout) noexcept {
    const std::size_t words = words_in_use();
    const auto prepare = [words](bitmap& set) -> void* {
        if (set.members == 0) {
            return nullptr;
        }
        std::copy_n(set.master.begin(), words, set.result.begin());
        return set.result.data();
    };
    void* const reading = prepare(reading_);
    void* const writing = prepare(writing_);
    const int count = highest_ + 1;
    if (variant_.call == select_call::select) {
        timeval limit{};
        if (timeout > 0) {
            const std::int64_t limited = std::min(timeout, detail::longest_timeout);
            const std::int64_t microseconds = limited / 1000 + (limited % 1000 != 0 ? 1 : 0);
            limit = {microseconds / 1'000'000, microseconds % 1'000'000};
        }
        const int ready =
            ::select(count, static_cast<fd_set*>(reading), static_cast<fd_set*>(writing), nullptr,
                     timeout < 0 ? nullptr : &limit);
        return ready < 0 ? -errno : ready;
    }
    timespec storage;
    timespec* const limit = detail::to_timespec(timeout, storage);
    if (variant_.call == select_call::pselect) {
        const int ready = ::pselect(count, static_cast<fd_set*>(reading),
                                    static_cast<fd_set*>(writing), nullptr, limit, mask_);
        return ready < 0 ? -errno : ready;
    }
    const kernel_mask mask{mask_, kernel_sigset_size};
    const long ready = ::syscall(SYS_pselect6, count, reading, writing, nullptr, limit, &mask);
    return ready < 0 ? -errno : static_cast<int>(ready);
}

watch* select_adapter::next_broken() noexcept {
    for (int fd = 0; fd <= highest_; ++fd) {
        watch* const target = targets_[static_cast<std::size_t>(fd)];
        const auto number = static_cast<std::size_t>(fd);
        if (target != nullptr && (test(reading_.master, number) || test(writing_.master, number)) &&
            ::fcntl(fd, F_GETFD) < 0) {
            set_interest(*target, 0);
            return target;
        }
    }
    return nullptr;
}

void select_adapter::close() noexcept {
    for (bitmap* set : {&reading_, &writing_}) {
        std::fill(set->master.begin(), set->master.end(), word{0});
        std::fill(set->result.begin(), set->result.end(), word{0});
        set->members = 0;
    }
    std::fill(targets_.begin(), targets_.end(), nullptr);
    registered_ = 0;
    max_watches_ = 0;
    highest_ = -1;
}

static_assert(event_adapter<select_adapter>);

}  // namespace kevbench::adapter
