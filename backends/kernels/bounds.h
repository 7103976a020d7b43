/// Attributes that are bounds, or elements: what a number is only compared with, or copied from.
#pragma once

#include <cmath>
#include <string_view>

#include "backends/kernels/node_spec.h"

namespace bunch::kernels {

/// As attributes.number(), but may be infinite. `spec` is the one that `attributes` reads.
inline float bound_of(Attributes& attributes, const NodeSpec& spec, std::string_view name,
                      float fallback) {
    const auto found = spec.attributes.find(name);
    const auto* number =
        found == spec.attributes.end() ? nullptr : std::get_if<float>(&found->second);
    if (number == nullptr || !std::isinf(*number)) return attributes.number(name, fallback);
    attributes.ignore(name);
    return *number;
}

}  // namespace bunch::kernels
