#include "backends/cpu/plan_cache.h"

#include <unistd.h>

#include <array>
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <system_error>
#include <utility>

namespace bunch::cpu {
namespace {

namespace fs = std::filesystem;

// Raised whenever what a choice stands for computes something else, or takes another time.
constexpr int kVersion = 1;

std::string processor_name() {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);)
        if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 1);
    return " unknown";
}

/// The first line of a file: what its choices were made for.
std::string header() {
    const dnnl_version_t* library = dnnl_version();
    return "bunch convolutions " + std::to_string(kVersion) + ", oneDNN " +
           std::to_string(library->major) + "." + std::to_string(library->minor) + "." +
           std::to_string(library->patch) + "," + processor_name();
}

// FNV-1a over words of 8 bytes: a name, not a protection.
Result<std::uint64_t> hash_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return not_found("model file '" + path + "' cannot be read");
    std::uint64_t hash = 14695981039346656037U;
    std::array<std::uint64_t, 8192> words;
    do {
        words.fill(0);
        file.read(reinterpret_cast<char*>(words.data()), sizeof(words));
        for (const std::uint64_t word : words) hash = (hash ^ word) * 1099511628211U;
        hash = (hash ^ static_cast<std::uint64_t>(file.gcount())) * 1099511628211U;
    } while (file);
    return hash;
}

}  // namespace

Result<PlanCache> PlanCache::open(const fs::path& folder, const std::string& model) {
    BUNCH_ASSIGN_OR_RETURN(const std::uint64_t hash, hash_of(model));
    std::error_code error;
    fs::create_directories(folder, error);
    if (error)
        return unavailable("plan_cache = '" + folder.string() +
                           "' cannot be made: " + error.message());
    std::array<char, 32> name{};
    std::snprintf(name.data(), name.size(), "%016" PRIx64 ".plan", hash);
    return PlanCache(folder / name.data());
}

ConvChoices PlanCache::load() const {
    std::ifstream file(file_);
    std::string line;
    if (!std::getline(file, line) || line != header()) return {};
    ConvChoices choices;
    while (std::getline(file, line)) {
        if (line == "end") return choices;
        const std::size_t space = line.find(' ');
        if (space == std::string::npos) return {};
        const auto algorithm = conv_algorithm_named(std::string_view(line).substr(space + 1));
        if (!algorithm) return {};
        choices[line.substr(0, space)] = *algorithm;
    }
    return {};
}

Status PlanCache::store(const ConvChoices& choices) const {
    fs::path temporary = file_;
    temporary += "." + std::to_string(::getpid());
    std::ofstream file(temporary, std::ios::trunc);
    file << header() << '\n';
    for (const auto& [key, algorithm] : choices) file << key << ' ' << name_of(algorithm) << '\n';
    file << "end\n";
    file.close();
    std::error_code error;
    if (file) fs::rename(temporary, file_, error);
    if (file && !error) return ok_status();
    std::error_code ignored;
    fs::remove(temporary, ignored);
    return unavailable("plan file '" + file_.string() + "' cannot be written" +
                       (error ? ": " + error.message() : std::string()));
}

}  // namespace bunch::cpu
