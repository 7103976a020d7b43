/// Nodes that the interpreter runs as one: dense layers one after the other with their biases and
/// activations (mlp.h), and convolutions of one position with normalisation and activation
/// (pointwise.h). What lies between them is never written to memory.
///
/// Not for: networks that have a plan; passes.h fuses these.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "backends/graph/operator_graph.h"
#include "backends/kernels/kernel.h"

namespace bunch::cpu {

/// The first nodes of a list as one.
struct FusedNodes {
    OperatorNode node;  ///< reads what they read, makes what the last of them makes
    kernels::Kernel kernel;
    std::size_t count = 0;  ///< how many they are
};

/// How often each value of `graph` is read, by index; being an output counts as once.
std::vector<std::size_t> count_uses(const OperatorGraph& graph);

/// The first of `nodes` that can run as one, at least one; nothing if the first is none of them.
/// `uses` is from count_uses().
std::optional<FusedNodes> fuse_nodes(const OperatorGraph& graph,
                                     std::span<const OperatorNode> nodes,
                                     std::span<const std::size_t> uses);

}  // namespace bunch::cpu
