#include "backends/xrt/fixed_point/dense_stack.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>

#include "backends/xrt/fixed_point/arithmetic.h"
#include "core/check.h"

namespace bunch::fixed_point {
namespace {

using Row = std::array<std::int64_t, kMaxWidth>;

int accumulator_fraction(const DenseLayer& layer, const FixedFormat& input) {
    return input.fraction_bits() + layer.weight_format.fraction_bits();
}

int magnitude_bits(const FixedFormat& format) {
    return format.total_bits - (format.is_signed ? 1 : 0);
}

bool all_fit(const std::vector<std::int64_t>& numbers, const FixedFormat& format) {
    const std::int64_t low = format.is_signed ? -largest(format) - 1 : 0;
    return std::all_of(numbers.begin(), numbers.end(), [&](std::int64_t number) {
        return number >= low && number <= largest(format);
    });
}

Status check_sizes(const DenseLayer& layer) {
    if (layer.inputs == 0 || layer.inputs > kMaxWidth || layer.outputs == 0 ||
        layer.outputs > kMaxWidth)
        return invalid_argument("has " + std::to_string(layer.inputs) + " inputs and " +
                                std::to_string(layer.outputs) + " outputs; 1 to " +
                                std::to_string(kMaxWidth) + " are possible");
    const std::size_t weights = std::size_t{layer.inputs} * layer.outputs;
    const std::size_t table =
        layer.activation == StackActivation::sigmoid ? kSigmoidEntries : std::size_t{0};
    if (layer.weights.size() != weights || layer.biases.size() != layer.outputs ||
        layer.table.size() != table)
        return invalid_argument("has " + std::to_string(layer.weights.size()) + " weights, " +
                                std::to_string(layer.biases.size()) + " biases and a table of " +
                                std::to_string(layer.table.size()) + "; its sizes need " +
                                std::to_string(weights) + ", " + std::to_string(layer.outputs) +
                                " and " + std::to_string(table));
    return ok_status();
}

Status check_numbers(const DenseLayer& layer) {
    BUNCH_RETURN_IF_ERROR(check(layer.weight_format).with_context("weights"));
    BUNCH_RETURN_IF_ERROR(check(layer.bias_format).with_context("biases"));
    BUNCH_RETURN_IF_ERROR(check(layer.output_format).with_context("outputs"));
    if (!all_fit(layer.weights, layer.weight_format))
        return invalid_argument("a weight does not fit its format");
    if (!all_fit(layer.biases, layer.bias_format))
        return invalid_argument("a bias does not fit its format");
    if (!all_fit(layer.table, layer.output_format))
        return invalid_argument("a number of the table does not fit the format of outputs");
    return ok_status();
}

Status check_accumulator(const DenseLayer& layer, const FixedFormat& input) {
    const int fraction = accumulator_fraction(layer, input);
    const auto at_most = [&](const char* what, const FixedFormat& format) {
        if (format.fraction_bits() <= fraction) return ok_status();
        return invalid_argument(std::string(what) + " have " +
                                std::to_string(format.fraction_bits()) +
                                " fraction bits, the accumulator " + std::to_string(fraction) +
                                ", as inputs and weights have together; use no more than that");
    };
    BUNCH_RETURN_IF_ERROR(at_most("biases", layer.bias_format));
    if (layer.activation != StackActivation::sigmoid)
        BUNCH_RETURN_IF_ERROR(at_most("outputs", layer.output_format));
    if (layer.activation == StackActivation::sigmoid && fraction < kSigmoidStepBits)
        return invalid_argument("a sigmoid needs an accumulator of at least " +
                                std::to_string(kSigmoidStepBits) + " fraction bits, not " +
                                std::to_string(fraction));
    const int bits = accumulator_bits(layer, input);
    if (layer.activation != StackActivation::sigmoid &&
        fraction - layer.output_format.fraction_bits() >= bits)
        return invalid_argument("outputs have " +
                                std::to_string(layer.output_format.fraction_bits()) +
                                " fraction bits and so keep none of the " + std::to_string(bits) +
                                " bits of the accumulator, which has " + std::to_string(fraction) +
                                " fraction bits; use more");
    if (bits > kMaxAccumulatorBits)
        return invalid_argument("needs an accumulator of " + std::to_string(bits) +
                                " bits; at most " + std::to_string(kMaxAccumulatorBits) +
                                " are possible: use narrower formats");
    return ok_status();
}

Status check_layer(const DenseLayer& layer, const FixedFormat& input) {
    BUNCH_RETURN_IF_ERROR(check_sizes(layer));
    BUNCH_RETURN_IF_ERROR(check_numbers(layer));
    return check_accumulator(layer, input);
}

std::int64_t activated(const DenseLayer& layer, std::int64_t accumulator, int fraction) {
    if (layer.activation == StackActivation::sigmoid) {
        const std::int64_t step = accumulator >> (fraction - kSigmoidStepBits);
        constexpr std::int64_t kMiddle = kSigmoidEntries / 2;
        return layer
            .table[static_cast<std::size_t>(std::clamp(step, -kMiddle, kMiddle - 1) + kMiddle)];
    }
    if (layer.activation == StackActivation::relu && accumulator < 0) return 0;
    return quantize(accumulator, -fraction, layer.output_format);
}

void run_layer(const DenseLayer& layer, const FixedFormat& input_format, const Row& input,
               Row& output) {
    const int fraction = accumulator_fraction(layer, input_format);
    const int bias_shift = fraction - layer.bias_format.fraction_bits();
    for (std::size_t o = 0; o < layer.outputs; ++o) {
        std::int64_t sum = layer.biases[o] * (std::int64_t{1} << bias_shift);
        for (std::size_t i = 0; i < layer.inputs; ++i)
            sum += layer.weights[o * layer.inputs + i] * input[i];
        output[o] = activated(layer, sum, fraction);
    }
}

std::size_t stride(std::uint32_t elements, const FixedFormat& format, std::size_t align) {
    return (elements * format.stored_bytes() + align - 1) / align * align;
}

}  // namespace

int accumulator_bits(const DenseLayer& layer, const FixedFormat& input) {
    const int sum = magnitude_bits(input) + magnitude_bits(layer.weight_format) +
                    static_cast<int>(std::bit_width(layer.inputs - 1));
    const int bias = magnitude_bits(layer.bias_format) + accumulator_fraction(layer, input) -
                     layer.bias_format.fraction_bits();
    return std::max(sum, bias) + 2;
}

Result<DenseStack> DenseStack::make(const FixedFormat& input_format,
                                    std::vector<DenseLayer> layers) {
    BUNCH_RETURN_IF_ERROR(check(input_format).with_context("inputs"));
    if (layers.empty() || layers.size() > kMaxLayers)
        return invalid_argument("a dense stack has " + std::to_string(layers.size()) +
                                " layers; 1 to " + std::to_string(kMaxLayers) + " are possible");
    for (std::size_t i = 0; i < layers.size(); ++i) {
        const std::string name = "layer " + std::to_string(i + 1);
        const FixedFormat& input = i == 0 ? input_format : layers[i - 1].output_format;
        BUNCH_RETURN_IF_ERROR(check_layer(layers[i], input).with_context(name));
        if (i > 0 && layers[i].inputs != layers[i - 1].outputs)
            return invalid_argument(name + " reads " + std::to_string(layers[i].inputs) +
                                    " numbers, but the one before it gives " +
                                    std::to_string(layers[i - 1].outputs));
    }
    return DenseStack(input_format, std::move(layers));
}

std::size_t DenseStack::input_stride(std::size_t align) const {
    return stride(inputs(), input_format_, align);
}

std::size_t DenseStack::output_stride(std::size_t align) const {
    return stride(outputs(), output_format(), align);
}

void DenseStack::run(std::span<const std::int64_t> input, std::span<std::int64_t> output) const {
    BUNCH_CHECK(input.size() == inputs() && output.size() == outputs());
    Row from;
    Row to;
    std::copy(input.begin(), input.end(), from.begin());
    const FixedFormat* format = &input_format_;
    for (const DenseLayer& layer : layers_) {
        run_layer(layer, *format, from, to);
        from.swap(to);
        format = &layer.output_format;
    }
    std::copy_n(from.begin(), outputs(), output.begin());
}

void DenseStack::run_stored(std::span<const std::byte> input, std::span<std::byte> output,
                            std::size_t rows, std::size_t align) const {
    const std::size_t input_stride = this->input_stride(align);
    const std::size_t output_stride = this->output_stride(align);
    BUNCH_CHECK(input.size() >= rows * input_stride && output.size() >= rows * output_stride);
    std::vector<std::int64_t> from(inputs());
    std::vector<std::int64_t> to(outputs());
    std::fill_n(output.begin(), rows * output_stride, std::byte{0});
    for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t i = 0; i < from.size(); ++i)
            from[i] = load_raw(&input[row * input_stride + i * input_format_.stored_bytes()],
                               input_format_);
        run(from, to);
        for (std::size_t o = 0; o < to.size(); ++o)
            store_raw(to[o], &output[row * output_stride + o * output_format().stored_bytes()],
                      output_format());
    }
}

std::vector<std::int64_t> sigmoid_table(const FixedFormat& format) {
    std::vector<std::int64_t> table;
    for (std::size_t i = 0; i < kSigmoidEntries; ++i) {
        const double x =
            (static_cast<double>(i) + 0.5 - kSigmoidEntries / 2) / (1 << kSigmoidStepBits);
        const double scaled = std::ldexp(1 / (1 + std::exp(-x)), 52);
        table.push_back(quantize(static_cast<std::int64_t>(scaled), -52, format));
    }
    return table;
}

}  // namespace bunch::fixed_point
