#include "zoo/calibration.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <span>
#include <utility>

#include "core/check.h"

namespace bunch {
namespace {

/// [height][width][channels].
struct Image {
    std::int64_t height = 1, width = 1, channels = 1;
    std::vector<float> numbers;

    Image() = default;
    Image(std::int64_t h, std::int64_t w, std::int64_t c, float fill = 0)
        : height(h), width(w), channels(c), numbers(static_cast<std::size_t>(h * w * c), fill) {}

    float* at(std::int64_t y, std::int64_t x) {
        return numbers.data() + (y * width + x) * channels;
    }
    const float* at(std::int64_t y, std::int64_t x) const {
        return numbers.data() + (y * width + x) * channels;
    }
};

struct Sliding {
    std::int64_t kernel = 1, stride = 1, padding = 0;

    std::int64_t steps(std::int64_t extent) const {
        return (extent + 2 * padding - kernel) / stride + 1;
    }
};

typedef float Four __attribute__((vector_size(4 * sizeof(float))));
constexpr std::int64_t kBlock = 8, kPixels = 4;  // outputs and pixels that are computed together

/// Weights [outputs][channels][kernel][kernel] as [outputs / 8][kernel][kernel][channels][8].
struct Filter {
    std::int64_t outputs = 0, line = 0;  // numbers of one line of the window: kernel * channels
    Sliding window;
    std::vector<float> packed, bias;

    Filter(std::span<const float> weights, std::vector<float> given_bias, std::int64_t outs,
           std::int64_t channels, const Sliding& sliding)
        : outputs(outs),
          line(sliding.kernel * channels),
          window(sliding),
          bias(std::move(given_bias)) {
        const std::int64_t kernel = sliding.kernel, blocks = (outs + kBlock - 1) / kBlock;
        packed.resize(static_cast<std::size_t>(blocks * kernel * line * kBlock));
        bias.resize(static_cast<std::size_t>(blocks * kBlock));
        std::size_t from = 0;
        for (std::int64_t o = 0; o < outs; ++o)
            for (std::int64_t c = 0; c < channels; ++c)
                for (std::int64_t y = 0; y < kernel; ++y)
                    for (std::int64_t x = 0; x < kernel; ++x) {
                        const std::int64_t tap =
                            ((o / kBlock * kernel + y) * kernel + x) * channels + c;
                        packed[static_cast<std::size_t>(tap * kBlock + o % kBlock)] =
                            weights[from++];
                    }
    }
};

/// Where the windows of a few pixels begin, and how far their lines are apart.
struct Patch {
    const float* from[kPixels];
    std::int64_t step;
};

// The sums of one block of outputs for a few pixels.
void sum_block(const Filter& filter, std::int64_t block, const Patch& patch, float* to) {
    Four sums[kPixels][2] = {};
    const float* weights =
        filter.packed.data() + block * filter.window.kernel * filter.line * kBlock;
    for (std::int64_t y = 0; y < filter.window.kernel; ++y)
        for (std::int64_t j = 0; j < filter.line; ++j, weights += kBlock) {
            Four w[2];
            std::memcpy(w, weights, sizeof(w));
            for (std::int64_t p = 0; p < kPixels; ++p) {
                const Four x = Four{} + patch.from[p][y * patch.step + j];
                sums[p][0] += x * w[0];
                sums[p][1] += x * w[1];
            }
        }
    std::memcpy(to, sums, sizeof(sums));
}

Image padded(const Image& x, std::int64_t padding, float fill) {
    Image wide(x.height + 2 * padding, x.width + 2 * padding, x.channels, fill);
    for (std::int64_t y = 0; y < x.height; ++y)
        std::copy_n(x.at(y, 0), x.width * x.channels, wide.at(y + padding, padding));
    return wide;
}

Image convolve(const Image& given, const Filter& filter) {
    const Sliding& window = filter.window;
    const Image x = padded(given, window.padding, 0);
    Image result(window.steps(given.height), window.steps(given.width), filter.outputs);
    for (std::int64_t block = 0; block * kBlock < filter.outputs; ++block) {
        const std::int64_t first = block * kBlock;
        const std::int64_t count = std::min(kBlock, filter.outputs - first);
        for (std::int64_t row = 0; row < result.height; ++row)
            for (std::int64_t column = 0; column < result.width; column += kPixels) {
                Patch patch{{}, x.width * x.channels};
                for (std::int64_t p = 0; p < kPixels; ++p)
                    patch.from[p] = x.at(row * window.stride,
                                         std::min(column + p, result.width - 1) * window.stride);
                float sums[kPixels * kBlock];
                sum_block(filter, block, patch, sums);
                for (std::int64_t p = 0; p < std::min(kPixels, result.width - column); ++p)
                    for (std::int64_t o = 0; o < count; ++o)
                        result.at(row, column + p)[first + o] =
                            sums[p * kBlock + o] + filter.bias[static_cast<std::size_t>(first + o)];
            }
    }
    return result;
}

Image largest(const Image& given, const Sliding& window) {
    const float none = std::numeric_limits<float>::lowest();
    const Image x = padded(given, window.padding, none);
    Image result(window.steps(given.height), window.steps(given.width), given.channels, none);
    for (std::int64_t row = 0; row < result.height; ++row)
        for (std::int64_t column = 0; column < result.width; ++column)
            for (std::int64_t i = 0; i < window.kernel * window.kernel; ++i) {
                const float* from = x.at(row * window.stride + i / window.kernel,
                                         column * window.stride + i % window.kernel);
                float* to = result.at(row, column);
                for (std::int64_t c = 0; c < x.channels; ++c) to[c] = std::max(to[c], from[c]);
            }
    return result;
}

Image mean(const Image& x) {
    Image result(1, 1, x.channels);
    for (std::int64_t i = 0; i < x.height * x.width; ++i)
        for (std::int64_t c = 0; c < x.channels; ++c) result.at(0, 0)[c] += x.at(0, i)[c];
    for (float& number : result.numbers) number /= static_cast<float>(x.height * x.width);
    return result;
}

// As ONNX counts: channels first.
Image flat(const Image& x) {
    Image result(1, 1, x.height * x.width * x.channels);
    for (std::int64_t c = 0; c < x.channels; ++c)
        for (std::int64_t i = 0; i < x.height * x.width; ++i)
            result.numbers[static_cast<std::size_t>(c * x.height * x.width + i)] = x.at(0, i)[c];
    return result;
}

/// One pass over a graph.
class Pass {
  public:
    explicit Pass(const onnx::GraphProto& graph) : graph_(graph) {
        for (const onnx::TensorProto& tensor : graph.initializer())
            constants_[tensor.name()] = &tensor;
    }

    // What all values are for that input.
    std::map<std::string, Image> run(Image input);

  private:
    std::span<const float> floats(const std::string& name) const {
        const std::string& raw = constants_.at(name)->raw_data();
        return {reinterpret_cast<const float*>(raw.data()), raw.size() / sizeof(float)};
    }
    const Filter& filter_of(const onnx::NodeProto& node, std::int64_t channels);
    Image compute(const onnx::NodeProto& node, const std::map<std::string, Image>& values);

    const onnx::GraphProto& graph_;
    std::map<std::string, const onnx::TensorProto*> constants_;
    std::map<std::string, Filter> filters_;
};

Sliding window_of(const onnx::NodeProto& node) {
    Sliding window;
    for (const onnx::AttributeProto& attribute : node.attribute()) {
        if (attribute.name() == "kernel_shape") window.kernel = attribute.ints(0);
        if (attribute.name() == "strides") window.stride = attribute.ints(0);
        if (attribute.name() == "pads") window.padding = attribute.ints(0);
    }
    return window;
}

const Filter& Pass::filter_of(const onnx::NodeProto& node, std::int64_t channels) {
    const auto known = filters_.find(node.output(0));
    if (known != filters_.end()) return known->second;
    const Sliding window = node.op_type() == "Conv" ? window_of(node) : Sliding();
    const std::int64_t outputs = constants_.at(node.input(1))->dims(0);
    std::vector<float> bias(static_cast<std::size_t>(outputs));
    if (node.input_size() > 2) {
        const auto given = floats(node.input(2));
        bias.assign(given.begin(), given.end());
    }
    return filters_
        .emplace(node.output(0),
                 Filter(floats(node.input(1)), std::move(bias), outputs, channels, window))
        .first->second;
}

Image Pass::compute(const onnx::NodeProto& node, const std::map<std::string, Image>& values) {
    const Image& x = values.at(node.input(0));
    const std::string& type = node.op_type();
    if (type == "Conv" || type == "Gemm") return convolve(x, filter_of(node, x.channels));
    if (type == "MaxPool") return largest(x, window_of(node));
    if (type == "GlobalAveragePool") return mean(x);
    if (type == "Flatten") return flat(x);
    BUNCH_CHECK(type == "Relu" || type == "Add");
    Image result = x;
    for (std::size_t i = 0; i < result.numbers.size(); ++i)
        result.numbers[i] = type == "Relu"
                                ? std::max(result.numbers[i], 0.0F)
                                : result.numbers[i] + values.at(node.input(1)).numbers[i];
    return result;
}

std::map<std::string, Image> Pass::run(Image input) {
    std::map<std::string, Image> values;
    values[graph_.input(0).name()] = std::move(input);
    for (const onnx::NodeProto& node : graph_.node())
        values[node.output(0)] = compute(node, values);
    return values;
}

}  // namespace

std::map<std::string, Range> calibrate(const onnx::GraphProto& graph, const Examples& examples) {
    std::map<std::string, Range> ranges;
    Pass pass(graph);
    for (const std::vector<float>& planes : examples.images) {
        Image image(examples.height, examples.width, examples.channels);
        for (std::size_t i = 0; i < planes.size(); ++i) {
            const auto pixels = static_cast<std::size_t>(examples.height * examples.width);
            image.at(0, static_cast<std::int64_t>(i % pixels))[i / pixels] = planes[i];
        }
        for (const auto& [name, value] : pass.run(std::move(image))) {
            Range& range = ranges[name];
            const auto [least, most] =
                std::minmax_element(value.numbers.begin(), value.numbers.end());
            range = {std::min(range.least, *least), std::max(range.most, *most)};
        }
    }
    return ranges;
}

}  // namespace bunch
