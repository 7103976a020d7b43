#include "backends/graph/integer_layers.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <utility>

namespace bunch {
namespace {

constexpr std::int32_t kMiddle = 128;  // of UINT8

bool is_around_zero(const QuantisedConstant& weights) {
    const std::int32_t zero = weights.integers->type == DataType::u8 ? kMiddle : 0;
    return std::all_of(weights.zeros.begin(), weights.zeros.end(),
                       [zero](std::int32_t given) { return given == zero; });
}

/// Finds the forms of one graph's layers.
class Finder {
  public:
    explicit Finder(Graph& graph) : graph_(graph) {}

    // Why `node` stays in floats; empty if it need not.
    std::string obstacle(const Node& node) const;
    IntegerForm form_of(const Node& node);

  private:
    const QuantisedConstant* weights_of(const Node& node) const {
        return graph_.at(node.inputs[1]).quantised.get();
    }
    static std::size_t channel_axis(const Node& node) {
        return std::holds_alternative<Conv>(node.op) ? 0 : 1;
    }
    // Of the sums: scale of the input times scale of the weights, by output channel.
    std::vector<float> scales_of(const Node& node) const;
    ValueId integers_of(ValueId weights);
    ValueId bias_of(const Node& node, const std::vector<float>& scales);

    Graph& graph_;
    std::map<ValueId, ValueId> integers_;  // of weights that several layers may share
};

std::vector<float> Finder::scales_of(const Node& node) const {
    const QuantisedConstant& weights = *weights_of(node);
    const float input = graph_.at(node.inputs[0]).grid->scale;
    std::vector<float> scales;
    const std::int64_t channels = graph_.at(node.inputs[1]).shape[channel_axis(node)];
    for (std::size_t c = 0; c < static_cast<std::size_t>(channels); ++c)
        scales.push_back(input * weights.scales[weights.scales.size() == 1 ? 0 : c]);
    return scales;
}

std::string Finder::obstacle(const Node& node) const {
    if (!graph_.at(node.inputs[0]).grid) return "its input is not quantised";
    const QuantisedConstant* const weights = weights_of(node);
    if (weights == nullptr) return "its weights are not quantised";
    if (weights->integers->type == DataType::i32) return "its weights have 32 bits";
    if (!is_around_zero(*weights)) return "its weights have a zero point";
    if (weights->integers->shape != graph_.at(node.inputs[1]).shape)
        return "its weights have another shape than what was quantised";
    if (weights->scales.size() > 1 && weights->axis != channel_axis(node))
        return "its weights have scales along another axis than their output channels";
    for (const float scale : scales_of(node))
        if (!std::isnormal(scale)) return "its weights have a scale that is 0 or no number";
    return "";
}

ValueId Finder::integers_of(ValueId weights) {
    const auto known = integers_.find(weights);
    if (known != integers_.end()) return known->second;
    const Tensor& given = *graph_.at(weights).quantised->integers;
    Tensor made{DataType::i8, given.shape, Buffer::copy_of(given.buffer.bytes())};
    if (given.type == DataType::u8)  // less 128
        for (std::byte& byte : made.buffer.bytes()) byte ^= std::byte{0x80};
    const ValueId id = graph_.add_value(
        {graph_.at(weights).name, DataType::i8, given.shape, std::move(made), {}, {}});
    integers_[weights] = id;
    return id;
}

ValueId Finder::bias_of(const Node& node, const std::vector<float>& scales) {
    const auto given = floats(graph_.at(node.inputs[2]));
    std::vector<float> bias(scales.size());
    for (std::size_t c = 0; c < bias.size(); ++c)
        bias[c] =
            static_cast<float>(static_cast<double>(given[c]) / static_cast<double>(scales[c]));
    return graph_.add_constant(node.label + " bias", Shape{static_cast<std::int64_t>(bias.size())},
                               bias);
}

IntegerForm Finder::form_of(const Node& node) {
    IntegerForm form;
    form.scales = scales_of(node);
    form.weights = integers_of(node.inputs[1]);
    if (node.inputs.size() > 2) form.bias = bias_of(node, form.scales);
    return form;
}

}  // namespace

IntegerLayers find_integer_layers(Graph& graph) {
    IntegerLayers layers;
    Finder finder(graph);
    for (Node& node : graph.nodes) {
        if (!std::holds_alternative<Conv>(node.op) && !std::holds_alternative<Dense>(node.op))
            continue;
        if (!graph.at(node.inputs[0]).grid && graph.at(node.inputs[1]).quantised == nullptr)
            continue;
        const std::string obstacle = finder.obstacle(node);
        if (!obstacle.empty()) {
            layers.in_floats.push_back(node.label + ": " + obstacle);
            continue;
        }
        node.integers = finder.form_of(node);
        ++layers.found;
    }
    return layers;
}

}  // namespace bunch
