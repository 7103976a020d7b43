#include "backends/cpu/cores.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

namespace bunch::cpu {
namespace {

std::optional<unsigned> number_of(std::string_view text) {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number >= CPU_SETSIZE)
        return std::nullopt;
    return number;
}

}  // namespace

std::vector<unsigned> usable_cores() {
    cpu_set_t set;
    CPU_ZERO(&set);
    std::vector<unsigned> cores;
    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        for (unsigned core = 0; core < CPU_SETSIZE; ++core)
            if (CPU_ISSET(core, &set)) cores.push_back(core);
    if (cores.empty()) cores.push_back(0);
    return cores;
}

Result<std::vector<unsigned>> parse_cores(std::string_view text) {
    const std::string given(text);
    const std::vector<unsigned> usable = usable_cores();
    std::vector<unsigned> cores;
    while (true) {
        const std::size_t comma = text.find(',');
        const std::string_view item = text.substr(0, comma);
        const std::size_t dash = item.find('-');
        const auto first = number_of(item.substr(0, dash));
        const auto last = dash == item.npos ? first : number_of(item.substr(dash + 1));
        if (!first || !last || *last < *first)
            return invalid_argument("option cores = '" + given +
                                    "' of a CPU device is no list of cores such as '0-3,8'");
        for (unsigned core = *first; core <= *last; ++core) {
            if (std::find(cores.begin(), cores.end(), core) != cores.end())
                return invalid_argument("option cores = '" + given +
                                        "' of a CPU device names core " + std::to_string(core) +
                                        " twice");
            if (!std::binary_search(usable.begin(), usable.end(), core))
                return invalid_argument("option cores = '" + given +
                                        "' of a CPU device names core " + std::to_string(core) +
                                        ", which the daemon may not use (taskset -p, cpuset)");
            cores.push_back(core);
        }
        if (comma == text.npos) return cores;
        text.remove_prefix(comma + 1);
    }
}

void stay_on(std::span<const unsigned> cores) {
    if (cores.empty()) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const unsigned core : cores) CPU_SET(core, &set);
    sched_setaffinity(0, sizeof(set), &set);  // was allowed when the cores were read
}

}  // namespace bunch::cpu
