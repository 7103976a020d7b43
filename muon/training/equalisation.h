/// Before rounding: makes all units of a hidden layer use the range of its integers equally,
/// without changing what the network computes (cross-layer equalisation, Nagel et al., 2019).
#pragma once

#include <span>

#include "muon/training/network.h"

namespace bunch::muon {

/// Scales every hidden unit so that a thousandth of its activations for `x`, [rows][inputs], lies
/// above 0.98, and what reads it by the inverse; ReLU lets scales through. Units that are never or
/// hardly active stay as they are.
void equalise(std::span<const float> x, Network& network);

}  // namespace bunch::muon
