// ONNX files into OperatorGraph: names become indexes, constants are computed, an If whose
// condition is constant becomes the branch that it takes.
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <unordered_map>
#include <utility>

#include "backends/graph/constant_folding.h"
#include "backends/graph/onnx_attributes.h"
#include "backends/graph/onnx_file.h"
#include "backends/graph/onnx_tensor.h"
#include "backends/graph/operator_graph.h"
#include "backends/kernels/halves.h"
#include "backends/kernels/registry.h"

namespace bunch {
namespace {

constexpr int kMaxNodes = 10000;
constexpr int kMaxTensors = 100000;
constexpr int kMaxNesting = 8;

/// What names mean: those of the graph around come first.
using Names = std::unordered_map<std::string, ValueId>;

class Importer {
  public:
    Importer(const OnnxVersions& versions, std::filesystem::path folder, std::uint64_t fold_limit)
        : versions_(versions), folder_(std::move(folder)), fold_limit_(fold_limit) {}

    Result<OperatorGraph> import(const onnx::GraphProto& proto) &&;

  private:
    Status import_constants(const onnx::GraphProto& proto, Names& names);
    Status import_inputs(const onnx::GraphProto& proto, Names& names);
    Status import_nodes(const onnx::GraphProto& proto, Names& names,
                        std::vector<OperatorNode>& nodes, int nesting);
    Status import_node(const onnx::NodeProto& proto, const onnx::GraphProto& graph,
                       const std::string& label, Names& names, std::vector<OperatorNode>& nodes,
                       int nesting);
    Status import_if(const onnx::NodeProto& proto, OperatorNode node, Names& names,
                     std::vector<OperatorNode>& nodes, int nesting);
    Result<OperatorBranch> import_branch(const onnx::NodeProto& proto, const char* which,
                                         const std::string& label, const Names& names,
                                         std::vector<OperatorNode>* inlined, int nesting);
    Status import_outputs(const onnx::GraphProto& proto, const Names& names);
    ValueId renamed(ValueId id, const std::string& name);
    Status find_inputs(const onnx::NodeProto& proto, const onnx::GraphProto& graph,
                       const Names& names, OperatorNode& node) const;
    Status add_outputs(const onnx::NodeProto& proto, Names& names, OperatorNode& node);
    Status try_fold(OperatorNode& node, bool& folded);
    void mark_dependence(OperatorNode& node);
    Status define(const std::string& name, ValueId value, Names& names);
    ValueId add_value(OperatorValue value);
    Status add_constant(const std::string& name, Tensor tensor, Names& names);

    OnnxVersions versions_;
    std::filesystem::path folder_;
    std::uint64_t fold_limit_, folded_bytes_ = 0;
    int nodes_ = 0;
    OperatorGraph graph_;
};

ValueId Importer::add_value(OperatorValue value) {
    graph_.values.push_back(std::move(value));
    return ValueId{static_cast<std::uint32_t>(graph_.values.size() - 1)};
}

Status Importer::define(const std::string& name, ValueId value, Names& names) {
    if (name.empty()) return invalid_argument("a tensor has no name");
    if (!names.emplace(name, value).second)
        return invalid_argument("tensor '" + name + "' is defined twice");
    return ok_status();
}

// One infinite number alone is a bound, as of a Clip or a mask, and meant.
bool is_finite(const Tensor& tensor) {
    const auto bytes = tensor.buffer.bytes();
    const auto all_finite = [&]<typename T>(const T* numbers, auto as_float) {
        const std::size_t count = bytes.size() / sizeof(T);
        if (count == 1) return !std::isnan(as_float(numbers[0]));
        return std::all_of(numbers, numbers + count,
                           [&](T x) { return std::isfinite(as_float(x)); });
    };
    const auto same = [](auto x) { return x; };
    const auto* halves = reinterpret_cast<const std::uint16_t*>(bytes.data());
    switch (tensor.type) {
        case DataType::f16:
            return all_finite(halves, kernels::float_from_f16);
        case DataType::bf16:
            return all_finite(halves, kernels::float_from_bf16);
        case DataType::f32:
            return all_finite(reinterpret_cast<const float*>(bytes.data()), same);
        case DataType::f64:
            return all_finite(reinterpret_cast<const double*>(bytes.data()), same);
        default:
            return true;
    }
}

Status Importer::add_constant(const std::string& name, Tensor tensor, Names& names) {
    if (!is_finite(tensor)) graph_.not_finite.push_back(name);
    return define(
        name, add_value({name, std::make_shared<const Tensor>(std::move(tensor)), false, false}),
        names);
}

Status Importer::import_constants(const onnx::GraphProto& proto, Names& names) {
    if (proto.sparse_initializer_size() > 0)
        return unimplemented("sparse initializers are not supported");
    if (proto.initializer_size() > kMaxTensors || (nodes_ += proto.node_size()) > kMaxNodes)
        return invalid_argument("the graph has more than " + std::to_string(kMaxNodes) +
                                " nodes or " + std::to_string(kMaxTensors) + " tensors");
    for (const auto& tensor : proto.initializer()) {
        BUNCH_ASSIGN_OR_RETURN(Tensor constant, read_tensor(tensor, folder_));
        BUNCH_RETURN_IF_ERROR(add_constant(tensor.name(), std::move(constant), names));
    }
    return ok_status();
}

Result<OperatorInput> declared_input(const onnx::ValueInfoProto& info) {
    const std::string label = "input '" + info.name() + "'";
    OperatorInput input;
    if (!info.type().has_tensor_type() || !info.type().tensor_type().has_shape())
        return unimplemented(label + " is no tensor of known rank");
    std::vector<std::int64_t> extents;
    for (const auto& dim : info.type().tensor_type().shape().dim()) {
        const bool fixed = dim.has_dim_value() && dim.dim_value() > 0;
        extents.push_back(fixed ? dim.dim_value() : kAnyExtent);
        input.extent_names.push_back(fixed ? "" : dim.dim_param());
    }
    const auto shape = Shape::from(extents);
    if (!shape)
        return unimplemented(label + " has more than " + std::to_string(kMaxRank) + " dimensions");
    const auto type = data_type_of_onnx(info.type().tensor_type().elem_type());
    if (!type) return unimplemented(label + " has elements that are neither numbers nor bool");
    std::vector<std::int64_t> least = extents;
    for (std::int64_t& extent : least) extent = std::max<std::int64_t>(extent, 1);
    const auto elements = Shape::from(least)->elements();
    if (!elements || *elements > (std::uint64_t{1} << 40))
        return invalid_argument(label + " of shape " + shape->to_string() + " is too large");
    input.type = *type;
    input.shape = *shape;
    return input;
}

Status Importer::import_inputs(const onnx::GraphProto& proto, Names& names) {
    for (const auto& info : proto.input()) {
        if (names.contains(info.name())) continue;  // old files list constants here too
        BUNCH_ASSIGN_OR_RETURN(OperatorInput input, declared_input(info));
        input.value = add_value({info.name(), nullptr, true, false});
        BUNCH_RETURN_IF_ERROR(define(info.name(), input.value, names));
        graph_.inputs.push_back(std::move(input));
    }
    return ok_status();
}

Status Importer::find_inputs(const onnx::NodeProto& proto, const onnx::GraphProto& graph,
                             const Names& names, OperatorNode& node) const {
    const auto computed_later = [&](const std::string& name) {
        return std::any_of(graph.node().begin(), graph.node().end(), [&](const auto& other) {
            return std::find(other.output().begin(), other.output().end(), name) !=
                   other.output().end();
        });
    };
    for (const std::string& name : proto.input()) {
        const auto entry = names.find(name);
        if (!name.empty() && entry == names.end())
            return invalid_argument(
                node.spec.label + " reads '" + name + "', which nothing before it computes" +
                (computed_later(name) ? ", only itself or a later node: the graph has a cycle, or "
                                        "its nodes are out of order"
                                      : ""));
        node.inputs.push_back(name.empty() ? std::nullopt : std::optional(entry->second));
        node.spec.inputs.push_back(!name.empty());
    }
    return ok_status();
}

Status Importer::add_outputs(const onnx::NodeProto& proto, Names& names, OperatorNode& node) {
    if (proto.output_size() < 1) return invalid_argument(node.spec.label + " has no output");
    for (const std::string& name : proto.output()) {
        node.spec.outputs.push_back(!name.empty());
        if (name.empty()) {
            node.outputs.emplace_back();
            continue;
        }
        node.outputs.emplace_back(add_value({name, nullptr, false, false}));
        BUNCH_RETURN_IF_ERROR(define(name, *node.outputs.back(), names));
    }
    return ok_status();
}

// Operators whose result is as long as the data make it.
bool length_from_data(const std::string& type) {
    return type == "NonZero" || type == "Compress" || type == "Unique";
}

/// Inputs of an operator that say what shape its result has.
std::span<const int> shape_inputs(const std::string& type) {
    struct Entry {
        std::string_view type;
        std::array<int, 4> inputs;
        std::size_t count;
    };
    static constexpr Entry kEntries[] = {
        {"Reshape", {1}, 1},         {"Expand", {1}, 1},      {"Tile", {1}, 1},
        {"Slice", {1, 2, 3, 4}, 4},  {"Pad", {1, 3}, 2},      {"TopK", {1}, 1},
        {"ConstantOfShape", {0}, 1}, {"Range", {0, 1, 2}, 3}, {"OneHot", {1}, 1},
        {"Resize", {1, 2, 3}, 3},    {"Upsample", {1}, 1},    {"Squeeze", {1}, 1},
        {"Unsqueeze", {1}, 1},       {"Split", {1}, 1},       {"MaxUnpool", {2}, 1},
        {"ReduceSum", {1}, 1}};
    for (const Entry& entry : kEntries)
        if (entry.type == type) return {entry.inputs.data(), entry.count};
    return {};
}

void Importer::mark_dependence(OperatorNode& node) {
    bool data = false, shape = length_from_data(node.spec.type);
    for (const auto& id : node.inputs) {
        data = data || (id && graph_.at(*id).from_data);
        shape = shape || (id && graph_.at(*id).shape_from_data);
    }
    for (const int i : shape_inputs(node.spec.type)) {
        const auto place = static_cast<std::size_t>(i);
        shape = shape || (place < node.inputs.size() && node.inputs[place] &&
                          graph_.at(*node.inputs[place]).from_data);
    }
    const bool reads_shape = node.spec.type == "Shape" || node.spec.type == "Size";
    for (const auto& id : node.outputs) {
        if (!id) continue;
        graph_.at(*id).from_data = reads_shape ? shape : data || shape;
        graph_.at(*id).shape_from_data = shape && !reads_shape;
    }
}

// What the DequantizeLinear `node` read, which was folded; null if there is nothing.
std::shared_ptr<const QuantisedConstant> quantised_constant(const OperatorGraph& graph,
                                                            const OperatorNode& node) {
    const auto input = [&](std::size_t i) -> const Tensor& {
        return *graph.at(*node.inputs[i]).constant;
    };
    QuantisedConstant made;
    made.integers = graph.at(*node.inputs[0]).constant;
    const auto* scales = reinterpret_cast<const float*>(input(1).buffer.bytes().data());
    made.scales.assign(scales, scales + input(1).buffer.size() / sizeof(float));
    if (made.scales.empty()) return nullptr;
    made.zeros.assign(made.scales.size(), 0);
    const bool zeros = node.inputs.size() > 2 && node.inputs[2];
    for (std::size_t i = 0; zeros && i < made.zeros.size(); ++i) {
        const std::byte* from = input(2).buffer.bytes().data();
        if (input(2).type == DataType::u8)
            made.zeros[i] = reinterpret_cast<const std::uint8_t*>(from)[i];
        else if (input(2).type == DataType::i8)
            made.zeros[i] = reinterpret_cast<const std::int8_t*>(from)[i];
        else if (input(2).type == DataType::i32)
            std::memcpy(&made.zeros[i], from + i * sizeof(std::int32_t), sizeof(std::int32_t));
    }
    kernels::Attributes attributes(node.spec);
    const std::int64_t axis = attributes.integer("axis", 1);
    const auto rank = static_cast<std::int64_t>(made.integers->shape.rank());
    made.axis = static_cast<std::size_t>(axis < 0 ? axis + rank : axis);
    return std::make_shared<const QuantisedConstant>(std::move(made));
}

Status Importer::try_fold(OperatorNode& node, bool& folded) {
    folded = std::all_of(node.inputs.begin(), node.inputs.end(), [this](const auto& id) {
        return !id || graph_.at(*id).constant != nullptr;
    });
    if (!folded) return ok_status();
    BUNCH_ASSIGN_OR_RETURN(auto results, fold(graph_, node, fold_limit_ - folded_bytes_));
    folded = results.has_value();
    if (!folded) return ok_status();
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
        if (!node.outputs[i]) continue;
        folded_bytes_ = std::min(fold_limit_, folded_bytes_ + (*results)[i].buffer.size());
        OperatorValue& value = graph_.at(*node.outputs[i]);
        if (!is_finite((*results)[i])) graph_.not_finite.push_back(value.name);
        value.constant = std::make_shared<const Tensor>(std::move((*results)[i]));
    }
    if (node.spec.domain.empty() && node.spec.type == "DequantizeLinear" && node.outputs[0])
        graph_.at(*node.outputs[0]).quantised = quantised_constant(graph_, node);
    return ok_status();
}

Result<OperatorBranch> Importer::import_branch(const onnx::NodeProto& proto, const char* which,
                                               const std::string& label, const Names& names,
                                               std::vector<OperatorNode>* inlined, int nesting) {
    if (nesting >= kMaxNesting) return invalid_argument(label + " is nested too deeply");
    for (const auto& attribute : proto.attribute()) {
        if (attribute.name() != which || !attribute.has_g()) continue;
        Names inner = names;
        OperatorBranch branch;
        BUNCH_RETURN_IF_ERROR(import_constants(attribute.g(), inner));
        BUNCH_RETURN_IF_ERROR(import_nodes(
            attribute.g(), inner, inlined != nullptr ? *inlined : branch.nodes, nesting + 1));
        if (attribute.g().output_size() != proto.output_size())
            return invalid_argument(label + " has a branch with " +
                                    std::to_string(attribute.g().output_size()) + " outputs");
        for (const auto& info : attribute.g().output()) {
            const auto found = inner.find(info.name());
            if (found == inner.end())
                return invalid_argument(label + ": output '" + info.name() +
                                        "' of a branch is computed by no node");
            branch.results.push_back(found->second);
        }
        return branch;
    }
    return invalid_argument(label + " has no " + which);
}

Status Importer::import_if(const onnx::NodeProto& proto, OperatorNode node, Names& names,
                           std::vector<OperatorNode>& nodes, int nesting) {
    const std::string& label = node.spec.label;
    if (node.inputs.size() != 1 || !node.inputs[0])
        return invalid_argument(label + " has no condition");
    const OperatorValue& condition = graph_.at(*node.inputs[0]);
    if (condition.constant != nullptr) {
        const Tensor& value = *condition.constant;
        if (value.type != DataType::boolean || value.buffer.size() != 1)
            return invalid_argument(label + " has a condition that is no BOOL");
        const bool taken = value.buffer.bytes()[0] != std::byte{0};
        BUNCH_ASSIGN_OR_RETURN(const OperatorBranch branch,
                               import_branch(proto, taken ? "then_branch" : "else_branch", label,
                                             names, &nodes, nesting));
        for (int i = 0; i < proto.output_size(); ++i)
            if (!proto.output(i).empty())
                BUNCH_RETURN_IF_ERROR(
                    define(proto.output(i), branch.results[static_cast<std::size_t>(i)], names));
        return ok_status();
    }
    if (condition.from_data)
        return unimplemented(
            label +
            ": operator If is supported only where its condition does not depend on the data");
    bool data = false;
    for (const char* which : {"then_branch", "else_branch"}) {
        BUNCH_ASSIGN_OR_RETURN(OperatorBranch branch,
                               import_branch(proto, which, label, names, nullptr, nesting));
        for (const ValueId id : branch.results) data = data || graph_.at(id).from_data;
        node.branches.push_back(std::move(branch));
    }
    BUNCH_RETURN_IF_ERROR(add_outputs(proto, names, node));
    for (const auto& id : node.outputs)
        if (id) graph_.at(*id).from_data = data;
    nodes.push_back(std::move(node));
    return ok_status();
}

Status Importer::import_node(const onnx::NodeProto& proto, const onnx::GraphProto& graph,
                             const std::string& label, Names& names,
                             std::vector<OperatorNode>& nodes, int nesting) {
    const bool own = proto.domain().empty() || proto.domain() == "ai.onnx";
    const bool branches = own && proto.op_type() == "If";
    const std::string domain = own ? "" : proto.domain();
    if (!branches && !kernels::has_kernel(domain, proto.op_type()))
        return unimplemented(label + ": operator " + (own ? "" : domain + ".") + proto.op_type() +
                             " is not supported");
    OperatorNode node;
    BUNCH_ASSIGN_OR_RETURN(node.spec,
                           spec_of(proto, label, own ? versions_.onnx : versions_.ml, folder_));
    BUNCH_RETURN_IF_ERROR(find_inputs(proto, graph, names, node));
    if (branches) return import_if(proto, std::move(node), names, nodes, nesting);
    BUNCH_RETURN_IF_ERROR(add_outputs(proto, names, node));
    bool folded = false;
    BUNCH_RETURN_IF_ERROR(try_fold(node, folded));
    if (folded) return ok_status();
    mark_dependence(node);
    nodes.push_back(std::move(node));
    return ok_status();
}

Status Importer::import_nodes(const onnx::GraphProto& proto, Names& names,
                              std::vector<OperatorNode>& nodes, int nesting) {
    for (int i = 0; i < proto.node_size(); ++i) {
        const auto& node = proto.node(i);
        const std::string name = node.name().empty() ? std::to_string(i) : node.name();
        BUNCH_RETURN_IF_ERROR(import_node(
            node, proto, "node '" + name + "' (" + node.op_type() + ")", names, nodes, nesting));
    }
    return ok_status();
}

// What `id` is, as a value called `name`: an If that became one of its branches has results that
// are called as the branch calls them.
ValueId Importer::renamed(ValueId id, const std::string& name) {
    OperatorValue copy = graph_.at(id);
    copy.name = name;
    const bool computed = copy.constant == nullptr;
    const ValueId made = add_value(std::move(copy));
    if (!computed) return made;
    OperatorNode node;
    node.spec.type = "Identity";
    node.spec.label = "output '" + name + "'";
    node.spec.opset = versions_.onnx;
    node.spec.inputs = node.spec.outputs = {true};
    node.inputs = {id};
    node.outputs = {made};
    graph_.nodes.push_back(std::move(node));
    return made;
}

Status Importer::import_outputs(const onnx::GraphProto& proto, const Names& names) {
    std::set<std::string> known;
    for (const auto& info : proto.output()) {
        const auto found = names.find(info.name());
        if (found == names.end())
            return invalid_argument("output '" + info.name() + "' is computed by no node");
        if (!known.insert(info.name()).second)
            return invalid_argument("output '" + info.name() + "' is listed twice");
        const bool own = graph_.at(found->second).name == info.name();
        graph_.outputs.push_back(own ? found->second : renamed(found->second, info.name()));
    }
    if (graph_.outputs.empty()) return invalid_argument("the graph has no outputs");
    return ok_status();
}

Result<OperatorGraph> Importer::import(const onnx::GraphProto& proto) && {
    Names names;
    BUNCH_RETURN_IF_ERROR(import_constants(proto, names));
    BUNCH_RETURN_IF_ERROR(import_inputs(proto, names));
    BUNCH_RETURN_IF_ERROR(import_nodes(proto, names, graph_.nodes, 0));
    BUNCH_RETURN_IF_ERROR(import_outputs(proto, names));
    return std::move(graph_);
}

}  // namespace

Result<OperatorGraph> parse_operator_graph(std::span<const std::byte> bytes,
                                           const std::filesystem::path& folder,
                                           std::uint64_t fold_limit) {
    onnx::ModelProto model;
    BUNCH_ASSIGN_OR_RETURN(const OnnxVersions versions, parse_model(bytes, model));
    return Importer(versions, folder, fold_limit).import(model.graph());
}

Result<OperatorGraph> read_operator_graph(const std::filesystem::path& path) {
    const auto read = [&]() -> Result<OperatorGraph> {
        BUNCH_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, read_model_bytes(path));
        const std::filesystem::path folder = path.parent_path();
        return parse_operator_graph(bytes, folder.empty() ? "." : folder);
    };
    Result<OperatorGraph> graph = read();
    if (!graph.ok()) return graph.status().with_context(path.string());
    return graph;
}

}  // namespace bunch
