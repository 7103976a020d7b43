/// What the configuration says about a simulated device, read from the texts of its options.
#pragma once

#include <cstdint>
#include <string>

#include "backends/wire/device.h"
#include "core/result.h"
#include "core/time.h"

namespace bunch {

struct SimulatedOptions {
    Duration fixed{};    ///< service time of any batch
    Duration per_row{};  ///< and of each row of it
    DeviceDescription device{"simulated", 1, 2, 0};

    /// Fails with the option's name, its value and what would have been right.
    static Result<SimulatedOptions> from(const BackendOptions& options);
};

}  // namespace bunch
