// SPDX-License-Identifier: MIT
//
// Any adapter behind virtual calls, so that a test body is compiled once and not once per adapter.
// For tests only: measured loops are templates.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "kevbench/adapter/contract.hpp"

namespace kevbench::adapter::conformance {

using event_sink = std::function<void(const event&)>;

/// The verbs of the contract; see there.
class subject {
  public:
    subject() = default;
    subject(const subject&) = delete;
    subject& operator=(const subject&) = delete;
    virtual ~subject() = default;

    [[nodiscard]] virtual const traits& describe() const noexcept = 0;
    virtual int open(const config& settings) = 0;
    /// Of sharing.hpp; EOPNOTSUPP where the type has no such verb. `first` is of the same variant.
    virtual int attach(const subject& first, const config& settings) = 0;
    virtual int add(watch& target) = 0;
    virtual int modify(watch& target) = 0;
    virtual int remove(watch& target) = 0;
    virtual submission submit(const operation& op) = 0;
    virtual int flush() = 0;
    virtual int wait(std::int64_t timeout, std::uint32_t max, const event_sink& sink) = 0;
    virtual void close() = 0;
};

/// Throws std::out_of_range for an unknown name.
[[nodiscard]] std::unique_ptr<subject> make_subject(std::string_view mechanism,
                                                    std::string_view variant);

}  // namespace kevbench::adapter::conformance
