// Whatever a file contains, it is a usable configuration or has problems of one line each.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "config/load.h"
#include "core/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const bunch::ConfigResult result = bunch::parse_config(text, "fuzz.toml");
    if (const auto* problems = std::get_if<bunch::ConfigProblems>(&result)) {
        BUNCH_CHECK(!problems->empty());
        for (const std::string& problem : *problems)
            BUNCH_CHECK(std::all_of(problem.begin(), problem.end(),
                                    [](char c) { return c >= ' ' && c < '\x7f'; }));
    } else {
        const auto& config = std::get<bunch::Config>(result);
        BUNCH_CHECK(!config.devices.empty() && !config.models.empty());
        for (const bunch::ModelSpec& model : config.models) BUNCH_CHECK(!model.devices.empty());
    }
    return 0;
}
