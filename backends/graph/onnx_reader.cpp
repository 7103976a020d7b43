#include "backends/graph/onnx_reader.h"

#include <onnx/onnx_pb.h>

#include <array>
#include <cmath>
#include <fstream>
#include <limits>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "backends/graph/constant_folding.h"
#include "backends/graph/onnx_node.h"
#include "backends/graph/onnx_tensor.h"
#include "backends/graph/shape_inference.h"

namespace bunch {
namespace {

constexpr int kMaxNodes = 10000;
constexpr int kMaxTensors = 100000;

const OperatorReader* find_reader(const onnx::NodeProto& proto) {
    if (!proto.domain().empty() && proto.domain() != "ai.onnx") return nullptr;
    const std::array families = {layer_readers(), pointwise_readers(), pool_readers(),
                                 layout_readers()};
    for (const auto& family : families)
        for (const OperatorReader& reader : family)
            if (reader.type == proto.op_type()) return &reader;
    return nullptr;
}

// Builds the Graph of one GraphProto.
class Importer {
  public:
    Importer(std::int64_t opset, std::filesystem::path folder)
        : opset_(opset), folder_(std::move(folder)) {}

    Result<Graph> import(const onnx::GraphProto& proto) &&;

  private:
    Status import_constants(const onnx::GraphProto& proto);
    Status import_inputs(const onnx::GraphProto& proto);
    Status import_node(const onnx::NodeProto& proto, int index);
    Status import_outputs(const onnx::GraphProto& proto);
    Status add_constant(const onnx::TensorProto& proto, const std::string& name);
    Result<std::vector<std::optional<ValueId>>> find_inputs(const onnx::NodeProto& proto,
                                                            const std::string& label) const;
    Status append(Node node, const std::string& output);
    Status define(const std::string& name, ValueId value);

    std::int64_t opset_;
    std::filesystem::path folder_;
    Graph graph_;
    std::unordered_map<std::string, ValueId> names_;
};

Status Importer::define(const std::string& name, ValueId value) {
    if (name.empty()) return invalid_argument("a tensor has no name");
    if (!names_.emplace(name, value).second)
        return invalid_argument("tensor '" + name + "' is defined twice");
    return ok_status();
}

Status Importer::add_constant(const onnx::TensorProto& proto, const std::string& name) {
    BUNCH_ASSIGN_OR_RETURN(Tensor tensor, read_tensor(proto, folder_));
    if (tensor.type == DataType::f32) {
        const auto bytes = tensor.buffer.bytes();
        const auto* elements = reinterpret_cast<const float*>(bytes.data());
        for (std::size_t i = 0; i < bytes.size() / sizeof(float); ++i)
            if (!std::isfinite(elements[i]))
                return invalid_argument("tensor '" + name + "' holds a number that is not finite");
    }
    const DataType type = tensor.type;
    const Shape shape = tensor.shape;
    return define(name, graph_.add_value({name, type, shape, std::move(tensor)}));
}

Status Importer::import_constants(const onnx::GraphProto& proto) {
    if (proto.sparse_initializer_size() > 0)
        return unimplemented("sparse initializers are not supported");
    if (proto.initializer_size() > kMaxTensors || proto.node_size() > kMaxNodes)
        return invalid_argument("the graph has more than " + std::to_string(kMaxNodes) +
                                " nodes or " + std::to_string(kMaxTensors) + " tensors");
    for (const auto& tensor : proto.initializer())
        BUNCH_RETURN_IF_ERROR(add_constant(tensor, tensor.name()));
    return ok_status();
}

// The declared shape of an input; extent 0 may be open.
Result<Shape> declared_shape(const onnx::ValueInfoProto& info) {
    const std::string label = "input '" + info.name() + "'";
    if (!info.type().has_tensor_type() || !info.type().tensor_type().has_shape())
        return invalid_argument(label + " is no tensor of known rank");
    std::vector<std::int64_t> extents;
    for (const auto& dim : info.type().tensor_type().shape().dim()) {
        const bool fixed = dim.has_dim_value() && dim.dim_value() > 0;
        if (!fixed && !extents.empty())
            return unimplemented(label + " leaves extent " + std::to_string(extents.size()) +
                                 " open; only the first one may be");
        extents.push_back(fixed ? dim.dim_value() : kAnyExtent);
    }
    const auto shape = Shape::from(extents);
    if (!shape)
        return unimplemented(label + " has more than " + std::to_string(kMaxRank) + " dimensions");
    return *shape;
}

Status Importer::import_inputs(const onnx::GraphProto& proto) {
    for (const auto& info : proto.input()) {
        if (names_.contains(info.name())) continue;  // old files list constants here too
        BUNCH_ASSIGN_OR_RETURN(const Shape shape, declared_shape(info));
        const auto type = data_type_of_onnx(info.type().tensor_type().elem_type());
        if (type != DataType::f32)
            return unimplemented("input '" + info.name() + "' is not FP32; only FP32 is supported");
        const auto elements =
            (shape.rank() > 0 && shape[0] == kAnyExtent ? shape.with_rows(1) : shape).elements();
        if (!elements || *elements > (std::uint64_t{1} << 40))
            return invalid_argument("input '" + info.name() + "' of shape " + shape.to_string() +
                                    " is too large");
        const ValueId id = graph_.add_value({info.name(), *type, shape, std::nullopt});
        graph_.inputs.push_back(id);
        BUNCH_RETURN_IF_ERROR(define(info.name(), id));
    }
    if (graph_.inputs.empty()) return invalid_argument("the graph has no inputs");
    return ok_status();
}

Result<std::vector<std::optional<ValueId>>> Importer::find_inputs(const onnx::NodeProto& proto,
                                                                  const std::string& label) const {
    std::vector<std::optional<ValueId>> found;
    for (const std::string& name : proto.input()) {
        const auto entry = names_.find(name);
        if (name.empty())
            found.emplace_back();
        else if (entry != names_.end())
            found.emplace_back(entry->second);
        else
            return invalid_argument(label + " reads '" + name +
                                    "', which nothing before it computes");
    }
    return found;
}

Status Importer::append(Node node, const std::string& output) {
    for (const ValueId id : node.inputs)
        if (graph_.at(id).type != DataType::f32 && !graph_.at(id).constant)
            return unimplemented(node.label + " computes with " +
                                 std::string(name_of(graph_.at(id).type)) +
                                 "; only FP32 is supported");
    BUNCH_ASSIGN_OR_RETURN(std::optional<Tensor> folded, fold(graph_, node));
    if (folded) {
        const DataType type = folded->type;
        const Shape shape = folded->shape;
        return define(output, graph_.add_value({output, type, shape, std::move(folded)}));
    }
    for (const ValueId id : node.inputs)
        if (graph_.at(id).type != DataType::f32)
            return unimplemented(node.label + " computes with " +
                                 std::string(name_of(graph_.at(id).type)) +
                                 "; only FP32 is supported");
    BUNCH_ASSIGN_OR_RETURN(const Shape shape, infer_output_shape(graph_, node));
    node.output = graph_.add_value({output, DataType::f32, shape, std::nullopt});
    const ValueId id = node.output;
    graph_.nodes.push_back(std::move(node));
    return define(output, id);
}

Status Importer::import_node(const onnx::NodeProto& proto, int index) {
    const std::string name = proto.name().empty() ? std::to_string(index) : proto.name();
    const std::string label = "node '" + name + "' (" + proto.op_type() + ")";
    if (proto.output_size() < 1) return invalid_argument(label + " has no output");
    Attributes attributes(proto);
    if (proto.op_type() == "Constant" && proto.domain().empty()) {
        const onnx::TensorProto* tensor = attributes.tensor("value");
        BUNCH_RETURN_IF_ERROR(attributes.status().with_context(label));
        if (tensor == nullptr) return invalid_argument(label + " has no value");
        return add_constant(*tensor, proto.output(0)).with_context(label);
    }
    const OperatorReader* reader = find_reader(proto);
    if (reader == nullptr)
        return unimplemented(label + ": operator " +
                             (proto.domain().empty() ? "" : proto.domain() + ".") +
                             proto.op_type() + " is not supported");
    BUNCH_ASSIGN_OR_RETURN(std::vector<std::optional<ValueId>> inputs, find_inputs(proto, label));
    OnnxNode node{proto, opset_, graph_, label, std::move(inputs), std::move(attributes)};
    Result<Node> made = reader->read(node);
    BUNCH_RETURN_IF_ERROR(node.attributes.status().with_context(label));
    if (!made.ok()) return made.status();
    return append(std::move(made).value(), proto.output(0));
}

Status Importer::import_outputs(const onnx::GraphProto& proto) {
    for (const auto& info : proto.output()) {
        const auto found = names_.find(info.name());
        if (found == names_.end())
            return invalid_argument("output '" + info.name() + "' is computed by no node");
        if (graph_.at(found->second).type != DataType::f32 || graph_.at(found->second).constant)
            return unimplemented("output '" + info.name() + "' is a constant");
        if (graph_.is_output(found->second))
            return invalid_argument("output '" + info.name() + "' is listed twice");
        graph_.outputs.push_back(found->second);
    }
    if (graph_.outputs.empty()) return invalid_argument("the graph has no outputs");
    return ok_status();
}

Result<Graph> Importer::import(const onnx::GraphProto& proto) && {
    BUNCH_RETURN_IF_ERROR(import_constants(proto));
    BUNCH_RETURN_IF_ERROR(import_inputs(proto));
    for (int i = 0; i < proto.node_size(); ++i)
        BUNCH_RETURN_IF_ERROR(import_node(proto.node(i), i));
    BUNCH_RETURN_IF_ERROR(import_outputs(proto));
    BUNCH_RETURN_IF_ERROR(signature_of(graph_).status());
    return std::move(graph_);
}

Result<std::int64_t> opset_of(const onnx::ModelProto& model) {
    for (const auto& entry : model.opset_import()) {
        if (!entry.domain().empty() && entry.domain() != "ai.onnx") continue;
        if (entry.version() >= kOldestOpset && entry.version() <= kNewestOpset)
            return entry.version();
        return unimplemented("operator set " + std::to_string(entry.version()) +
                             " is not supported; export the model with one from " +
                             std::to_string(kOldestOpset) + " to " + std::to_string(kNewestOpset));
    }
    return invalid_argument("the file names no operator set; it is no ONNX model, or cut off");
}

Result<std::vector<std::byte>> read_bytes(const std::filesystem::path& path) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) return not_found("no such file");
    const std::uintmax_t size = std::filesystem::file_size(path, error);
    if (error) return not_found(error.message());
    // protobuf's own limit; larger models keep their tensors outside the file.
    if (size > static_cast<std::uintmax_t>(std::numeric_limits<int>::max()))
        return invalid_argument("the file has more than 2 GiB; keep its tensors in external files");
    std::vector<std::byte> bytes(size);
    std::ifstream file(path, std::ios::binary);
    file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
    if (!file)
        return unavailable("cannot be read (check the permissions of the file and its folders)");
    return bytes;
}

}  // namespace

Result<Graph> parse_onnx(std::span<const std::byte> bytes, const std::filesystem::path& folder) {
    onnx::ModelProto model;
    if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()) ||
        !model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
        return invalid_argument(
            "not an ONNX file, or cut off or corrupt (protobuf cannot read it)");
    BUNCH_ASSIGN_OR_RETURN(const std::int64_t opset, opset_of(model));
    if (!model.has_graph()) return invalid_argument("the file holds no graph");
    return Importer(opset, folder).import(model.graph());
}

Result<Graph> read_onnx(const std::filesystem::path& path) {
    Result<std::vector<std::byte>> bytes = read_bytes(path);
    if (!bytes.ok()) return bytes.status().with_context(path.string());
    std::filesystem::path folder = path.parent_path();
    Result<Graph> graph = parse_onnx(*bytes, folder.empty() ? "." : folder);
    if (!graph.ok()) return graph.status().with_context(path.string());
    return graph;
}

}  // namespace bunch
