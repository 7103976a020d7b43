/// Layers of a program that oneDNN has only its reference implementation for, on this processor.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "backends/cpu/program.h"

namespace bunch::cpu {

inline std::size_t elements_of(const dnnl::memory::desc& desc) {
    return desc.get_size() / dnnl::memory::data_type_size(desc.data_type());
}

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
                    elements_of(argument.desc) / static_cast<std::size_t>(plan.rows) >
                        kHotElementsPerRow)
                    slow.push_back(primitive->description);
        }
    return slow;
}

}  // namespace bunch::cpu
