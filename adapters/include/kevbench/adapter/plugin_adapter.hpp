// SPDX-License-Identifier: MIT
//
// An adapter of a loaded library. One indirect call per wait(), none per event: the library fills
// an array which is delivered from here, so that removal from inside the sink works the same way
// for every plug-in, without its help.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "kevbench/adapter/contract.hpp"
#include "kevbench/adapter/detail/direct_io.hpp"
#include "kevbench/adapter/plugin.h"

namespace kevbench::adapter {

struct plugin_variant {
    traits fixed;  ///< names point into the library, which stays loaded
    const kvb_plugin* table = nullptr;
    std::uint32_t index = 0;  ///< in table->variants
};

class plugin_adapter {
  public:
    using variant_type = plugin_variant;

    explicit plugin_adapter(const plugin_variant& variant) : variant_(variant) {}
    plugin_adapter(const plugin_adapter&) = delete;
    plugin_adapter& operator=(const plugin_adapter&) = delete;
    ~plugin_adapter() { close(); }

    /// Those of every library loaded so far. Invalidated by load_plugin().
    static std::span<const plugin_variant> variants();
    static availability probe(const plugin_variant& variant);

    [[nodiscard]] const traits& describe() const noexcept { return variant_.fixed; }
    int open(const config& settings) noexcept;
    int add(watch& target) noexcept { return table().add(self_, foreign(target)); }
    int modify(watch& target) noexcept { return table().modify(self_, foreign(target)); }
    int remove(watch& target) noexcept;
    submission submit(const operation& op) noexcept;
    int flush() noexcept { return table().flush != nullptr ? table().flush(self_) : 0; }
    void close() noexcept;

    template <class Sink>
    int wait(std::int64_t timeout, std::uint32_t max, Sink&& sink) {
        const int count = table().wait(self_, timeout, events_.data(),
                                       std::min(max, static_cast<std::uint32_t>(events_.size())));
        if (count <= 0) {
            return count;
        }
        count_ = end_ = static_cast<std::uint32_t>(count);
        for (std::uint32_t at = 0; at != end_;) {
            const kvb_event& source = events_[at];
            const event delivered{native(source.target), source.bits, source.result,
                                  static_cast<const std::byte*>(source.data)};
            cursor_ = ++at;
            sink(delivered);
        }
        return static_cast<int>(count_);
    }

  private:
    // The structs on both sides of the boundary are the same bytes; each side uses its own name.
    static_assert(sizeof(watch) == sizeof(kvb_watch) && alignof(watch) == alignof(kvb_watch) &&
                  std::is_standard_layout_v<watch> &&
                  offsetof(watch, fd) == offsetof(kvb_watch, fd) &&
                  offsetof(watch, interest) == offsetof(kvb_watch, interest) &&
                  offsetof(watch, socket) == offsetof(kvb_watch, socket) &&
                  offsetof(watch, slot) == offsetof(kvb_watch, slot));

    [[nodiscard]] static kvb_watch* foreign(watch& target) noexcept {
        return reinterpret_cast<kvb_watch*>(&target);
    }
    [[nodiscard]] static watch* native(kvb_watch* target) noexcept {
        return reinterpret_cast<watch*>(target);
    }
    [[nodiscard]] const kvb_plugin& table() const noexcept { return *variant_.table; }

    plugin_variant variant_;
    void* self_ = nullptr;
    std::vector<kvb_event> events_;
    std::uint32_t cursor_ = 0;  // next to deliver
    std::uint32_t end_ = 0;     // of the batch being delivered
    std::uint32_t count_ = 0;   // events of this batch that are or will be delivered
};

}  // namespace kevbench::adapter
