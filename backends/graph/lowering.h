/// Turns an OperatorGraph into a Graph, which oneDNN's planner and the fused small networks run.
#pragma once

#include "backends/graph/graph.h"
#include "backends/graph/operator_graph.h"
#include "core/result.h"

namespace bunch {

/// The whole of `operators` as a Graph with shapes, or why not: `unimplemented` names the node that
/// the planner has no form for. Such models run in the interpreter.
///
/// With `grids` QuantizeLinear followed by DequantizeLinear becomes a value with a grid; without
/// they have no form.
Result<Graph> lower(const OperatorGraph& operators, bool grids = false);

}  // namespace bunch
