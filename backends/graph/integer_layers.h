/// Which layers of a graph with grids can be computed in 8-bit integers, and with what numbers.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "backends/graph/graph.h"

namespace bunch {

struct IntegerLayers {
    std::size_t found = 0;
    /// For each layer of which only a part is quantised in a way that we can use, so that it stays
    /// in floats: a sentence with its node.
    std::vector<std::string> in_floats;
};

/// Gives every Conv and Dense whose input lies on a grid and whose weights are integers around zero
/// (INT8 with zero point 0, UINT8 with 128; one scale, or one per output channel) its IntegerForm.
/// After simplify().
IntegerLayers find_integer_layers(Graph& graph);

}  // namespace bunch
