/// QuantizeLinear and DequantizeLinear between layers: which grid they round to.
/// Internal to backends/graph.
#pragma once

#include "backends/graph/operator_graph.h"
#include "core/result.h"

namespace bunch {

bool is_quantise(const kernels::NodeSpec& spec);
bool is_dequantise(const kernels::NodeSpec& spec);

/// The grid of `node`, which is one of the two and reads a computed tensor. `unimplemented` unless
/// scale and zero point are one constant number each, the scale above 0, and the integers have 8
/// bits.
Result<Grid> grid_of(const OperatorGraph& operators, const OperatorNode& node);

}  // namespace bunch
