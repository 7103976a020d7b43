/// Cuts a Graph in two where a single tensor passes, so that its halves can run on different
/// numbers of rows: images are large and weights small at one end of most networks, the reverse at
/// the other.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "backends/graph/graph.h"

namespace bunch {

/// A place between two nodes that only one computed tensor passes.
struct Cut {
    std::size_t node;  ///< the first one behind it
    ValueId value;     ///< what passes; carries rows
};

/// All places to cut `graph`, from the front. Every input lies before and every output behind them.
std::vector<Cut> cuts_of(const Graph& graph);

/// `nodes` of `graph` as a graph of their own. Values keep their ids; constants are borrowed from
/// `graph`, which must outlive the result.
///
/// An input or output of the part that has a grid and is none of `graph` gets the grid's type: it
/// passes as integers.
Graph part_of(const Graph& graph, std::span<const Node> nodes, std::vector<ValueId> inputs,
              std::vector<ValueId> outputs);

}  // namespace bunch
