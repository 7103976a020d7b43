#include "zoo/fpga/dense_network.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "backends/xrt/fixed_point/arithmetic.h"
#include "core/check.h"
#include "zoo/onnx_builder.h"
#include "zoo/random.h"

namespace bunch {
namespace {

using fixed_point::DenseLayer;
using fixed_point::DenseStack;
using fixed_point::StackActivation;

std::vector<float> normal_numbers(Random& random, std::size_t count, double deviation) {
    std::vector<float> numbers(count);
    for (float& number : numbers) number = static_cast<float>(deviation * random.normal());
    return numbers;
}

FixedFormat nearest(FixedFormat format) {
    format.rounding = Rounding::nearest_even;
    format.overflow = Overflow::saturate;
    return format;
}

std::vector<std::int64_t> raw(const std::vector<float>& numbers, const FixedFormat& format) {
    std::vector<std::int64_t> raws;
    for (const float number : numbers)
        raws.push_back(fixed_point::quantize(number, nearest(format)));
    return raws;
}

}  // namespace

DenseNetwork draw_dense_network(std::span<const std::uint32_t> widths, std::uint64_t seed) {
    Random random(seed);
    DenseNetwork network;
    for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
        FloatLayer layer{widths[i], widths[i + 1], i + 2 < widths.size(), {}, {}};
        const double gain = layer.relu ? 2.0 : 1.0;  // He et al. 2015
        layer.weights = normal_numbers(random, std::size_t{layer.inputs} * layer.outputs,
                                       std::sqrt(gain / layer.inputs));
        layer.biases = normal_numbers(random, layer.outputs, 0.1);
        network.push_back(std::move(layer));
    }
    return network;
}

std::vector<float> run(const DenseNetwork& network, std::span<const float> input) {
    std::vector<float> x(input.begin(), input.end());
    for (const FloatLayer& layer : network) {
        std::vector<float> y;
        for (std::size_t o = 0; o < layer.outputs; ++o) {
            double sum = layer.biases[o];
            for (std::size_t i = 0; i < layer.inputs; ++i)
                sum += double{layer.weights[o * layer.inputs + i]} * double{x[i]};
            y.push_back(static_cast<float>(layer.relu ? std::max(sum, 0.0) : sum));
        }
        x = std::move(y);
    }
    return x;
}

Status write_onnx(const DenseNetwork& network, const std::string& name, const std::string& path) {
    OnnxBuilder net(name, 0);
    std::string x = net.input("input", {network.front().inputs});
    for (const FloatLayer& layer : network) {
        x = net.dense(x, layer.inputs, layer.outputs, layer.weights, layer.biases);
        if (layer.relu) x = net.relu(x);
    }
    net.output(x, "output", {network.back().outputs});
    return net.write(path);
}

DenseStack in_fixed_point(const DenseNetwork& network, const FixedFormat& format) {
    std::vector<DenseLayer> layers;
    for (const FloatLayer& layer : network)
        layers.push_back({layer.inputs,
                          layer.outputs,
                          layer.relu ? StackActivation::relu : StackActivation::none,
                          format,
                          format,
                          format,
                          raw(layer.weights, format),
                          raw(layer.biases, format),
                          {}});
    auto stack = DenseStack::make(format, std::move(layers));
    BUNCH_CHECK(stack.ok());
    return std::move(stack).value();
}

Deviation deviation_of(const DenseNetwork& network, const DenseStack& stack, std::size_t rows,
                       std::uint64_t seed) {
    Random random(seed);
    Deviation deviation;
    deviation.rows = rows;
    std::vector<std::int64_t> output(stack.outputs());
    for (std::size_t row = 0; row < rows; ++row) {
        const std::vector<float> input = normal_numbers(random, stack.inputs(), 1);
        const std::vector<float> wanted = run(network, input);
        stack.run(raw(input, stack.input_format()), output);
        for (std::size_t o = 0; o < output.size(); ++o) {
            const double number = fixed_point::to_float(output[o], stack.output_format());
            const double difference = std::abs(number - double{wanted[o]});
            deviation.largest = std::max(deviation.largest, difference);
            deviation.mean += difference;
            deviation.output += std::abs(double{wanted[o]});
        }
    }
    const auto numbers = static_cast<double>(rows * output.size());
    deviation.mean /= numbers;
    deviation.output /= numbers;
    return deviation;
}

}  // namespace bunch
