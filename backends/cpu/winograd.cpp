#include "backends/cpu/winograd.h"

#include <algorithm>
#include <array>

namespace bunch::cpu {
namespace {

using winograd_kernel::kLanes;
using winograd_kernel::kPanel;
using winograd_kernel::kPoints;
using winograd_kernel::kTile;

// Tiles between two looks at the same weights: what is kept of them fits the second-level cache.
constexpr std::int64_t kMostTiles = 32;
constexpr std::int64_t kMostExtent = 1 << 16;

bool suits(const Activation& activation) {
    return activation.kind == Activation::Kind::none ||
           activation.kind == Activation::Kind::leaky_relu ||
           activation.kind == Activation::Kind::clip;
}

winograd_kernel::Activation kernel_activation(const Activation& activation) {
    if (activation.kind == Activation::Kind::leaky_relu)
        return winograd_kernel::Activation::leaky_relu;
    if (activation.kind == Activation::Kind::clip) return winograd_kernel::Activation::clip;
    return winograd_kernel::Activation::none;
}

// G g for one line g of three weights.
std::array<double, 6> spread(double a, double b, double c) {
    return {
        a / 4, -(a + b + c) / 6, -(a - b + c) / 6, a / 24 + b / 12 + c / 6, a / 24 - b / 12 + c / 6,
        c};
}

// G g G^T: point by point, down first.
std::array<double, kPoints> spread(const float* g) {
    std::array<std::array<double, 6>, 3> columns{};
    for (std::size_t x = 0; x < 3; ++x)
        columns[x] = spread(static_cast<double>(g[x]), static_cast<double>(g[3 + x]),
                            static_cast<double>(g[6 + x]));
    std::array<double, kPoints> points{};
    for (std::size_t y = 0; y < 6; ++y) {
        const auto line = spread(columns[0][y], columns[1][y], columns[2][y]);
        std::copy(line.begin(), line.end(), points.begin() + static_cast<std::ptrdiff_t>(6 * y));
    }
    return points;
}

}  // namespace

winograd_kernel::Function winograd_function() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") != 0) return winograd_kernel::run_avx512;
#endif
    return nullptr;
}

bool suits_winograd(const Conv& conv) {
    const std::array<std::int64_t, 2> three{3, 3}, one{1, 1};
    return conv.groups == 1 && conv.window.kernel == three && conv.window.strides == one &&
           conv.window.dilations == one;
}

bool suits_own_winograd(const Graph& graph, const Node& node) {
    const Conv* conv = std::get_if<Conv>(&node.op);
    if (conv == nullptr || !suits_winograd(*conv) || winograd_function() == nullptr ||
        !suits(node.epilogue))
        return false;
    const Shape &x = graph.at(node.inputs[0]).shape, &y = graph.at(node.output).shape;
    for (const Shape* shape : {&x, &y})
        if ((*shape)[1] % kLanes != 0 ||
            std::max({(*shape)[1], (*shape)[2], (*shape)[3]}) > kMostExtent)
            return false;
    return graph.at(node.inputs[1]).constant.has_value() &&
           (node.inputs.size() < 3 || graph.at(node.inputs[2]).constant.has_value());
}

std::int64_t winograd_tiles(const Graph& graph, const Node& node, std::int64_t rows) {
    const Shape& y = graph.at(node.output).shape;
    return rows * ((y[2] + kTile - 1) / kTile) * ((y[3] + kTile - 1) / kTile);
}

winograd_kernel::Layer winograd_layer(const Graph& graph, const Node& node, std::int64_t rows) {
    const Window& window = std::get<Conv>(node.op).window;
    const Shape &x = graph.at(node.inputs[0]).shape, &y = graph.at(node.output).shape;
    const auto number = [](std::int64_t extent) { return static_cast<int>(extent); };
    winograd_kernel::Layer layer{};
    layer.channels = number(x[1]), layer.outputs = number(y[1]);
    layer.height = number(x[2]), layer.width = number(x[3]);
    layer.out_height = number(y[2]), layer.out_width = number(y[3]);
    layer.pad_top = number(window.pads_begin[0]), layer.pad_left = number(window.pads_begin[1]);
    layer.add = node.residual.has_value();
    layer.activation = kernel_activation(node.epilogue);
    layer.alpha = node.epilogue.alpha, layer.beta = node.epilogue.beta;
    const std::int64_t tiles = winograd_tiles(graph, node, rows);
    const std::int64_t blocks = (tiles + kMostTiles - 1) / kMostTiles;
    layer.block = number((tiles + blocks - 1) / blocks);
    return layer;
}

// By outputs where there are enough, since each thread then reads weights of its own only; images
// have many tiles where outputs are few.
std::vector<winograd_kernel::Part> winograd_parts(const winograd_kernel::Layer& layer,
                                                  std::int64_t tiles, unsigned threads) {
    const long panels = (layer.outputs + kPanel - 1) / kPanel;
    const bool by_outputs = panels >= threads;
    const long pieces = by_outputs ? panels : tiles;
    const long count = std::min<long>(threads, pieces);
    std::vector<winograd_kernel::Part> parts;
    for (long i = 0; i < count; ++i) {
        const long first = pieces * i / count, end = pieces * (i + 1) / count;
        if (by_outputs) {
            const int output = static_cast<int>(first) * kPanel;
            const int last = std::min(static_cast<int>(end) * kPanel, layer.outputs);
            parts.push_back({0, tiles, output, last - output});
        } else {
            parts.push_back({first, end - first, 0, layer.outputs});
        }
    }
    return parts;
}

std::size_t winograd_weight_floats(const winograd_kernel::Layer& layer) {
    return static_cast<std::size_t>(kPoints) * static_cast<std::size_t>(layer.channels) *
           static_cast<std::size_t>(layer.outputs);
}

void transform_winograd(const winograd_kernel::Layer& layer, std::span<const float> weights,
                        float* to) {
    const auto channels = static_cast<std::size_t>(layer.channels),
               outputs = static_cast<std::size_t>(layer.outputs);
    constexpr auto kWidth = static_cast<std::size_t>(kPanel);
    for (std::size_t output = 0; output < outputs; ++output) {
        const std::size_t first = output / kWidth * kWidth,
                          width = std::min(kWidth, outputs - first);
        for (std::size_t channel = 0; channel < channels; ++channel) {
            const auto points = spread(weights.data() + 9 * (output * channels + channel));
            float* place = to + first * channels + channel * width + output - first;
            for (std::size_t point = 0; point < points.size(); ++point)
                place[point * channels * outputs] = static_cast<float>(points[point]);
        }
    }
}

}  // namespace bunch::cpu
