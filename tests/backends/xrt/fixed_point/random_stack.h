/// Dense stacks drawn from a seed, for tests.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "backends/xrt/fixed_point/dense_stack.h"

namespace bunch::fixed_point {

/// Sizes and activations of a stack, input first.
struct StackShape {
    std::vector<std::uint32_t> widths;
    std::vector<StackActivation> activations;  ///< one fewer
};

/// Up to `layers` layers of up to `width`, any activations.
StackShape random_shape(std::mt19937_64& random, std::uint32_t layers = 5,
                        std::uint32_t width = 40);

/// Random formats that fit together.
struct StackFormats {
    FixedFormat input;
    std::vector<FixedFormat> weights, biases, outputs;  ///< one for each layer
};
StackFormats random_formats(const StackShape& shape, std::mt19937_64& random);

/// ap_fixed<16,6> for inputs and outputs, weights and biases.
StackFormats facile_formats(const StackShape& shape);

/// Weights all over their range.
DenseStack random_stack(const StackShape& shape, const StackFormats& formats,
                        std::mt19937_64& random);

/// A raw number of the format, now and then its largest or least.
std::int64_t random_raw(const FixedFormat& format, std::mt19937_64& random);

}  // namespace bunch::fixed_point
