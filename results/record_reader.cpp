// SPDX-License-Identifier: MIT
#include "kevbench/results/record_reader.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>
#include <vector>

#include "kevbench/results/error.hpp"
#include "kevbench/results/schema.hpp"

namespace kevbench::results {
namespace {

struct closer {
    void operator()(std::FILE* file) const { static_cast<void>(std::fclose(file)); }
};
using owned_file = std::unique_ptr<std::FILE, closer>;

owned_file open_for_reading(const std::filesystem::path& path) {
    owned_file file{std::fopen(path.c_str(), "rbe")};
    if (!file)
        throw data_error(fmt::format("{}: {}: name an existing results file", path.string(),
                                     std::generic_category().message(errno)));
    // Blocks are large and read once, so stdio's own buffer would only copy.
    static_cast<void>(std::setvbuf(file.get(), nullptr, _IONBF, 0));
    return file;
}

class line_splitter {
  public:
    line_splitter(const std::filesystem::path& path,
                  const std::function<void(std::string_view, std::uint64_t)>& use)
        : path_(path), use_(use) {}

    /// Hands over every whole line of `text`; returns how many bytes they were.
    std::size_t take(std::string_view text) {
        std::size_t taken = 0;
        for (;;) {
            const auto newline = text.find('\n', taken);
            if (newline == std::string_view::npos) return taken;
            ++number_;
            const auto line = text.substr(taken, newline - taken);
            taken = newline + 1;
            if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
            hand_over(line);
            ++records_;
        }
    }
    [[nodiscard]] std::uint64_t records() const noexcept { return records_; }

  private:
    void hand_over(std::string_view line) {
        try {
            use_(line, number_);
        } catch (const data_error& fault) {
            throw data_error(fmt::format("{}:{}: {}", path_.string(), number_, fault.what()));
        }
    }

    const std::filesystem::path& path_;
    const std::function<void(std::string_view, std::uint64_t)>& use_;
    std::uint64_t number_ = 0;
    std::uint64_t records_ = 0;
};

}  // namespace

read_report for_each_line(const std::filesystem::path& path,
                          const std::function<void(std::string_view, std::uint64_t)>& use) {
    constexpr std::size_t initial_size = std::size_t{1} << 20U;
    constexpr std::string_view gzip_magic = "\x1f\x8b";
    const auto file = open_for_reading(path);
    std::vector<char> buffer(initial_size);
    std::size_t held = 0;  // bytes of an unfinished line at the buffer's start
    bool first_block = true;
    line_splitter splitter{path, use};
    for (;;) {
        if (held == buffer.size()) buffer.resize(buffer.size() * 2);
        const auto got = std::fread(buffer.data() + held, 1, buffer.size() - held, file.get());
        if (got == 0) break;
        const std::string_view text{buffer.data(), held + got};
        if (std::exchange(first_block, false) && text.starts_with(gzip_magic))
            throw data_error(
                fmt::format("{}: is compressed: unpack it with gunzip first", path.string()));
        const auto taken = splitter.take(text);
        held = text.size() - taken;
        std::memmove(buffer.data(), buffer.data() + taken, held);
    }
    if (std::ferror(file.get()) != 0)
        throw data_error(
            fmt::format("{}: {}", path.string(), std::generic_category().message(errno)));
    return {splitter.records(), held};
}

read_report for_each_record(const std::filesystem::path& path,
                            const std::function<void(nlohmann::json&&)>& use) {
    return for_each_line(path, [&use](std::string_view line, std::uint64_t) {
        auto record = nlohmann::json::parse(line, nullptr, false);
        if (record.is_discarded() || !record.is_object())
            throw data_error("not a JSON object: the file is corrupt, remove this line to go on");
        const auto text = [&record](const char* field) {
            const auto found = record.find(field);
            return found != record.end() && found->is_string() ? found->get<std::string>()
                                                               : std::string{};
        };
        check_schema(text("schema"), text("schema_version"));
        use(std::move(record));
    });
}

}  // namespace kevbench::results
