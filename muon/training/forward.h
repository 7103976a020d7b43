/// Running a network forward, in floating point or with the rounding of a quantisation plan; and
/// finding out which scales its activations need. What the trainer and the figures share.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "muon/training/network.h"
#include "muon/training/quantisation.h"

namespace bunch::muon {

/// Behind a hidden layer's sums `z`, in place: bias, then ReLU, or the rounding of an integer of
/// `plan` with `exponent`. `layer` gives the biases.
void activate(const Dense& layer, const QuantisationPlan* plan, int exponent, std::span<float> z);

/// Adds the biases: the last layer has nothing else.
void add_biases(const Dense& layer, std::span<float> z);

/// Outputs [rows][outputs] for `x` [rows][inputs], where rows are as many as fit. With a plan
/// weights and activations are rounded as in hardware; outputs and biases are not.
std::vector<float> predict(const Network& network, const QuantisationPlan* plan,
                           std::span<const float> x, unsigned threads = 1);

/// Scales such that only one activation in a thousand of `x` is cut, by hidden layer.
std::vector<int> activation_exponents(const Network& network, int bits, std::span<const float> x);

/// What all but a thousandth of the activations of a unit stay below, by hidden layer and unit.
std::vector<std::vector<float>> activation_ranges(const Network& network, std::span<const float> x);

/// Root mean square of what each weight of each layer is multiplied with, by layer and input.
std::vector<std::vector<float>> input_sizes(const Network& network, std::span<const float> x);

}  // namespace bunch::muon
