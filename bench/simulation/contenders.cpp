#include "bench/simulation/contenders.h"

#include <algorithm>

namespace bunch::simulation {

const std::vector<Contender>& contenders() {
    const Dimension slots{"slots", {1, 2}}, contention{"contention", {1, 0.5}},
        quickest{"quickest", {1, 0}}, expire{"expire", {1, 0}},
        caps{"cap", {0.5, 0.35, 0.65, 0.8, 0.25}}, early_drop{"early_drop", {1, 0}},
        deferral{"margin", {0.1, 0.05, 0.2, 0.4, 0.8}};
    static const std::vector<Contender> all = {
        {"greedy", {"greedy", {}}, {expire, quickest, slots}},
        {"capped", {"greedy", {}}, {caps, expire, quickest, contention, slots}},
        {"triton",
         {"triton", {}},
         {{"delay_ms", {0, 0.1, 0.5, 1, 2, 5, 10}},
          {"cap", {0.5, 0, 0.35, 0.65, 0.8}},
          {"preferred", {1, 0.5, 0.25}},
          {"rate_limiter", {0, 1}},
          {"instances", {1, 2}}}},
        {"edf",
         {"edf", {}},
         {{"drop", {1, 0}}, quickest, {"margin", {0, 0.1, 0.3}}, contention, slots}},
        {"clockwork", {"clockwork", {}}, {{"margin", {0, 0.05, 0.1, 0.2, 0.4}}, contention, slots}},
        {"symphony", {"symphony", {{"per_class", 0}}}, {deferral, early_drop, contention, slots}},
        {"symphony/class",
         {"symphony", {{"per_class", 1}}},
         {deferral, early_drop, contention, slots}},
    };
    return all;
}

std::vector<Dimension> dimensions_for(const Contender& contender, const Scenario& scenario) {
    bool has_slots = false, has_lanes = false;
    for (const DeviceClass& one : scenario.classes) {
        has_slots |= one.slots > 1;
        has_lanes |= one.lanes > 1;
    }
    std::vector<Dimension> dimensions = contender.dimensions;
    std::erase_if(dimensions, [&](const Dimension& one) {
        if (one.setting == "slots" || one.setting == "instances") return !has_slots;
        return one.setting == "contention" && !has_lanes;
    });
    return dimensions;
}

}  // namespace bunch::simulation
