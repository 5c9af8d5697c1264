// SPDX-License-Identifier: MIT
//
// Sources, flows, buffers and the opened adapter that watches them: what setup() makes for most
// workloads, outside the timed region.
#pragma once

#include <errno.h>
#include <fmt/format.h>

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "engine/buffers.hpp"
#include "engine/consumer.hpp"
#include "engine/flow.hpp"
#include "engine/source.hpp"
#include "kevbench/adapter/contract.hpp"
#include "kevbench/workload/error.hpp"

namespace kevbench::workload {

struct table_plan {
    source_kind source = source_kind::unix_stream;
    std::uint32_t registered = 1;
    std::uint32_t payload = 1;  ///< bytes of one message
    std::uint32_t batch = 64;   ///< events a wait delivers, at most
    std::uint32_t buffers = 64;
    std::uint32_t ring = 0;  ///< entries of a mechanism's ring; 0 = enough for all watches
};

/// Throws not_available when the cause is a limit of the mechanism, fault otherwise, unless
/// `status` (0 or -errno) is 0.
inline void require_registered(int status, const adapter::traits& fixed, int fd) {
    if (status == 0) {
        return;
    }
    if (status == -EMFILE && fixed.descriptor_limit != 0) {
        throw not_available(
            fmt::format("not applicable: descriptor limit: {} {} cannot watch descriptor {}, only "
                        "those below {}; lower registered",
                        fixed.mechanism, fixed.variant, fd, fixed.descriptor_limit));
    }
    throw fault(fmt::format("{} {} refused descriptor {}: {}", fixed.mechanism, fixed.variant, fd,
                            std::strerror(-status)));
}

/// The same for a native source, which `what` names.
inline void require_native(int status, const adapter::traits& fixed, std::string_view what) {
    if (status == -EOPNOTSUPP) {
        throw not_available(
            fmt::format("not applicable: {} {} has no {} on this kernel; use via=descriptor",
                        fixed.mechanism, fixed.variant, what));
    }
    if (status != 0) {
        throw fault(fmt::format("{} {} refused {}: {}", fixed.mechanism, fixed.variant, what,
                                std::strerror(-status)));
    }
}

inline void require_messages(std::uint64_t arrived, std::uint64_t expected) {
    if (arrived != expected) {
        throw fault(fmt::format("{} messages arrived where {} were sent, so the run is void",
                                arrived, expected));
    }
}

template <class A>
void open_adapter(A& mechanism, const adapter::config& settings) {
    if (const int status = mechanism.open(settings); status != 0) {
        const adapter::traits& fixed = mechanism.describe();
        throw fault(fmt::format("opening {} {} for {} watches: {}", fixed.mechanism, fixed.variant,
                                settings.max_watches, std::strerror(-status)));
    }
}

/// Watches every flow for reading. Not thread-safe; destroy on the thread that made it.
template <class A>
class watch_table {
  public:
    watch_table(const table_plan& plan, const typename A::variant_type& variant)
        : buffers(plan.buffers, default_buffer_size(plan.payload)),
          flows(plan.registered),
          mechanism(variant),
          batch(plan.batch),
          sources_(synthetic_adapter<A> ? channel_set{}
                                        : channel_set{plan.source, plan.registered, plan.payload}) {
        adapter::config settings;
        settings.max_watches = plan.registered;
        settings.max_batch = plan.batch;
        settings.buffers = buffers.set();
        settings.ring_entries = plan.ring;
        open_adapter(mechanism, settings);
        for (std::uint32_t at = 0; at < plan.registered; ++at) {
            flow& each = flows[at];
            each.interest = adapter::bits::readable;
            if constexpr (!synthetic_adapter<A>) {
                each.fd = sources_.watched(at);
                each.far = sources_.far(at);
                each.socket = is_socket(plan.source);
                each.pipe = plan.source == source_kind::pipe;
            }
            require_registered(mechanism.add(each), mechanism.describe(), each.fd);
        }
        require_registered(mechanism.flush(), mechanism.describe(), -1);
    }
    watch_table(const watch_table&) = delete;
    watch_table& operator=(const watch_table&) = delete;
    /// close() cancels what is in flight while flows, buffers and descriptors still exist.
    ~watch_table() { mechanism.close(); }

    buffer_pool buffers;
    std::vector<flow> flows;  // never resized: adapters hold addresses
    A mechanism;
    std::uint32_t batch;

  private:
    channel_set sources_;
};

}  // namespace kevbench::workload
