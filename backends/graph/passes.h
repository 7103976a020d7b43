/// Rewrites of a Graph that keep what it computes and save work. Each needs infer_shapes() before
/// it and keeps shapes known. simplify() runs them all in the right order.
#pragma once

#include "backends/graph/graph.h"

namespace bunch {

/// A larger shift of an Affine costs digits: x * scale + shift is a difference of large numbers
/// then, and in the layer behind it, if it were folded into that, a sum of them. So such an Affine
/// has its fourth input, the centre, and stays.
inline constexpr double kLargeShift = 8;

struct SimplifyOptions {
    /// An Affine may go into the layer behind it. Not where layers compute in reduced precision:
    /// what comes in is rounded after the normalisation then, not before.
    bool fold_before = true;
};

/// All passes below, in order.
void simplify(Graph& graph, const SimplifyOptions& options = {});

/// Takes Identity nodes, and reshapes and transposes that change nothing, out. An Identity that
/// rounds to a grid stays.
void remove_identities(Graph& graph);

/// An Identity that rounds to a grid becomes part of the node before it, and what only moves
/// elements of a grid, or picks the largest, keeps the grid.
void settle_grids(Graph& graph);

/// Adding, subtracting or multiplying by a constant per channel becomes Affine.
void find_affine(Graph& graph);

/// Folds Affine into the weights of a Conv or Dense right before it, or of a Dense right after it
/// where it shifts little. Two Affine in a row become one, where that loses no digits.
void fold_affine(Graph& graph, const SimplifyOptions& options = {});

/// An activation becomes the epilogue of the Conv, Dense, Affine, MatMul or Binary before it.
void fuse_activations(Graph& graph);

/// Adding two computed values of equal shape becomes the residual of the later Conv or Dense.
void fuse_residuals(Graph& graph);

/// Drops nodes whose output nobody reads, and the elements of constants that are left over.
void remove_unused(Graph& graph);

/// The node that computes `id`, if `id` is read exactly once and is no output; null otherwise.
Node* sole_producer(Graph& graph, ValueId id);

}  // namespace bunch
