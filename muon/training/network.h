/// A stack of dense layers in floating point with ReLU behind all but the last. What training
/// changes; plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bunch::muon {

struct Dense {
    std::size_t inputs = 0;
    std::size_t outputs = 0;
    std::vector<float> weights;  ///< [outputs][inputs]
    std::vector<float> biases;   ///< [outputs]
};

struct Network {
    std::vector<Dense> layers;

    std::size_t inputs() const { return layers.front().inputs; }
    std::size_t outputs() const { return layers.back().outputs; }
    std::size_t weights() const;
    std::size_t nonzero_weights() const;
    std::vector<std::size_t> widths() const;
};

/// Layers between these widths, input first; at least two. He-initialised, biases 0; the last layer
/// ten times smaller, so that training begins at the mean. Equal seeds give equal networks.
Network draw_network(std::span<const std::size_t> widths, std::uint64_t seed);

}  // namespace bunch::muon
