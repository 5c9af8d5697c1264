// SPDX-License-Identifier: MIT
//
// Events that the program makes: the mechanism's own, or an eventfd, or a pipe to oneself.
#pragma once

#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

#include "engine/source_rounds.hpp"
#include "engine/via.hpp"
#include "kevbench/adapter/native_sources.hpp"

namespace kevbench::workload {

struct user_plan : source_plan {
    source_kind object = source_kind::eventfd;  ///< eventfd or pipe, of the descriptor way
};

/// The two ends: what is watched, and what is written to (-1 where that is the same).
struct user_ends {
    descriptor watched;
    descriptor far;
};
/// Throws fault.
[[nodiscard]] user_ends make_user_ends(source_kind object);

/// Where posts of one thread go. Made and used by that thread.
template <class A, way Way>
class user_poster {
  public:
    /// Throws not_available when the mechanism cannot be posted to.
    explicit user_poster(A& mechanism) : mechanism_(mechanism) {
        if constexpr (Way == way::native) {
            require_native(native_.open(mechanism), mechanism.describe(), "posting events");
        }
    }
    /// False when it failed.
    bool post(source_watch& target, int far) noexcept {
        if constexpr (Way == way::posted) {
            // Merges as an eventfd does.
            return target.pending++ != 0 || mechanism_.post(target);
        } else if constexpr (Way == way::native) {
            return native_.post(target) == 0;
        } else {
            constexpr std::uint64_t one = 1;
            const bool pipe = far != target.fd;
            const std::size_t size = pipe ? 1 : sizeof one;
            return ::write(far, &one, size) == static_cast<ssize_t>(size);
        }
    }

  private:
    struct none {};
    template <class T, bool Has>
    struct type_of {
        using type = none;
    };
    template <class T>
    struct type_of<T, true> {
        using type = typename T::poster_type;
    };
    A& mechanism_;
    [[no_unique_address]] typename type_of<A, Way == way::native>::type native_;
};

/// `registered` such events, and the thread that waits for them.
template <class A, class Policy, way Way>
class user_state : public source_table<A>, public consumer<user_state<A, Policy, Way>, Policy> {
  public:
    user_state(const user_plan& plan, const typename A::variant_type& variant)
        : source_table<A>(plan, variant),
          own(this->mechanism),
          merges_(plan.object == source_kind::eventfd) {
        fars_.reserve(plan.registered);
        for (source_watch& each : this->watches) {
            if constexpr (Way == way::posted) {
                require_registered(this->mechanism.add(each), this->mechanism.describe(), -1);
            } else if constexpr (Way == way::native) {
                require_native(this->mechanism.add_user(each), this->mechanism.describe(),
                               "user events");
            } else {
                user_ends made = make_user_ends(plan.object);
                this->watch_descriptor(each, std::move(made.watched));
                fars_.push_back(std::move(made.far));
            }
        }
        require_registered(this->mechanism.flush(), this->mechanism.describe(), -1);
    }

    void on_occurred(adapter::watch& target, int posts) noexcept {
        take(target, static_cast<std::uint32_t>(posts));
    }
    void on_data(adapter::watch& target, const std::byte* data, std::size_t size) noexcept {
        if (Way == way::posted) {
            take(target, std::exchange(static_cast<source_watch&>(target).pending, 0U));
        } else if (merges_) {
            std::uint64_t posts = 0;
            std::memcpy(&posts, data, sizeof posts);
            take(target, posts);
        } else {
            take(target, size);
        }
    }

    bool stimulate(std::uint64_t /*number*/) noexcept {
        source_watch& chosen = this->next_turn();
        this->stamp(chosen);
        return own.post(chosen, far(chosen));
    }

    /// What to write to for `target`.
    [[nodiscard]] int far(const source_watch& target) const noexcept {
        if (Way != way::descriptor || merges_) {
            return target.fd;
        }
        return fars_[static_cast<std::size_t>(&target - this->watches.data())].get();
    }

    user_poster<A, Way> own;
    /// Called with each report, besides account(): the source's number and how many posts.
    void (*taken)(void* with, std::size_t source, std::uint64_t posts) noexcept = nullptr;
    void* taken_with = nullptr;

  private:
    void take(adapter::watch& target, std::uint64_t posts) noexcept {
        auto& from = static_cast<source_watch&>(target);
        this->account(from, posts);
        if (taken != nullptr) {
            taken(taken_with, static_cast<std::size_t>(&from - this->watches.data()), posts);
        }
    }

    std::vector<descriptor> fars_;
    bool merges_;
};

}  // namespace kevbench::workload
