#include "bench/simulation/scenario.h"

#include <array>

namespace bunch::simulation {

double mean_run_seconds(const Curve& curve, std::uint32_t rows, std::uint32_t other_busy_lanes) {
    return curve.fixed + curve.per_row * rows * (1 + curve.contention * other_busy_lanes);
}

std::string_view name_of(Measure measure) {
    constexpr std::array<std::string_view, 5> kNames = {"goodput", "kept", "latency", "tenants",
                                                        "events"};
    return kNames[static_cast<std::size_t>(measure)];
}

const Curve* DeviceClass::curve_of(std::size_t model) const {
    for (const Curve& curve : curves)
        if (curve.model == model) return &curve;
    return nullptr;
}

std::vector<double> normalised_mix(const Scenario& scenario) {
    double sum = 0;
    for (const SimulatedModel& model : scenario.models) sum += model.mix;
    std::vector<double> mix;
    for (const SimulatedModel& model : scenario.models) mix.push_back(model.mix / sum);
    return mix;
}

}  // namespace bunch::simulation
