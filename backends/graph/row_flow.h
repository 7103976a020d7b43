/// Follows rows through an operator graph: proves that each row of each output depends on the same
/// row of the inputs only, so that rows of different requests may share a batch.
///
/// Not for: finding shapes. It is given those of two runs that differed in nothing but the number
/// of rows; extents that differ are where the rows are. An operator without a rule mixes rows.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "backends/graph/operator_graph.h"
#include "core/result.h"

namespace bunch {

/// Shapes of all values of one run, by index; nothing for those that were not computed.
struct RunShapes {
    std::int64_t rows = 1;
    std::vector<std::optional<Shape>> shapes;
    /// Elements of small tensors that are computed from shapes; empty for all others.
    std::vector<std::vector<std::byte>> small;
};

/// How a value depends on rows.
struct RowUse {
    enum class Kind : std::uint8_t {
        none,   ///< the same whatever the rows
        rows,   ///< extent `axis` is rows * `repeat`, row by row, each part of its own row only
        count,  ///< depends on how many rows there are, not on what is in them
        mixed,  ///< anything else
    };
    Kind kind = Kind::none;
    std::int64_t axis = 0;
    std::int64_t repeat = 1;

    bool is_rows() const { return kind == Kind::rows; }
    friend bool operator==(const RowUse&, const RowUse&) = default;
};

/// Empty if rows stay apart from the inputs, each with its rows in extent 0, to all outputs; else
/// which node or output is in the way, in a sentence. `a` and `b` have different numbers of rows.
std::string rows_mix(const OperatorGraph& graph, const RunShapes& a, const RunShapes& b);

}  // namespace bunch
