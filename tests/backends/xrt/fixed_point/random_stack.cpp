#include "tests/backends/xrt/fixed_point/random_stack.h"

#include <algorithm>

#include "backends/xrt/fixed_point/arithmetic.h"
#include "core/check.h"
#include "tests/backends/xrt/fixed_point/formats.h"

namespace bunch::fixed_point {
namespace {

std::uint32_t between(std::mt19937_64& random, std::uint32_t low, std::uint32_t high) {
    return low + static_cast<std::uint32_t>(random() % (high - low + 1));
}

struct Range {
    std::uint32_t low, high;
};

// Statement by statement: the order in which arguments are evaluated is the compiler's.
FixedFormat format_of(std::mt19937_64& random, Range total, Range fraction) {
    FixedFormat format;
    format.total_bits = static_cast<std::uint8_t>(between(random, total.low, total.high));
    format.integer_bits = static_cast<std::int8_t>(
        format.total_bits - static_cast<int>(between(random, fraction.low, fraction.high)));
    format.is_signed = random() % 4 != 0;
    format.rounding = kRoundings[random() % std::size(kRoundings)];
    format.overflow = kOverflows[random() % std::size(kOverflows)];
    return format;
}

}  // namespace

StackShape random_shape(std::mt19937_64& random, std::uint32_t layers, std::uint32_t width) {
    StackShape shape;
    shape.widths.push_back(between(random, 1, width));
    for (std::uint32_t left = between(random, 1, layers); left > 0; --left) {
        shape.widths.push_back(between(random, 1, width));
        shape.activations.push_back(static_cast<StackActivation>(random() % 3));
    }
    return shape;
}

StackFormats random_formats(const StackShape& shape, std::mt19937_64& random) {
    StackFormats formats;
    formats.input = format_of(random, {4, 18}, {3, 10});
    for (std::size_t i = 0; i + 1 < shape.widths.size(); ++i) {
        formats.weights.push_back(format_of(random, {3, 18}, {3, 10}));
        formats.biases.push_back(format_of(random, {3, 18}, {0, 6}));
        formats.outputs.push_back(format_of(random, {4, 18}, {3, 6}));
    }
    return formats;
}

StackFormats facile_formats(const StackShape& shape) {
    const FixedFormat format{16, 6, true, Rounding::truncate, Overflow::wrap};
    const std::vector<FixedFormat> all(shape.widths.size() - 1, format);
    return {format, all, all, all};
}

std::int64_t random_raw(const FixedFormat& format, std::mt19937_64& random) {
    const std::int64_t low = format.is_signed ? -largest(format) - 1 : 0;
    const std::uint64_t draw = random();
    if (draw % 32 == 0) return low;
    if (draw % 32 == 1) return largest(format);
    return low + static_cast<std::int64_t>((draw >> 5) %
                                           static_cast<std::uint64_t>(largest(format) - low + 1));
}

DenseStack random_stack(const StackShape& shape, const StackFormats& formats,
                        std::mt19937_64& random) {
    std::vector<DenseLayer> layers;
    for (std::size_t i = 0; i + 1 < shape.widths.size(); ++i) {
        DenseLayer layer{shape.widths[i],
                         shape.widths[i + 1],
                         shape.activations[i],
                         formats.weights[i],
                         formats.biases[i],
                         formats.outputs[i],
                         {},
                         {},
                         {}};
        for (std::uint32_t w = 0; w < layer.inputs * layer.outputs; ++w)
            layer.weights.push_back(random_raw(layer.weight_format, random));
        for (std::uint32_t o = 0; o < layer.outputs; ++o)
            layer.biases.push_back(random_raw(layer.bias_format, random));
        if (layer.activation == StackActivation::sigmoid)
            layer.table = sigmoid_table(layer.output_format);
        layers.push_back(std::move(layer));
    }
    auto stack = DenseStack::make(formats.input, std::move(layers));
    BUNCH_CHECK(stack.ok());
    return std::move(stack).value();
}

}  // namespace bunch::fixed_point
