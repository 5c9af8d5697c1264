// SPDX-License-Identifier: MIT
//
// Files and records for the tests of this folder.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

namespace kevbench::results::test {

/// A folder of the test's own, removed with the object.
class scratch_folder {
  public:
    scratch_folder() {
        std::string name = (std::filesystem::temp_directory_path() / "kvb-results-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
        path_ = name;
    }
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;
    ~scratch_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] std::filesystem::path file(const char* name = "results.jsonl") const {
        return path_ / name;
    }

  private:
    std::filesystem::path path_;
};

inline nlohmann::json record(const char* kind, nlohmann::json fields = nlohmann::json::object()) {
    fields.update({{"schema", "kvb.result"},
                   {"schema_version", "1.0"},
                   {"record", kind},
                   {"run_id", "01TEST"}});
    return fields;
}

inline void write_text(const std::filesystem::path& path, std::string_view text) {
    std::ofstream{path, std::ios::binary} << text;
}

inline std::string read_text(const std::filesystem::path& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

/// The message of the exception E that `call` throws.
template <class E, class F>
std::string message_of(F&& call) {
    try {
        call();
    } catch (const E& thrown) {
        return thrown.what();
    }
    ADD_FAILURE() << "nothing was thrown";
    return {};
}

}  // namespace kevbench::results::test
