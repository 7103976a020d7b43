/// Computes the shape of every value from those of inputs and constants, and settles what operators
/// leave to it: automatic padding, global windows, negative axes.
#pragma once

#include "backends/graph/graph.h"
#include "core/result.h"

namespace bunch {

/// The shape of what `node` computes, from the known shapes of its inputs. Settles the parameters
/// of its operator. Rows (an open extent 0 of an input) stay in extent 0; an operator that would
/// mix them is refused, so that rows of different requests can share a batch. Errors name the node.
Result<Shape> infer_output_shape(const Graph& graph, Node& node);

/// infer_output_shape() for all nodes in order; sets Value::shape.
Status infer_shapes(Graph& graph);

/// `a` and `b` stretched to each other by the rules of ONNX; nothing if they do not fit.
std::optional<Shape> broadcast(const Shape& a, const Shape& b);

}  // namespace bunch
