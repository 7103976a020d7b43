#include "backends/graph/split.h"

#include <utility>

namespace bunch {
namespace {

constexpr std::size_t kNever = static_cast<std::size_t>(-1);

/// The nodes that make a value and read it last.
struct Life {
    std::size_t made = kNever, read = 0;
};

// Inputs are made before node 0 and outputs are read after the last.
std::vector<Life> lives_of(const Graph& graph) {
    std::vector<Life> lives(graph.values.size());
    for (const ValueId id : graph.inputs) lives[id.value].made = 0;
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        const Node& node = graph.nodes[i];
        for (const ValueId id : node.inputs) lives[id.value].read = i;
        if (node.residual) lives[node.residual->value].read = i;
        lives[node.output.value].made = i + 1;
    }
    for (const ValueId id : graph.outputs) lives[id.value].read = graph.nodes.size();
    return lives;
}

}  // namespace

std::vector<Cut> cuts_of(const Graph& graph) {
    const std::vector<Life> lives = lives_of(graph);
    std::vector<Cut> cuts;
    for (std::size_t i = 1; i < graph.nodes.size(); ++i) {
        std::vector<ValueId> passing;
        for (std::size_t v = 0; v < lives.size(); ++v)
            if (!graph.values[v].constant && lives[v].made <= i && lives[v].read >= i)
                passing.push_back(ValueId{static_cast<std::uint32_t>(v)});
        if (passing.size() != 1) continue;
        const ValueId value = passing.front();
        const bool input = lives[value.value].made == 0;
        if (!input && !graph.is_output(value) && graph.at(value).carries_rows() &&
            graph.at(value).type == DataType::f32)
            cuts.push_back({i, value});
    }
    return cuts;
}

Graph part_of(const Graph& graph, std::span<const Node> nodes, std::vector<ValueId> inputs,
              std::vector<ValueId> outputs) {
    Graph part;
    for (const Value& value : graph.values) {
        Value copy{value.name, value.type, value.shape, {}, value.grid, {}};
        if (value.constant) {
            // Buffer has no const form; a constant is only read.
            const auto bytes = value.constant->buffer.bytes();
            auto* first = const_cast<std::byte*>(bytes.data());
            copy.constant = Tensor{value.constant->type, value.constant->shape,
                                   Buffer::hold({first, bytes.size()}, nullptr, nullptr)};
        }
        part.values.push_back(std::move(copy));
    }
    part.nodes.assign(nodes.begin(), nodes.end());
    part.inputs = std::move(inputs);
    part.outputs = std::move(outputs);
    for (const auto* ids : {&part.inputs, &part.outputs})
        for (const ValueId id : *ids)
            if (part.at(id).grid && !graph.is_output(id)) part.at(id).type = part.at(id).grid->type;
    return part;
}

}  // namespace bunch
