#include "muon/quantised/onnx_graph.h"

#include <bit>

namespace bunch::muon {
namespace {

static_assert(std::endian::native == std::endian::little, "raw_data is little-endian");

constexpr std::int64_t kOpset = 13;
constexpr std::int64_t kIrVersion = 7;  // the one that came with opset 13

void declare(onnx::ValueInfoProto& value, const std::string& name, std::int64_t columns) {
    value.set_name(name);
    onnx::TypeProto::Tensor& tensor = *value.mutable_type()->mutable_tensor_type();
    tensor.set_elem_type(onnx::TensorProto::INT32);
    tensor.mutable_shape()->add_dim()->set_dim_param("N");
    tensor.mutable_shape()->add_dim()->set_dim_value(columns);
}

}  // namespace

OnnxGraph::OnnxGraph(const std::string& name) {
    model_.set_ir_version(kIrVersion);
    model_.set_producer_name("bunch-muon");
    onnx::OperatorSetIdProto& opset = *model_.add_opset_import();
    opset.set_domain("");
    opset.set_version(kOpset);
    model_.mutable_graph()->set_name(name);
}

std::string OnnxGraph::input(const std::string& name, std::int64_t columns) {
    declare(*model_.mutable_graph()->add_input(), name, columns);
    return name;
}

void OnnxGraph::output(const std::string& name, std::int64_t columns) {
    declare(*model_.mutable_graph()->add_output(), name, columns);
}

std::string OnnxGraph::node(const std::string& op, const std::vector<std::string>& inputs,
                            const std::string& name) {
    onnx::NodeProto& made = *model_.mutable_graph()->add_node();
    made.set_op_type(op);
    made.set_name(name);
    for (const std::string& input : inputs) made.add_input(input);
    made.add_output(name);
    return name;
}

std::string OnnxGraph::cast(const std::string& x, onnx::TensorProto::DataType type,
                            const std::string& name) {
    node("Cast", {x}, name);
    attribute("to", type);
    return name;
}

std::string OnnxGraph::concat(const std::vector<std::string>& parts, const std::string& name) {
    node("Concat", parts, name);
    attribute("axis", 1);
    return name;
}

void OnnxGraph::split(const std::string& x, const std::vector<std::string>& names) {
    onnx::NodeProto& made = *model_.mutable_graph()->add_node();
    made.set_op_type("Split");
    made.set_name(x + ".split");
    made.add_input(x);
    for (const std::string& name : names) made.add_output(name);
    attribute("axis", 1);
}

std::string OnnxGraph::look_up(const std::string& table, const std::string& x,
                               const std::string& name) {
    node("Gather", {table, x}, name);
    attribute("axis", 0);
    return name;
}

onnx::TensorProto& OnnxGraph::constant(const std::string& name, onnx::TensorProto::DataType type,
                                       const std::vector<std::int64_t>& extents) {
    onnx::TensorProto& made = *model_.mutable_graph()->add_initializer();
    made.set_name(name);
    made.set_data_type(type);
    for (const std::int64_t extent : extents) made.add_dims(extent);
    return made;
}

std::string OnnxGraph::integer(const std::string& name, std::int32_t value) {
    constant(name, onnx::TensorProto::INT32, {}).set_raw_data(&value, sizeof(value));
    return name;
}

std::string OnnxGraph::integers(const std::string& name, std::span<const std::int32_t> values) {
    constant(name, onnx::TensorProto::INT32, {static_cast<std::int64_t>(values.size())})
        .set_raw_data(values.data(), values.size_bytes());
    return name;
}

std::string OnnxGraph::number(const std::string& name, float value) {
    constant(name, onnx::TensorProto::FLOAT, {}).set_raw_data(&value, sizeof(value));
    return name;
}

std::string OnnxGraph::numbers(const std::string& name, std::span<const float> values) {
    constant(name, onnx::TensorProto::FLOAT, {static_cast<std::int64_t>(values.size())})
        .set_raw_data(values.data(), values.size_bytes());
    return name;
}

std::string OnnxGraph::byte(const std::string& name, std::uint8_t value) {
    constant(name, onnx::TensorProto::UINT8, {}).set_raw_data(&value, sizeof(value));
    return name;
}

std::string OnnxGraph::bytes(const std::string& name, std::span<const std::int8_t> values,
                             const std::vector<std::int64_t>& extents) {
    constant(name, onnx::TensorProto::INT8, extents).set_raw_data(values.data(), values.size());
    return name;
}

void OnnxGraph::attribute(const std::string& name, std::int64_t value) {
    onnx::GraphProto& graph = *model_.mutable_graph();
    onnx::AttributeProto& made = *graph.mutable_node(graph.node_size() - 1)->add_attribute();
    made.set_name(name);
    made.set_type(onnx::AttributeProto::INT);
    made.set_i(value);
}

void OnnxGraph::note(const std::string& key, const std::string& value) {
    onnx::StringStringEntryProto& made = *model_.add_metadata_props();
    made.set_key(key);
    made.set_value(value);
}

}  // namespace bunch::muon
