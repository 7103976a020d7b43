/// Computes nodes whose inputs are all constants, as exporters leave them between a weight and the
/// operator that reads it, or where they compute pads and shapes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "backends/graph/operator_graph.h"
#include "core/result.h"

namespace bunch {

/// The outputs of `node`, whose inputs are constants; nothing where they would take more than
/// `limit` bytes. Fails where the node is wrong or its operator unknown.
Result<std::optional<std::vector<Tensor>>> fold(const OperatorGraph& graph,
                                                const OperatorNode& node, std::uint64_t limit);

/// The elements of `input` with extents in `order`.
Tensor transposed(const Tensor& input, std::span<const std::int64_t> order);

}  // namespace bunch
