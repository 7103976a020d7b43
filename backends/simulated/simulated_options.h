/// What the configuration says about a simulated device, read from the texts of its options.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "backends/wire/device.h"
#include "core/result.h"
#include "core/time.h"

namespace bunch {

/// What differs from model to model.
struct SimulatedTimes {
    Duration fixed{};                     ///< service time of any batch
    Duration per_row{};                   ///< and of each row of it
    std::optional<std::uint32_t> rows{};  ///< of a batch at most, if fewer than the model's own
    bool broken = false;                  ///< its image cannot be made resident
    std::string image{};  ///< empty: none; if one model has one, the device holds one at a time
};

struct SimulatedOptions {
    SimulatedTimes all;                            ///< of models that have none of their own
    std::map<std::string, SimulatedTimes> models;  ///< by name
    double noise = 0;  ///< sigma of the lognormal factor, of mean 1, on each service time
    std::uint64_t seed = 1;
    Duration load_time{};  ///< of making another image resident
    DeviceDescription device{"simulated", 1, 2, 0};

    /// Fails with the option's name, its value and what would have been right.
    static Result<SimulatedOptions> from(const BackendOptions& options);

    const SimulatedTimes& times_of(const std::string& model) const;
};

}  // namespace bunch
