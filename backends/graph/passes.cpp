#include "backends/graph/passes.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

namespace bunch {
namespace {

// Lets every reader of `from` read `to`.
void replace_uses(Graph& graph, ValueId from, ValueId to) {
    for (Node& node : graph.nodes) {
        std::replace(node.inputs.begin(), node.inputs.end(), from, to);
        if (node.residual == from) node.residual = to;
    }
}

void remove_marked(Graph& graph, const std::vector<bool>& gone) {
    std::vector<Node> kept;
    for (std::size_t i = 0; i < graph.nodes.size(); ++i)
        if (!gone[i]) kept.push_back(std::move(graph.nodes[i]));
    graph.nodes = std::move(kept);
}

bool changes_nothing(const Graph& graph, const Node& node) {
    const std::optional<Grid>& grid = graph.at(node.output).grid;
    if (grid && grid != graph.at(node.inputs[0]).grid) return false;
    if (std::holds_alternative<Identity>(node.op)) return true;
    if (const auto* transpose = std::get_if<Transpose>(&node.op))
        return std::is_sorted(transpose->order.begin(), transpose->order.end());
    return std::holds_alternative<Reshape>(node.op) &&
           graph.at(node.inputs[0]).shape == graph.at(node.output).shape;
}

bool is_layer(const Node& node) {
    return std::holds_alternative<Conv>(node.op) || std::holds_alternative<Dense>(node.op);
}

// Whether the grid of what `node` computes, if it has one, can become its inner one.
bool can_round_inside(const Graph& graph, const Node& node) {
    return !graph.at(node.output).grid || (is_layer(node) && !node.inner && !node.residual);
}

bool can_end_in_activation(const Graph& graph, const Node& node) {
    return node.epilogue.kind == Activation::Kind::none && can_round_inside(graph, node) &&
           (is_layer(node) || std::holds_alternative<Affine>(node.op) ||
            std::holds_alternative<MatMul>(node.op) || std::holds_alternative<Binary>(node.op));
}

// The node that may take `residual`: it ends where the sum begins, and has room. Sums of integers
// stay apart from floats.
bool can_take_residual(const Graph& graph, const Node& node, ValueId residual) {
    const bool integers = graph.at(node.inputs[0]).grid.has_value();
    return !node.residual && node.epilogue.kind == Activation::Kind::none && is_layer(node) &&
           !graph.is_output(node.output) && graph.uses(node.output) == 1 &&
           can_round_inside(graph, node) && (!integers || graph.at(residual).grid);
}

// From now on `node` computes `output`, which came after what it computed until now.
void extend(const Graph& graph, Node& node, ValueId output) {
    if (graph.at(node.output).grid) node.inner = graph.at(node.output).grid;
    node.output = output;
}

// Moves the residual of the addition `add` (at `index`) into one of its producers.
bool fuse_residual(Graph& graph, std::size_t index) {
    Node& add = graph.nodes[index];
    const auto* binary = std::get_if<Binary>(&add.op);
    if (binary == nullptr || binary->kind != Binary::Kind::add || add.inputs[0] == add.inputs[1])
        return false;
    if (graph.at(add.inputs[0]).shape != graph.at(add.inputs[1]).shape) return false;
    // The later producer: the other operand is known by the time it runs.
    std::size_t side = 0;
    const auto first = graph.producer(add.inputs[0]);
    const auto second = graph.producer(add.inputs[1]);
    if (!first || (second && *second > *first)) side = 1;
    const auto host = side == 0 ? first : second;
    if (!host || graph.at(add.inputs[1 - side]).constant) return false;
    Node& node = graph.nodes[*host];
    if (!can_take_residual(graph, node, add.inputs[1 - side])) return false;
    extend(graph, node, add.output);
    node.residual = add.inputs[1 - side];
    node.epilogue = add.epilogue;
    return true;
}

}  // namespace

Node* sole_producer(Graph& graph, ValueId id) {
    if (graph.is_output(id) || graph.uses(id) != 1) return nullptr;
    const auto index = graph.producer(id);
    return index ? &graph.nodes[*index] : nullptr;
}

void remove_identities(Graph& graph) {
    std::vector<bool> gone(graph.nodes.size());
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        if (!changes_nothing(graph, graph.nodes[i])) continue;
        const ValueId input = graph.nodes[i].inputs[0], output = graph.nodes[i].output;
        if (!graph.is_output(output)) {
            replace_uses(graph, output, input);
            gone[i] = true;
            continue;
        }
        // An output keeps its name: let the producer of `input` write it, if it may.
        const auto producer = graph.producer(input);
        if (!producer || graph.is_output(input)) continue;
        graph.nodes[*producer].output = output;
        graph.at(output).grid = graph.at(input).grid;
        replace_uses(graph, input, output);
        gone[i] = true;
    }
    remove_marked(graph, gone);
}

void fuse_activations(Graph& graph) {
    std::vector<bool> gone(graph.nodes.size());
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        const auto* elementwise = std::get_if<Elementwise>(&graph.nodes[i].op);
        if (elementwise == nullptr) continue;
        Node* producer = sole_producer(graph, graph.nodes[i].inputs[0]);
        if (producer == nullptr || !can_end_in_activation(graph, *producer)) continue;
        extend(graph, *producer, graph.nodes[i].output);
        producer->epilogue = elementwise->function;
        graph.nodes[i].output = graph.nodes[i].inputs[0];  // now computed by nobody else
        gone[i] = true;
    }
    remove_marked(graph, gone);
}

void fuse_residuals(Graph& graph) {
    for (std::size_t i = 0; i < graph.nodes.size();) {
        if (fuse_residual(graph, i))
            graph.nodes.erase(graph.nodes.begin() + static_cast<std::ptrdiff_t>(i));
        else
            ++i;
    }
}

void remove_unused(Graph& graph) {
    std::set<ValueId> wanted(graph.outputs.begin(), graph.outputs.end());
    for (std::size_t i = graph.nodes.size(); i-- > 0;) {
        const Node& node = graph.nodes[i];
        if (!wanted.contains(node.output)) continue;
        wanted.insert(node.inputs.begin(), node.inputs.end());
        if (node.residual) wanted.insert(*node.residual);
    }
    std::erase_if(graph.nodes, [&](const Node& node) { return !wanted.contains(node.output); });
    for (std::size_t i = 0; i < graph.values.size(); ++i)
        if (!wanted.contains(ValueId{static_cast<std::uint32_t>(i)}))
            graph.values[i].constant.reset();
}

void simplify(Graph& graph, const SimplifyOptions& options) {
    remove_unused(graph);
    remove_identities(graph);
    settle_grids(graph);
    find_affine(graph);
    fold_affine(graph, options);
    fuse_activations(graph);
    fuse_residuals(graph);
    fuse_activations(graph);  // those behind a residual that is now fused
    remove_unused(graph);
}

}  // namespace bunch
