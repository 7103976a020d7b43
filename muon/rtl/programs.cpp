#include "muon/rtl/programs.h"

#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>

namespace bunch::muon {

bool has_program(const std::string& name) {
    const char* const path = std::getenv("PATH");
    std::istringstream folders(path == nullptr ? "" : path);
    for (std::string folder; std::getline(folders, folder, ':');)
        if (std::error_code error; std::filesystem::exists(folder + "/" + name, error)) return true;
    return false;
}

Status need_program(const std::string& name) {
    if (has_program(name)) return ok_status();
    return unavailable(name + " is not in the PATH; install the package " + name);
}

std::string quoted(const std::string& word) {
    std::string safe = "'";
    for (const char c : word) safe += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return safe + "'";
}

Result<std::string> output_of(const std::string& command) {
    std::FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
    if (pipe == nullptr) return unavailable("no process can be started for '" + command + "'");
    std::string text;
    std::array<char, 4096> part;
    for (std::size_t got = 0; (got = std::fread(part.data(), 1, part.size(), pipe)) > 0;)
        text.append(part.data(), got);
    const int status = ::pclose(pipe);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return text;
    constexpr std::size_t kKept = 2000;
    return internal_error("'" + command +
                          "' failed: " + text.substr(text.size() - std::min(kKept, text.size())));
}

}  // namespace bunch::muon
