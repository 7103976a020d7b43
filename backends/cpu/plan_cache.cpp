#include "backends/cpu/plan_cache.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
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

// What /proc/cpuinfo says of the first processor. The name alone is not enough: virtual machines
// call quite different ones the same.
std::string processor_name() {
    std::ifstream file("/proc/cpuinfo");
    std::string name;
    for (std::string line; std::getline(file, line) && !line.empty();)
        for (const char* key : {"cpu family\t", "model\t", "model name\t", "stepping\t"})
            if (line.rfind(key, 0) == 0) name += line.substr(line.find(':') + 1);
    return name.empty() ? " unknown" : name;
}

/// The first line of a file: what its choices were made for.
std::string header() {
    const dnnl_version_t* library = dnnl_version();
    return "bunch convolutions " + std::to_string(kVersion) + ", oneDNN " +
           std::to_string(library->major) + "." + std::to_string(library->minor) + "." +
           std::to_string(library->patch) + "," + processor_name() + ", instructions " +
           std::to_string(static_cast<unsigned>(dnnl::get_effective_cpu_isa()));
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
    // A name of its own: process ids may be equal in several containers that share the folder.
    std::string temporary = file_.string() + ".XXXXXX";
    if (const int made = ::mkstemp(temporary.data()); made >= 0)
        ::fchmod(made, 0644), ::close(made);
    else
        return unavailable("plan file '" + file_.string() +
                           "' cannot be written: " + std::generic_category().message(errno));
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
