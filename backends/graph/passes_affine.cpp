// Scaling and shifting per channel: found, merged, and folded into weights. All in double, rounded
// once.
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "backends/graph/passes.h"

namespace bunch {
namespace {

using Doubles = std::vector<double>;

bool any_large(const Doubles& shifts) {
    return std::any_of(shifts.begin(), shifts.end(),
                       [](double shift) { return !(std::abs(shift) <= kLargeShift); });
}

Doubles doubles(const Graph& graph, ValueId id) {
    const auto elements = floats(graph.at(id));
    return {elements.begin(), elements.end()};
}

ValueId add_constant(Graph& graph, const std::string& name, const Shape& shape,
                     const Doubles& elements) {
    std::vector<float> rounded(elements.size());
    for (std::size_t i = 0; i < rounded.size(); ++i) rounded[i] = static_cast<float>(elements[i]);
    return graph.add_constant(name, shape, rounded);
}

// The axis of `x` along which the constant varies, if it varies along one at most.
std::optional<std::size_t> channel_axis(const Shape& x, const Shape& constant) {
    if (constant.rank() > x.rank() || x.rank() == 0) return std::nullopt;
    const std::size_t offset = x.rank() - constant.rank();
    std::optional<std::size_t> axis;
    for (std::size_t i = 0; i < constant.rank(); ++i) {
        if (constant[i] == 1) continue;
        if (axis || constant[i] != x[offset + i]) return std::nullopt;
        axis = offset + i;
    }
    if (!axis) axis = x.rank() == 4 ? 1 : x.rank() - 1;
    if (x[*axis] == kAnyExtent) return std::nullopt;
    return axis;
}

/// What an Affine computes: (x - centre) * scale + shift.
struct AffineNumbers {
    Doubles scale, shift, centre;

    /// The shift of x * scale + shift.
    Doubles whole_shift() const {
        Doubles whole = shift;
        for (std::size_t c = 0; c < whole.size(); ++c) whole[c] -= centre[c] * scale[c];
        return whole;
    }
};

AffineNumbers numbers_of(const Graph& graph, const Node& affine) {
    AffineNumbers numbers{doubles(graph, affine.inputs[1]), doubles(graph, affine.inputs[2]), {}};
    if (affine.inputs.size() > 3) numbers.centre = doubles(graph, affine.inputs[3]);
    numbers.centre.resize(numbers.scale.size(), 0.0);
    return numbers;
}

void set_numbers(Graph& graph, Node& affine, const AffineNumbers& numbers) {
    const Shape shape{static_cast<std::int64_t>(numbers.scale.size())};
    affine.inputs.resize(1);
    affine.inputs.push_back(add_constant(graph, affine.label + " scale", shape, numbers.scale));
    affine.inputs.push_back(add_constant(graph, affine.label + " shift", shape, numbers.shift));
    if (std::any_of(numbers.centre.begin(), numbers.centre.end(), [](double c) { return c != 0; }))
        affine.inputs.push_back(
            add_constant(graph, affine.label + " centre", shape, numbers.centre));
}

void make_affine(Graph& graph, Node& node) {
    const auto* binary = std::get_if<Binary>(&node.op);
    if (binary == nullptr) return;
    const bool left = graph.at(node.inputs[0]).constant.has_value();
    const bool right = graph.at(node.inputs[1]).constant.has_value();
    if (left == right) return;
    const ValueId x = node.inputs[left ? 1 : 0], constant = node.inputs[left ? 0 : 1];
    const auto axis = channel_axis(graph.at(x).shape, graph.at(constant).shape);
    if (!axis) return;
    const Doubles given = doubles(graph, constant);
    if (!std::all_of(given.begin(), given.end(), [](double n) { return std::isfinite(n); })) return;
    const auto channels = static_cast<std::size_t>(graph.at(x).shape[*axis]);
    AffineNumbers numbers{Doubles(channels, 1.0), Doubles(channels, 0.0), Doubles(channels, 0.0)};
    for (std::size_t c = 0; c < channels; ++c) {
        const double number = given[given.size() == 1 ? 0 : c];
        if (binary->kind == Binary::Kind::multiply) numbers.scale[c] = number;
        if (binary->kind == Binary::Kind::add) numbers.shift[c] = number;
        if (binary->kind == Binary::Kind::subtract) {
            numbers.scale[c] = left ? -1.0 : 1.0;
            numbers.shift[c] = left ? number : -number;
        }
    }
    // Exact, as scales are 1 or -1 there.
    if (any_large(numbers.shift))
        for (std::size_t c = 0; c < channels; ++c)
            numbers.centre[c] = -std::exchange(numbers.shift[c], 0.0) * numbers.scale[c];
    node.op = Affine{static_cast<std::int64_t>(*axis)};
    node.inputs = {x};
    set_numbers(graph, node, numbers);
}

Doubles bias_of(const Graph& graph, const Node& layer, std::size_t channels) {
    if (layer.inputs.size() > 2) return doubles(graph, layer.inputs[2]);
    return Doubles(channels, 0.0);
}

// The integers of a layer's weights with `factors` for their output channels in their scales; null
// if its weights have none, or scales of another kind.
std::shared_ptr<const QuantisedConstant> scaled_integers(const Graph& graph, const Node& layer,
                                                         const Doubles& factors) {
    const Value& weights = graph.at(layer.inputs[1]);
    const std::size_t axis = std::holds_alternative<Conv>(layer.op) ? 0 : 1;
    if (weights.quantised == nullptr ||
        (weights.quantised->scales.size() > 1 && weights.quantised->axis != axis))
        return nullptr;
    QuantisedConstant made = *weights.quantised;
    made.axis = axis;
    made.scales.resize(factors.size(), made.scales[0]);
    made.zeros.resize(factors.size(), made.zeros[0]);
    for (std::size_t c = 0; c < factors.size(); ++c)
        made.scales[c] = static_cast<float>(static_cast<double>(made.scales[c]) * factors[c]);
    return std::make_shared<const QuantisedConstant>(std::move(made));
}

void set_weights(Graph& graph, Node& layer, const Doubles& weights, const Doubles& bias) {
    const Shape shape = graph.at(layer.inputs[1]).shape;
    const ValueId new_weights = add_constant(graph, layer.label + " weights", shape, weights);
    const ValueId new_bias = add_constant(graph, layer.label + " bias",
                                          Shape{static_cast<std::int64_t>(bias.size())}, bias);
    layer.inputs = {layer.inputs[0], new_weights, new_bias};
}

// affine(layer(x)) -> layer'(x). Output channels are extent 0 of Conv weights, 1 of Dense ones.
void fold_behind(Graph& graph, Node& layer, const Node& affine) {
    const AffineNumbers numbers = numbers_of(graph, affine);
    const Doubles& scale = numbers.scale;
    const Doubles shift = numbers.whole_shift();
    Doubles weights = doubles(graph, layer.inputs[1]);
    Doubles bias = bias_of(graph, layer, scale.size());
    const bool conv = std::holds_alternative<Conv>(layer.op);
    const std::size_t per_channel = weights.size() / scale.size();
    for (std::size_t i = 0; i < weights.size(); ++i)
        weights[i] *= scale[conv ? i / per_channel : i % scale.size()];
    for (std::size_t c = 0; c < bias.size(); ++c) bias[c] = bias[c] * scale[c] + shift[c];
    auto integers = scaled_integers(graph, layer, scale);
    set_weights(graph, layer, weights, bias);
    graph.at(layer.inputs[1]).quantised = std::move(integers);
}

// dense(affine(x)) -> dense'(x).
void fold_before(Graph& graph, Node& dense, const Node& affine) {
    const AffineNumbers numbers = numbers_of(graph, affine);
    const Doubles& scale = numbers.scale;
    const Doubles shift = numbers.whole_shift();
    Doubles weights = doubles(graph, dense.inputs[1]);
    const std::size_t channels = weights.size() / scale.size();
    Doubles bias = bias_of(graph, dense, channels);
    for (std::size_t i = 0; i < weights.size(); ++i) {
        bias[i % channels] += shift[i / channels] * weights[i];
        weights[i] *= scale[i / channels];
    }
    set_weights(graph, dense, weights, bias);
    dense.inputs[0] = affine.inputs[0];
}

// second(first(x)) -> first'(x), if that loses no digits.
bool merge(Graph& graph, Node& first, const Node& second) {
    AffineNumbers merged = numbers_of(graph, first);
    const AffineNumbers next = numbers_of(graph, second);
    for (std::size_t c = 0; c < merged.scale.size(); ++c) {
        merged.scale[c] *= next.scale[c];
        merged.shift[c] = (merged.shift[c] - next.centre[c]) * next.scale[c] + next.shift[c];
    }
    if (any_large(merged.shift)) return false;
    set_numbers(graph, first, merged);
    return true;
}

bool fold_into_producer(Graph& graph, Node& node, const Affine& affine) {
    Node* producer = sole_producer(graph, node.inputs[0]);
    if (producer == nullptr || producer->residual || graph.at(producer->output).grid ||
        producer->epilogue.kind != Activation::Kind::none)
        return false;
    const auto last = static_cast<std::int64_t>(graph.at(node.output).shape.rank()) - 1;
    if (const auto* before = std::get_if<Affine>(&producer->op); before != nullptr) {
        if (before->axis != affine.axis || !merge(graph, *producer, node)) return false;
    } else if ((std::holds_alternative<Conv>(producer->op) && affine.axis == 1) ||
               (std::holds_alternative<Dense>(producer->op) && affine.axis == last)) {
        fold_behind(graph, *producer, node);
    } else {
        return false;
    }
    producer->output = node.output;
    return true;
}

bool fold_into_reader(Graph& graph, const Node& node, const Affine& affine) {
    const auto last = static_cast<std::int64_t>(graph.at(node.output).shape.rank()) - 1;
    if (graph.is_output(node.output) || graph.uses(node.output) != 1 || affine.axis != last ||
        graph.at(node.output).grid)
        return false;
    for (Node& reader : graph.nodes) {
        if (!std::holds_alternative<Dense>(reader.op) || reader.inputs[0] != node.output) continue;
        if (any_large(numbers_of(graph, node).whole_shift())) return false;
        fold_before(graph, reader, node);
        return true;
    }
    return false;
}

}  // namespace

void find_affine(Graph& graph) {
    for (Node& node : graph.nodes) make_affine(graph, node);
}

void fold_affine(Graph& graph, const SimplifyOptions& options) {
    for (std::size_t i = 0; i < graph.nodes.size();) {
        Node& node = graph.nodes[i];
        const auto* affine = std::get_if<Affine>(&node.op);
        if (affine != nullptr && (fold_into_producer(graph, node, *affine) ||
                                  (options.fold_before && fold_into_reader(graph, node, *affine))))
            graph.nodes.erase(graph.nodes.begin() + static_cast<std::ptrdiff_t>(i));
        else
            ++i;
    }
}

}  // namespace bunch
