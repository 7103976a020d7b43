/// Layers of a program that oneDNN has only its reference implementation for, on this processor.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "backends/cpu/program.h"

namespace bunch::cpu {

/// Node and implementation of each, where anybody would notice: above 10,000 elements for a row.
inline std::vector<std::string> slow_layers(const Program& program) {
    constexpr std::size_t kHotElementsPerRow = 10'000;
    std::vector<std::string> slow;
    for (const Plan& plan : program.plans())
        for (const Step& step : plan.steps) {
            const auto* primitive = std::get_if<PrimitiveStep>(&step);
            if (primitive == nullptr || primitive->description.find(" ref:") == std::string::npos ||
                std::find(slow.begin(), slow.end(), primitive->description) != slow.end())
                continue;
            for (const Argument& argument : primitive->arguments)
                if (argument.number == DNNL_ARG_DST &&
                    argument.desc.get_size() / sizeof(float) / static_cast<std::size_t>(plan.rows) >
                        kHotElementsPerRow)
                    slow.push_back(primitive->description);
        }
    return slow;
}

}  // namespace bunch::cpu
