/// Who is compared with bunchd, and which settings of each are tried when its best is searched for.
#pragma once

#include <string>
#include <vector>

#include "bench/simulation/policy.h"
#include "bench/simulation/scenario.h"

namespace bunch::simulation {

/// A setting, and the values that are tried; the first is where the search begins.
struct Dimension {
    std::string setting;
    std::vector<double> values;
};

struct Contender {
    std::string name;  ///< of a column
    PolicyChoice fixed;
    std::vector<Dimension> dimensions;
};

/// bunchd itself, which has no setting, is not among them.
const std::vector<Contender>& contenders();

/// Without the dimensions that mean nothing in the scenario: slots where all lanes have one,
/// contention where all devices have one lane.
std::vector<Dimension> dimensions_for(const Contender& contender, const Scenario& scenario);

}  // namespace bunch::simulation
