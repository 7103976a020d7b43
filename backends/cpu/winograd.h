/// 3x3 convolutions of stride 1 by Winograd's F(4x4, 3x3) in loops of our own, on channels-last
/// tensors, which the 1x1 convolutions of oneDNN around them like best; oneDNN's own Winograd wants
/// blocked tensors and is half as fast where images are small. winograd_kernel.h has the loops.
///
/// Only for processors with AVX-512; others have oneDNN's convolutions alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "backends/cpu/winograd_kernel.h"
#include "backends/graph/graph.h"

namespace bunch::cpu {

/// The loops for this processor; null if there are none.
winograd_kernel::Function winograd_function();

/// Whether `conv` is one that Winograd's algorithm can compute, ours or oneDNN's.
bool suits_winograd(const Conv& conv);

/// Whether `node` is a convolution that our loops can compute on this processor.
bool suits_own_winograd(const Graph& graph, const Node& node);

/// Tiles of `rows` rows.
std::int64_t winograd_tiles(const Graph& graph, const Node& node, std::int64_t rows);

/// The convolution `node` for `rows` rows, but for weights and bias.
winograd_kernel::Layer winograd_layer(const Graph& graph, const Node& node, std::int64_t rows);

/// The whole of `layer`, which has `tiles` tiles, in at most `threads` parts of like work.
std::vector<winograd_kernel::Part> winograd_parts(const winograd_kernel::Layer& layer,
                                                  std::int64_t tiles, unsigned threads);

/// Floats that transform_winograd() writes for `layer`.
std::size_t winograd_weight_floats(const winograd_kernel::Layer& layer);

/// Transforms [outputs][channels][3][3] into what the loops read; `to` is aligned to 64 bytes.
void transform_winograd(const winograd_kernel::Layer& layer, std::span<const float> weights,
                        float* to);

}  // namespace bunch::cpu
