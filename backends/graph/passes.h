/// Rewrites of a Graph that keep what it computes and save work. Each needs infer_shapes() before
/// it and keeps shapes known. simplify() runs them all in the right order.
#pragma once

#include "backends/graph/graph.h"

namespace bunch {

/// All passes below, in order.
void simplify(Graph& graph);

/// Takes Identity nodes, and reshapes and transposes that change nothing, out. An Identity that
/// rounds to a grid stays.
void remove_identities(Graph& graph);

/// An Identity that rounds to a grid becomes part of the node before it, and what only moves
/// elements of a grid, or picks the largest, keeps the grid.
void settle_grids(Graph& graph);

/// Adding, subtracting or multiplying by a constant per channel becomes Affine.
void find_affine(Graph& graph);

/// Folds Affine into the weights of a Conv or Dense right before it, or of a Dense right after it.
/// Two Affine in a row become one.
void fold_affine(Graph& graph);

/// An activation becomes the epilogue of the Conv, Dense, Affine, MatMul or Binary before it.
void fuse_activations(Graph& graph);

/// Adding two computed values of equal shape becomes the residual of the later Conv or Dense.
void fuse_residuals(Graph& graph);

/// Drops nodes whose output nobody reads, and the elements of constants that are left over.
void remove_unused(Graph& graph);

/// The node that computes `id`, if `id` is read exactly once and is no output; null otherwise.
Node* sole_producer(Graph& graph, ValueId id);

}  // namespace bunch
