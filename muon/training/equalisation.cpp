#include "muon/training/equalisation.h"

#include <vector>

#include "muon/training/forward.h"

namespace bunch::muon {
namespace {

constexpr float kHardlyActive = 1e-3F;
// A little below 1, so that the power of two that holds it wastes no bit.
constexpr float kCommonRange = 0.98F;

/// `factor` on what unit `u` behind layer `l` gives, its inverse on what reads it.
void scale_unit(std::size_t l, std::size_t u, float factor, Network& network) {
    Dense& layer = network.layers[l];
    for (std::size_t i = 0; i < layer.inputs; ++i) layer.weights[u * layer.inputs + i] *= factor;
    layer.biases[u] *= factor;
    Dense& next = network.layers[l + 1];
    for (std::size_t o = 0; o < next.outputs; ++o) next.weights[o * next.inputs + u] /= factor;
}

}  // namespace

void equalise(std::span<const float> x, Network& network) {
    const auto ranges = activation_ranges(network, x);
    for (std::size_t l = 0; l < ranges.size(); ++l)
        for (std::size_t u = 0; u < ranges[l].size(); ++u)
            if (ranges[l][u] > kHardlyActive)
                scale_unit(l, u, kCommonRange / ranges[l][u], network);
}

}  // namespace bunch::muon
