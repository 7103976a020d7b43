/// Computes nodes whose inputs are all constants, as exporters leave them between a weight and the
/// operator that reads it. Only moves of elements: Identity, Reshape, Transpose.
#pragma once

#include <cstddef>
#include <optional>

#include "backends/graph/graph.h"
#include "core/result.h"

namespace bunch {

/// The value of `node`'s output, or nothing if it is not constant or of another kind. Fails if a
/// shape does not fit.
Result<std::optional<Tensor>> fold(const Graph& graph, const Node& node);

/// The elements of `input` with extents in `order`.
Tensor transposed(const Tensor& input, std::span<const std::int64_t> order);

}  // namespace bunch
