/// Magnitude pruning: which weights are held at zero, and how many at which moment of a training.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "muon/training/network.h"

namespace bunch::muon {

/// 1 where a weight may live, by layer.
using Masks = std::vector<std::vector<std::uint8_t>>;

struct PruningSchedule {
    double sparsity = 0;  ///< part of all weights that is zero in the end; 0 prunes nothing
    double begin = 0.1;   ///< parts of the training between which the sparsity grows, cubically:
    double end = 0.6;     ///< fast at first, while weights are plenty

    /// At `progress`, 0 to 1.
    double at(double progress) const;
};

/// Keeps the weights that matter most, over all layers: their magnitude times the size of what
/// they are multiplied with (`input_sizes`, by layer and input). Never revives a weight of `masks`.
/// Each layer keeps at least one weight.
void prune(const Network& network, const std::vector<std::vector<float>>& input_sizes,
           double sparsity, Masks& masks);

/// Sets masked weights to zero.
void apply_masks(const Masks& masks, Network& network);

/// All ones.
Masks full_masks(const Network& network);

}  // namespace bunch::muon
