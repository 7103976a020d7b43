#include <onnx/onnx_pb.h>

#include "tests/backends/graph/network.h"

namespace bunch::test_network {
namespace {

void write_attribute(onnx::NodeProto& node, const std::string& name, const Attribute& value) {
    onnx::AttributeProto& proto = *node.add_attribute();
    proto.set_name(name);
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
        proto.set_type(onnx::AttributeProto::INT);
        proto.set_i(*integer);
    } else if (const auto* number = std::get_if<float>(&value)) {
        proto.set_type(onnx::AttributeProto::FLOAT);
        proto.set_f(*number);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
        proto.set_type(onnx::AttributeProto::STRING);
        proto.set_s(*text);
    } else {
        proto.set_type(onnx::AttributeProto::INTS);
        for (const std::int64_t item : std::get<Extents>(value)) proto.add_ints(item);
    }
}

void write_port(onnx::ValueInfoProto& proto, const Port& port) {
    proto.set_name(port.name);
    auto& tensor = *proto.mutable_type()->mutable_tensor_type();
    tensor.set_elem_type(onnx::TensorProto::FLOAT);
    for (const std::int64_t extent : port.extents) {
        auto& dim = *tensor.mutable_shape()->add_dim();
        if (extent < 0)
            dim.set_dim_param(tensor.shape().dim_size() == 1 ? "N" : "L");
        else
            dim.set_dim_value(extent);
    }
}

}  // namespace

std::string onnx_bytes(const Network& network) {
    onnx::ModelProto model;
    model.set_ir_version(8);
    model.add_opset_import()->set_version(network.opset);
    onnx::GraphProto& graph = *model.mutable_graph();
    graph.set_name("test");
    for (const Port& port : network.inputs) write_port(*graph.add_input(), port);
    for (const std::string& name : network.outputs) graph.add_output()->set_name(name);
    for (const auto& [name, array] : network.constants) {
        onnx::TensorProto& tensor = *graph.add_initializer();
        tensor.set_name(name);
        tensor.set_data_type(onnx::TensorProto::FLOAT);
        for (const std::int64_t extent : array.extents) tensor.add_dims(extent);
        for (const double number : array.numbers) tensor.add_float_data(static_cast<float>(number));
    }
    for (const auto& [name, items] : network.integers) {
        onnx::TensorProto& tensor = *graph.add_initializer();
        tensor.set_name(name);
        tensor.set_data_type(onnx::TensorProto::INT64);
        tensor.add_dims(static_cast<std::int64_t>(items.size()));
        for (const std::int64_t item : items) tensor.add_int64_data(item);
    }
    for (const Operation& operation : network.operations) {
        onnx::NodeProto& node = *graph.add_node();
        node.set_op_type(operation.type);
        node.set_name("make_" + operation.output);
        for (const std::string& input : operation.inputs) node.add_input(input);
        node.add_output(operation.output);
        for (const auto& [name, value] : operation.attributes) write_attribute(node, name, value);
    }
    return model.SerializeAsString();
}

}  // namespace bunch::test_network
