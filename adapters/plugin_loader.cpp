// SPDX-License-Identifier: MIT
#include "kevbench/adapter/plugin_loader.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "kevbench/adapter/registry.hpp"
#include "plugin_table.hpp"

namespace kevbench::adapter {
namespace {

struct library_closer {
    void operator()(void* handle) const noexcept { ::dlclose(handle); }
};
using library = std::unique_ptr<void, library_closer>;

template <class... Values>
[[noreturn]] void refuse(const std::string& path, fmt::format_string<Values...> text,
                         Values&&... values) {
    throw plugin_error(
        fmt::format("plug-in {}: {}", path, fmt::format(text, std::forward<Values>(values)...)));
}

library open_library(const std::string& path) {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) {
        refuse(path, "no such file: give the path of a shared library");
    }
    // Without a slash the dynamic linker would search its own folders instead.
    const std::string absolute = std::filesystem::absolute(path).string();
    library handle{::dlopen(absolute.c_str(), RTLD_NOW | RTLD_LOCAL)};
    if (!handle) {
        const char* const cause = ::dlerror();
        refuse(path, "not a loadable library ({}): build it with -shared for this machine",
               cause != nullptr ? cause : "no cause given");
    }
    return handle;
}

const kvb_plugin& find_table(const std::string& path, void* handle) {
    void* const symbol = ::dlsym(handle, KVB_PLUGIN_ENTRY);
    if (symbol == nullptr) {
        refuse(path, "symbol {} missing: define and export it as kevbench/adapter/plugin.h says",
               KVB_PLUGIN_ENTRY);
    }
    const kvb_plugin* const table = reinterpret_cast<kvb_plugin_entry_fn>(symbol)();
    if (table == nullptr) {
        refuse(path, "{} returned no table: return the address of a static struct kvb_plugin",
               KVB_PLUGIN_ENTRY);
    }
    return *table;
}

void check_sizes(const std::string& path, const kvb_plugin& table) {
    if (table.abi != KVB_PLUGIN_ABI) {
        refuse(path,
               "wrong ABI number: expected {}, got {}; rebuild it with this program's plugin.h",
               KVB_PLUGIN_ABI, table.abi);
    }
    struct row {
        std::string_view name;
        std::size_t expected;
        std::size_t given;
    };
    const std::array rows{row{"kvb_plugin", sizeof(kvb_plugin), table.plugin_size},
                          row{"kvb_config", sizeof(kvb_config), table.config_size},
                          row{"kvb_watch", sizeof(kvb_watch), table.watch_size},
                          row{"kvb_event", sizeof(kvb_event), table.event_size},
                          row{"kvb_variant", sizeof(kvb_variant), table.variant_size}};
    for (const row& size : rows) {
        if (size.expected != size.given) {
            refuse(path,
                   "wrong size of struct {}: expected {}, got {}; rebuild it with this program's "
                   "plugin.h",
                   size.name, size.expected, size.given);
        }
    }
}

void check_hooks(const std::string& path, const kvb_plugin& table) {
    struct row {
        std::string_view name;
        bool present;
    };
    const std::array rows{
        row{"probe", table.probe != nullptr},   row{"open", table.open != nullptr},
        row{"add", table.add != nullptr},       row{"modify", table.modify != nullptr},
        row{"remove", table.remove != nullptr}, row{"wait", table.wait != nullptr},
        row{"close", table.close != nullptr}};
    for (const row& hook : rows) {
        if (!hook.present) {
            refuse(path, "required hook {} missing: set it in struct kvb_plugin", hook.name);
        }
    }
}

/// Names become parts of case keys, command lines and file names.
bool is_name(const char* text) {
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789_-+";
    return text != nullptr && *text != '\0' &&
           std::string_view{text}.find_first_not_of(allowed) == std::string_view::npos;
}

plugin_variant translate(const std::string& path, const kvb_plugin& table, std::uint32_t index) {
    const kvb_variant& given = table.variants[index];
    if (!is_name(given.name)) {
        refuse(path, "variant {} has no valid name: use a-z, 0-9, '_', '-' and '+'", index);
    }
    if (given.trigger > KVB_TRIGGER_ONE_SHOT || given.discipline > KVB_READ_DRAIN) {
        refuse(path,
               "variant {} has an unknown trigger or discipline: use the constants of plugin.h",
               given.name);
    }
    if ((given.capabilities & KVB_CAP_COMPLETION) != 0 && table.submit == nullptr) {
        refuse(path, "required hook submit missing: variant {} delivers completions", given.name);
    }
    return {{table.mechanism, given.name, static_cast<trigger>(given.trigger),
             static_cast<read_discipline>(given.discipline), given.capabilities,
             given.descriptor_limit},
            &table,
            index};
}

bool exists(const traits& fixed) {
    try {
        return visit_variant(fixed.mechanism, fixed.variant,
                             [](auto, const auto&) { return true; });
    } catch (const std::out_of_range&) {
        return false;
    }
}

}  // namespace

std::vector<plugin_variant>& detail::plugin_variants() {
    static std::vector<plugin_variant> loaded;
    return loaded;
}

void load_plugin(const std::string& path) {
    library handle = open_library(path);
    const kvb_plugin& table = find_table(path, handle.get());
    check_sizes(path, table);
    check_hooks(path, table);
    if (!is_name(table.mechanism)) {
        refuse(path, "no valid mechanism name: use a-z, 0-9, '_', '-' and '+'");
    }
    if (table.variants == nullptr || table.variant_count == 0) {
        refuse(path, "no variants: a mechanism has at least one");
    }
    std::vector<plugin_variant> accepted;
    std::set<std::string_view> names;
    for (std::uint32_t index = 0; index < table.variant_count; ++index) {
        plugin_variant variant = translate(path, table, index);
        if (!names.insert(variant.fixed.variant).second || exists(variant.fixed)) {
            refuse(path, "{}/{} exists already: choose another name, or load the library once",
                   variant.fixed.mechanism, variant.fixed.variant);
        }
        accepted.push_back(variant);
    }
    std::vector<plugin_variant>& loaded = detail::plugin_variants();
    loaded.insert(loaded.end(), accepted.begin(), accepted.end());
    static_cast<void>(handle.release());  // names and hooks are used until the process ends
}

}  // namespace kevbench::adapter
