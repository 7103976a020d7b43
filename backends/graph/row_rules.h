/// The rule of each operator for row_flow.h. Internal to backends/graph.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "backends/graph/row_flow.h"

namespace bunch {

/// One node with how its inputs use rows, and where the rows of its outputs would have to be.
struct RowStep {
    const OperatorGraph& graph;
    const OperatorNode& node;
    std::span<const RowUse> inputs;       ///< none where left out
    std::span<const Shape> input_shapes;  ///< of the first run
    std::span<const Shape> output_shapes;

    std::int64_t rank(std::size_t input) const {
        return static_cast<std::int64_t>(input_shapes[input].rank());
    }
    /// Attribute or `fallback`; negative numbers are not settled.
    std::int64_t attribute(std::string_view name, std::int64_t fallback) const;
    /// The constant integers of input `i`, or of attribute `name`; nothing if computed.
    std::optional<std::vector<std::int64_t>> integers(std::size_t i, std::string_view name) const;
};

/// Whether output `o` keeps rows apart if they are where `use` says.
using RowRule = bool (*)(const RowStep& step, std::size_t o, const RowUse& use);

/// Null where there is none.
RowRule row_rule(const kernels::NodeSpec& spec);

}  // namespace bunch
