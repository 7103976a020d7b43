/// Rounding to the hardware's numbers while training goes on in floating point: weights to
/// symmetric integers with a power-of-two scale for each output channel, hidden activations to
/// unsigned integers with a power-of-two scale for each layer. Gradients pass as if nothing was
/// rounded (straight-through estimator), but not through activations that are 0 or cut.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/status.h"
#include "muon/training/network.h"

namespace bunch::muon {

/// Of weights while the activations' scales are not known.
inline constexpr int kLeastExponent = -8;
/// Of the finest output of any task: see output_exponents() of encoding.h.
inline constexpr int kFinestOutputExponent = 7;

struct QuantisationPlan {
    int weight_bits = 6;  ///< 2 to 8, of all layers but the last
    int last_weight_bits = 8;
    int activation_bits = 8;
    /// By hidden layer: activation = integer * 2^-exponent. Empty until calibrated.
    std::vector<int> activation_exponents{};

    /// The coarsest scale of a layer's weights whose sums the hardware still shifts down, by at
    /// least one bit: 2^-exponent. `input_exponent` is of what the first layer reads.
    int least_exponent(std::size_t layer, int input_exponent) const {
        if (activation_exponents.empty()) return kLeastExponent;
        const int before = layer == 0 ? input_exponent : activation_exponents[layer - 1];
        const bool last = layer >= activation_exponents.size();
        return (last ? kFinestOutputExponent : activation_exponents[layer]) - before + 1;
    }

    int bits_of(std::size_t layer, std::size_t layers) const {
        return layer + 1 == layers ? last_weight_bits : weight_bits;
    }
};

/// invalid_argument for a width that is out of range.
Status check(const QuantisationPlan& plan);

/// Weights of one channel become integers times 2^-exponent: the finest scale that holds the
/// largest, but no coarser one than `least`, where the largest are cut.
int weight_exponent(std::span<const float> channel, int bits, int least = kLeastExponent);

/// One weight as that integer, at most 2^(bits-1) - 1 in size.
int quantised_weight(float weight, int exponent, int bits);

/// All weights rounded, into `to`; `least` as above.
void round_weights(const Dense& layer, int bits, int least, std::span<float> to);

/// To the nearest integer, for numbers below 2^22; vectorises where std::nearbyint does not.
inline float rounded(float x) {
    constexpr float kMagic = 12582912.0F;  // 1.5 * 2^23
    return (x + kMagic) - kMagic;
}

}  // namespace bunch::muon
