#include "backends/cpu/conv_choices.h"

#include <array>

namespace bunch::cpu {
namespace {

constexpr std::array<std::string_view, 3> kNames = {"direct", "onednn-winograd", "own-winograd"};

}  // namespace

std::string_view name_of(ConvAlgorithm algorithm) {
    return kNames[static_cast<std::size_t>(algorithm)];
}

std::optional<ConvAlgorithm> conv_algorithm_named(std::string_view name) {
    for (std::size_t i = 0; i < kNames.size(); ++i)
        if (kNames[i] == name) return static_cast<ConvAlgorithm>(i);
    return std::nullopt;
}

std::string conv_key(const Graph& graph, const Node& node, std::int64_t rows) {
    const Conv& conv = std::get<Conv>(node.op);
    const Shape &x = graph.at(node.inputs[0]).shape, &y = graph.at(node.output).shape;
    const bool fixed = !graph.at(node.output).carries_rows();
    std::string key = "r" + std::to_string(fixed ? y[0] : rows);
    const auto add = [&](char name, std::int64_t number) { key += name + std::to_string(number); };
    for (std::size_t i = 1; i < 4; ++i) add('x', x[i]);
    for (std::size_t i = 1; i < 4; ++i) add('y', y[i]);
    for (const std::int64_t pad : conv.window.pads_begin) add('p', pad);
    return key;
}

}  // namespace bunch::cpu
