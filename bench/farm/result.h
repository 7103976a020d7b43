/// What the farm measured. Values only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench/farm/crowd.h"
#include "bench/farm/daemon_metrics.h"

namespace bunch::farm {

/// One number of workers, with or without the service.
struct Measurement {
    CrowdResult crowd;
    std::optional<ServiceFigures> service;  ///< of runs through the service

    double rows_per_second() const {
        return crowd.seconds > 0 ? static_cast<double>(crowd.rows) / crowd.seconds : 0;
    }
    bool all_right() const {
        return crowd.mismatches == 0 && crowd.swapped == 0 && crowd.errors == 0 &&
               crowd.requests > 0;
    }
};

struct PhaseResult {
    std::string name, title, unit;
    bool simulated = false;
    double tolerance = 0;
    double separation = 0;                                ///< see Questions::separation()
    std::optional<Measurement> alone;                     ///< every worker for itself
    std::optional<Measurement> service;                   ///< the same workers through the service
    std::vector<Measurement> alone_curve, service_curve;  ///< by number of workers
};

}  // namespace bunch::farm
