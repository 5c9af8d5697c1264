// SPDX-License-Identifier: MIT
#include "kevbench/adapter/plugin_adapter.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <new>
#include <type_traits>

#include "plugin_table.hpp"
#include "trial.hpp"

namespace kevbench::adapter {
namespace {

// Every value that crosses the boundary untranslated.
static_assert(KVB_READABLE == bits::readable && KVB_WRITABLE == bits::writable &&
              KVB_ERROR == bits::error && KVB_HANGUP == bits::hangup &&
              KVB_BROKEN == bits::broken && KVB_READ_HANGUP == bits::read_hangup &&
              KVB_ACCEPTABLE == bits::acceptable && KVB_RECEIVED == bits::received &&
              KVB_SENT == bits::sent && KVB_ACCEPTED == bits::accepted);
static_assert(KVB_CAP_COMPLETION == caps::completion && KVB_CAP_SIGMASK == caps::sigmask &&
              KVB_CAP_FINE_TIMEOUT == caps::fine_timeout && KVB_CAP_MODIFY == caps::modify &&
              KVB_CAP_EXCLUSIVE == caps::exclusive &&
              KVB_CAP_KERNEL_THREAD == caps::kernel_thread &&
              KVB_CAP_REGISTERED_FILES == caps::registered_files &&
              KVB_CAP_BATCHED_CONTROL == caps::batched_control);
static_assert(KVB_TRIGGER_LEVEL == static_cast<unsigned>(trigger::level) &&
              KVB_TRIGGER_EDGE == static_cast<unsigned>(trigger::edge) &&
              KVB_TRIGGER_ONE_SHOT == static_cast<unsigned>(trigger::one_shot) &&
              KVB_READ_ONCE == static_cast<unsigned>(read_discipline::once) &&
              KVB_READ_DRAIN == static_cast<unsigned>(read_discipline::drain));
static_assert(KVB_RECEIVE == static_cast<unsigned>(op_kind::receive) &&
              KVB_SEND == static_cast<unsigned>(op_kind::send) &&
              KVB_ACCEPT == static_cast<unsigned>(op_kind::accept) &&
              KVB_DONE == static_cast<unsigned>(verdict::done) &&
              KVB_QUEUED == static_cast<unsigned>(verdict::queued) &&
              KVB_FULL == static_cast<unsigned>(verdict::full) && KVB_WAIT_FOREVER == wait_forever);

// A watch crosses it as a pointer, so the two declarations must agree byte by byte.
constexpr std::array native_layout{
    sizeof(watch),           alignof(watch),        offsetof(watch, fd),  offsetof(watch, interest),
    offsetof(watch, socket), offsetof(watch, pipe), offsetof(watch, slot)};
constexpr std::array foreign_layout{sizeof(kvb_watch),           alignof(kvb_watch),
                                    offsetof(kvb_watch, fd),     offsetof(kvb_watch, interest),
                                    offsetof(kvb_watch, socket), offsetof(kvb_watch, pipe),
                                    offsetof(kvb_watch, slot)};
static_assert(std::is_standard_layout_v<watch> && native_layout == foreign_layout);

}  // namespace

std::span<const plugin_variant> plugin_adapter::variants() {
    return detail::plugin_variants();
}

availability plugin_adapter::probe(const plugin_variant& variant) {
    std::array<char, 256> reason{};
    const int status = variant.table->probe(variant.index, reason.data(), reason.size());
    if (status == 0) {
        return {};
    }
    reason.back() = '\0';
    std::string text{reason.data()};
    if (text.empty()) {
        text = detail::explain(variant.fixed.mechanism, "probe", -status);
    }
    std::replace(text.begin(), text.end(), '\n', ' ');
    return {false, std::move(text)};
}

int plugin_adapter::open(const config& settings) noexcept {
    const bool masks = (variant_.fixed.capabilities & caps::sigmask) != 0;
    if (self_ != nullptr || settings.max_batch == 0 || (settings.wait_mask != nullptr && !masks)) {
        return -EINVAL;
    }
    try {
        events_.resize(settings.max_batch);
    } catch (const std::bad_alloc&) {
        return -ENOMEM;
    }
    const kvb_config translated{
        settings.max_watches,
        settings.max_batch,
        {settings.buffers.base, settings.buffers.count, settings.buffers.size},
        settings.wait_mask,
        settings.ring_entries};
    void* opened = nullptr;
    const int status = table().open(variant_.index, &translated, &opened);
    if (status == 0) {
        self_ = opened;
    }
    return status;
}

int plugin_adapter::remove(watch& target) noexcept {
    const auto end = events_.begin() + end_;
    const auto kept = cursor_ < end_ ? std::remove_if(events_.begin() + cursor_, end,
                                                      [&](const kvb_event& pending) {
                                                          return pending.target == foreign(target);
                                                      })
                                     : end;
    const auto dropped = static_cast<std::uint32_t>(end - kept);
    end_ -= dropped;
    count_ -= dropped;
    return table().remove(self_, foreign(target));
}

submission plugin_adapter::submit(const operation& op) noexcept {
    if (table().submit == nullptr) {
        return detail::perform(op);
    }
    const kvb_operation translated{static_cast<std::uint8_t>(op.kind), foreign(*op.target),
                                   op.buffer, op.size};
    const kvb_submission answer = table().submit(self_, &translated);
    return {static_cast<verdict>(answer.verdict), answer.result};
}

void plugin_adapter::close() noexcept {
    if (self_ != nullptr) {
        table().close(self_);
        self_ = nullptr;
    }
    cursor_ = end_ = 0;
}

static_assert(event_adapter<plugin_adapter>);

}  // namespace kevbench::adapter
