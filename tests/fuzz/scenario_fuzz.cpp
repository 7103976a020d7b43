// Whatever a scenario file says, it is read or refused, and what is refused has a reason.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "bench/simulation/scenario_file.h"
#include "core/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    using namespace bunch::simulation;
    const std::string_view text(reinterpret_cast<const char*>(bytes), size);
    const ScenarioResult result = parse_scenarios(text, "fuzz.toml");
    if (const auto* problems = std::get_if<ScenarioProblems>(&result)) {
        BUNCH_CHECK(!problems->empty());
        return 0;
    }
    for (const Scenario& scenario : std::get<std::vector<Scenario>>(result)) {
        BUNCH_CHECK(!scenario.classes.empty() && !scenario.models.empty());
        for (const DeviceClass& one : scenario.classes)
            for (const Curve& curve : one.curves) BUNCH_CHECK(curve.model < scenario.models.size());
    }
    return 0;
}
