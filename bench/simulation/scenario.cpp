#include "bench/simulation/scenario.h"

namespace bunch::simulation {

double mean_run_seconds(const Curve& curve, std::uint32_t rows, std::uint32_t other_busy_lanes) {
    return curve.fixed + curve.per_row * rows * (1 + curve.contention * other_busy_lanes);
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

double mean_rows(const Scenario& scenario) {
    const std::vector<double> mix = normalised_mix(scenario);
    double rows = 0;
    for (std::size_t m = 0; m < mix.size(); ++m) rows += mix[m] * scenario.models[m].rows;
    return rows;
}

}  // namespace bunch::simulation
