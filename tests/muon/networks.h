/// Networks of integers with random weights, for tests of what computes them.
#pragma once

#include <cstdint>
#include <vector>

#include "muon/quantised/integer_network.h"
#include "zoo/random.h"

namespace bunch::muon {

/// About a third of the weights is zero, and shifts are such that outputs use their range and
/// sometimes leave it.
inline IntegerNetwork random_integer_network(Task task, std::vector<std::size_t> hidden,
                                             std::uint64_t seed) {
    Random random(seed);
    IntegerNetwork network{task, 8, {}};
    std::size_t width = input_count(task, Encoding::folded);
    hidden.push_back(output_count(task));
    for (std::size_t l = 0; l < hidden.size(); ++l) {
        const bool last = l + 1 == hidden.size();
        IntegerLayer layer{width, hidden[l], last ? 8 : 6, {}, {}, {}};
        const double limit = last ? 127 : 31;
        for (std::size_t o = 0; o < layer.outputs; ++o) {
            for (std::size_t i = 0; i < width; ++i) {
                const double weight = random.uniform(-1, 1) * limit;
                layer.weights.push_back(
                    random.uniform() < 0.33 ? 0 : static_cast<std::int32_t>(weight));
            }
            layer.biases.push_back(static_cast<std::int32_t>(random.uniform(-2000, 4000)));
            layer.shifts.push_back(static_cast<int>(random.uniform(4, 8)));
        }
        network.layers.push_back(std::move(layer));
        width = hidden[l];
    }
    return network;
}

}  // namespace bunch::muon
