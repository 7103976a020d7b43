/// Pictures of a comparison, made from its JSON.
#pragma once

#include <string>
#include <vector>

#include "core/result.h"

namespace bunch::simulation {

struct Picture {
    std::string file;  ///< "goodput.svg"
    std::string svg;
};

/// goodput.svg: parts of the bound by scenario and policy; latency_S1.svg: p50 and p99 against load
/// in scenario S1; fairness.svg: what tenants that do not flood keep. Those for which the
/// comparison has figures.
/// invalid_argument if the text is not the JSON of a comparison.
Result<std::vector<Picture>> pictures_of(const std::string& comparison_json);

}  // namespace bunch::simulation
