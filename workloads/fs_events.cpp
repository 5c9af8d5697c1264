// SPDX-License-Identifier: MIT
//
// fs_events: changes in folders. kevent watches each folder by itself; the others watch one inotify
// descriptor that watches all of them, as programs do.
//
// One operation is one change, made by the waiting thread: a file made or removed, or one byte
// written to a file. A folder changes at most once before the wait, so that nothing merges and
// every change has a report of its own; the change itself costs the same everywhere.
#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/common_parameters.hpp"
#include "engine/dispatch.hpp"
#include "engine/entry.hpp"
#include "engine/folder.hpp"
#include "engine/source_rounds.hpp"
#include "engine/via.hpp"
#include "kevbench/adapter/native_sources.hpp"

namespace kevbench::workload {

struct change_plan : source_plan {
    bool names = true;  ///< files come and go; else one is written to
};

/// A watched folder and the file that changes in it.
struct changed_folder {
    descriptor folder;
    descriptor file;  ///< open only where it is written to
    bool exists = false;
};

/// Makes the next change. False when the system refuses.
inline bool change(changed_folder& target, bool names) noexcept {
    constexpr const char* name = "file";
    if (!names) {
        constexpr char byte = 'x';
        return ::pwrite(target.file.get(), &byte, 1, 0) == 1;
    }
    target.exists = !target.exists;
    if (!target.exists) {
        return ::unlinkat(target.folder.get(), name, 0) == 0;
    }
    const descriptor made{::openat(target.folder.get(), name,
                                   O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, S_IRUSR | S_IWUSR)};
    return made.valid();
}

template <class A, class Policy, way Way>
class change_state : public source_table<A>, public consumer<change_state<A, Policy, Way>, Policy> {
  public:
    change_state(const change_plan& plan, const typename A::variant_type& variant)
        : source_table<A>(plan, variant), names_(plan.names) {
        if constexpr (Way == way::descriptor) {
            descriptor made{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
            if (!made.valid()) {
                throw fault(
                    fmt::format("creating an inotify descriptor: {}; see "
                                "fs.inotify.max_user_instances",
                                std::strerror(errno)));
            }
            this->watch_descriptor(hub_, std::move(made));
        }
        folders_.resize(plan.registered);
        if constexpr (Way != way::posted) {
            scratch_ = std::make_unique<scratch_folder>();
        }
        for (std::uint32_t at = 0; at < plan.registered; ++at) {
            register_folder(at);
        }
        require_registered(this->mechanism.flush(), this->mechanism.describe(), -1);
    }
    change_state(const change_state&) = delete;
    change_state& operator=(const change_state&) = delete;
    ~change_state() { this->mechanism.close(); }

    void on_occurred(adapter::watch& target, int happened) noexcept {
        const std::uint32_t wanted = names_ ? adapter::changes::created | adapter::changes::removed
                                            : adapter::changes::modified;
        if ((static_cast<std::uint32_t>(happened) & wanted) == 0) {
            this->give_up();
            return;
        }
        this->account(static_cast<source_watch&>(target), 1);
    }
    void on_data(adapter::watch& target, const std::byte* data, std::size_t size) noexcept {
        if constexpr (Way == way::posted) {
            this->account(static_cast<source_watch&>(target), size);
            return;
        }
        inotify_event record;
        for (; size >= sizeof record && !this->broken;) {
            std::memcpy(&record, data, sizeof record);
            const std::size_t length = sizeof record + record.len;
            const auto found = by_number_.find(record.wd);
            if ((record.mask & IN_Q_OVERFLOW) != 0 || found == by_number_.end() || length > size) {
                this->give_up();
                return;
            }
            this->account(*found->second, 1);
            data += length;
            size -= length;
        }
    }

    bool stimulate(std::uint64_t /*number*/) noexcept {
        source_watch& chosen = this->next_turn();
        this->stamp(chosen);
        if constexpr (Way == way::posted) {
            return this->mechanism.post(chosen, 1);
        } else {
            return change(folders_[static_cast<std::size_t>(&chosen - this->watches.data())],
                          names_);
        }
    }

  private:
    void register_folder(std::uint32_t at) {
        source_watch& each = this->watches[at];
        if constexpr (Way == way::posted) {
            require_registered(this->mechanism.add(each), this->mechanism.describe(), -1);
            return;
        } else {
            changed_folder& target = folders_[at];
            target.folder = scratch_->make_folder(at);
            if (!names_) {
                target.file.reset(::openat(target.folder.get(), "file",
                                           O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC,
                                           S_IRUSR | S_IWUSR));
                if (!target.file.valid()) {
                    throw fault(fmt::format("making a file: {}", std::strerror(errno)));
                }
            }
            watch_folder(each, target.folder.get(), at);
        }
    }

    void watch_folder(source_watch& each, int folder, std::uint32_t at) {
        if constexpr (Way == way::native) {
            const std::uint32_t wanted = names_
                                             ? adapter::changes::created | adapter::changes::removed
                                             : adapter::changes::modified;
            require_native(this->mechanism.add_directory(each, folder, wanted),
                           this->mechanism.describe(), "changes of folders");
        } else {
            const std::string name = (scratch_->path() / std::to_string(at)).string();
            const int number = ::inotify_add_watch(hub_.fd, name.c_str(),
                                                   names_ ? IN_CREATE | IN_DELETE : IN_MODIFY);
            if (number < 0) {
                throw fault(fmt::format("watching a folder: {}; see fs.inotify.max_user_watches",
                                        std::strerror(errno)));
            }
            by_number_[number] = &each;
        }
    }

    std::unique_ptr<scratch_folder> scratch_;
    std::vector<changed_folder> folders_;
    std::unordered_map<int, source_watch*> by_number_;
    source_watch hub_;
    bool names_;
};

namespace {

workload_info describe() {
    parameter kind;
    kind.name = "change";
    kind.initial_choice = "names";
    kind.choices = {"names", "content"};
    kind.help = "a file is made or removed in turn, or one is written to";
    parameter active = burst_parameter(1);
    active.help = "folders that change before the thread waits, at most as many as registered";
    return {"fs_events",
            "changes in folders: making one, and being told of it",
            "change",
            {sources_parameter(10, 4'096, "folders"), active, batch_parameter(64), kind,
             via_parameter()},
            true};
}

std::unique_ptr<cell> make(std::string_view mechanism, std::string_view variant,
                           const parameters& values) {
    change_plan plan;
    plan.registered = static_cast<std::uint32_t>(values.number("registered"));
    plan.active = active_flows(values);
    plan.batch = static_cast<std::uint32_t>(values.number("batch"));
    plan.turns = seeded_permutation(plan.registered);
    plan.names = values.choice("change") == "names";
    return dispatch(
        mechanism, variant,
        [&]<class A, class Policy>(
            const typename A::variant_type& chosen) -> std::unique_ptr<cell> {
            return choose_way<A, adapter::change_source<A>>(
                values.choice("via"), [&]<way Way>() -> std::unique_ptr<cell> {
                    return std::make_unique<source_cell<change_state<A, Policy, Way>, change_plan>>(
                        std::move(plan), chosen, name_way(Way, "inotify"));
                });
        });
}

}  // namespace

const entry entries::fs_events{describe, make};

}  // namespace kevbench::workload
