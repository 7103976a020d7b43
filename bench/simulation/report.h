/// A study as text for a terminal.
#pragma once

#include <string>

#include "bench/simulation/study.h"

namespace bunch::simulation {

/// Scenarios down, policies across; a star at what reaches the figure to beat.
std::string to_table(const Study& study);

/// What happened in the first seed's run of each cell: models, tenants, device classes.
std::string to_details(const Study& study);

/// Everything, for other programs. bench/README.md says what is in it.
std::string to_json(const Study& study);

}  // namespace bunch::simulation
