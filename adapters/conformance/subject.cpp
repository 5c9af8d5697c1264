// SPDX-License-Identifier: MIT
#include "subject.hpp"

#include <cerrno>

#include "kevbench/adapter/registry.hpp"
#include "kevbench/adapter/sharing.hpp"

namespace kevbench::adapter::conformance {
namespace {

template <event_adapter A>
class erased final : public subject {
  public:
    explicit erased(const typename A::variant_type& variant) : adapter_(variant) {}

    [[nodiscard]] const traits& describe() const noexcept override { return adapter_.describe(); }
    int open(const config& settings) override { return adapter_.open(settings); }
    int attach(const subject& first, const config& settings) override {
        if constexpr (shareable_adapter<A>) {
            return adapter_.attach(dynamic_cast<const erased&>(first).adapter_, settings);
        } else {
            return -EOPNOTSUPP;
        }
    }
    int add(watch& target) override { return adapter_.add(target); }
    int modify(watch& target) override { return adapter_.modify(target); }
    int remove(watch& target) override { return adapter_.remove(target); }
    submission submit(const operation& op) override { return adapter_.submit(op); }
    int flush() override { return adapter_.flush(); }
    int wait(std::int64_t timeout, std::uint32_t max, const event_sink& sink) override {
        return adapter_.wait(timeout, max, sink);
    }
    void close() override { adapter_.close(); }

  private:
    A adapter_;
};

}  // namespace

std::unique_ptr<subject> make_subject(std::string_view mechanism, std::string_view variant) {
    return visit_variant(mechanism, variant,
                         [](auto type, const auto& chosen) -> std::unique_ptr<subject> {
                             return std::make_unique<erased<typename decltype(type)::type>>(chosen);
                         });
}

}  // namespace kevbench::adapter::conformance
