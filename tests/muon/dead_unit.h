/// A network of which not every weight matters.
#pragma once

#include <algorithm>

#include "tests/muon/networks.h"

namespace bunch::muon {

/// It has a weight that reads a unit that is always 0, before all others of its layer.
inline IntegerNetwork network_with_dead_unit(Task task) {
    IntegerNetwork network = random_integer_network(task, {4, 3}, 8);
    IntegerLayer& hidden = network.layers[1];
    std::fill_n(hidden.weights.begin(), hidden.inputs, 0);
    hidden.biases[0] = -500;
    for (std::size_t o = 0; o < output_count(task); ++o) network.layers[2].weights[3 * o] = 100;
    return network;
}

}  // namespace bunch::muon
