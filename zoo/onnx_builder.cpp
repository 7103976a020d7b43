#include "zoo/onnx_builder.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <numeric>

namespace bunch {
namespace {

constexpr std::int64_t kOpset = 13;
constexpr std::int64_t kIrVersion = 7;  // the one that came with opset 13

void declare(onnx::ValueInfoProto& value, const std::string& name,
             const std::vector<std::int64_t>& extents, const std::string& open) {
    value.set_name(name);
    onnx::TypeProto::Tensor& tensor = *value.mutable_type()->mutable_tensor_type();
    tensor.set_elem_type(onnx::TensorProto::FLOAT);
    tensor.mutable_shape()->add_dim()->set_dim_param("N");
    for (const std::int64_t extent : extents) {
        auto& dim = *tensor.mutable_shape()->add_dim();
        if (extent < 0)
            dim.set_dim_param(open);
        else
            dim.set_dim_value(extent);
    }
}

}  // namespace

OnnxBuilder::OnnxBuilder(const std::string& graph_name, std::uint64_t seed) : random_(seed) {
    model_.set_ir_version(kIrVersion);
    model_.set_producer_name("bunch zoo");
    onnx::OperatorSetIdProto& opset = *model_.add_opset_import();
    opset.set_domain("");
    opset.set_version(kOpset);
    model_.mutable_graph()->set_name(graph_name);
}

std::string OnnxBuilder::input(const std::string& name, const std::vector<std::int64_t>& extents,
                               const std::string& open) {
    declare(*model_.mutable_graph()->add_input(), name, extents, open);
    return name;
}

void OnnxBuilder::output(const std::string& value, const std::string& name,
                         const std::vector<std::int64_t>& extents) {
    for (onnx::NodeProto& made : *model_.mutable_graph()->mutable_node())
        if (made.output(0) == value) made.set_output(0, name);
    declare(*model_.mutable_graph()->add_output(), name, extents, "");
}

std::string OnnxBuilder::convolution(const std::string& x, std::int64_t inputs,
                                     std::int64_t outputs, Window window, double scale) {
    const std::int64_t fan_in = inputs * window.kernel * window.kernel;
    const double deviation = scale * std::sqrt(2.0 / static_cast<double>(fan_in));
    const std::string w = weights("weight", {outputs, inputs, window.kernel, window.kernel},
                                  normal_values(outputs * fan_in, 0, deviation));
    std::string y = node("Conv", {x, w});
    window_attributes(window);
    return y;
}

std::string OnnxBuilder::batch_norm(const std::string& x, std::int64_t channels,
                                    NormStatistics statistics) {
    const double deviation = std::sqrt(statistics.variance);
    const std::string gamma =
        weights("gamma", {channels},
                uniform_values(channels, 0.8 * statistics.gain, 1.2 * statistics.gain));
    const std::string beta =
        weights("beta", {channels}, normal_values(channels, 0, 0.1 * statistics.gain));
    const std::string mean =
        weights("running_mean", {channels}, normal_values(channels, 0, 0.1 * deviation));
    const std::string variance =
        weights("running_var", {channels},
                uniform_values(channels, 0.8 * statistics.variance, 1.2 * statistics.variance));
    return node("BatchNormalization", {x, gamma, beta, mean, variance});
}

std::string OnnxBuilder::relu(const std::string& x) {
    return node("Relu", {x});
}

std::string OnnxBuilder::add(const std::string& a, const std::string& b) {
    return node("Add", {a, b});
}

std::string OnnxBuilder::max_pool(const std::string& x, Window window) {
    std::string y = node("MaxPool", {x});
    window_attributes(window);
    return y;
}

std::string OnnxBuilder::global_average_pool(const std::string& x) {
    return node("GlobalAveragePool", {x});
}

std::string OnnxBuilder::flatten(const std::string& x) {
    std::string y = node("Flatten", {x});
    attribute("axis", 1);
    return y;
}

std::string OnnxBuilder::dense(const std::string& x, std::int64_t inputs, std::int64_t outputs) {
    const double deviation = std::sqrt(2.0 / static_cast<double>(inputs));
    const std::vector<float> w = normal_values(outputs * inputs, 0, deviation);
    return dense(x, inputs, outputs, w, normal_values(outputs, 0, 0.1));
}

std::string OnnxBuilder::dense(const std::string& x, std::int64_t inputs, std::int64_t outputs,
                               const std::vector<float>& w, const std::vector<float>& b) {
    const std::string weight = weights("weight", {outputs, inputs}, w);
    const std::string bias = weights("bias", {outputs}, b);
    std::string y = node("Gemm", {x, weight, bias});
    attribute("transB", 1);
    return y;
}

std::string OnnxBuilder::linear(const std::string& x, std::int64_t inputs, std::int64_t outputs) {
    const double deviation = std::sqrt(2.0 / static_cast<double>(inputs));
    const std::string w =
        weights("weight", {inputs, outputs}, normal_values(inputs * outputs, 0, deviation));
    const std::string b = weights("bias", {outputs}, normal_values(outputs, 0, 0.1));
    return add(node("MatMul", {x, w}), b);
}

std::string OnnxBuilder::plain_convolution(const std::string& x, std::int64_t inputs,
                                           std::int64_t outputs,
                                           const std::vector<std::int64_t>& kernel,
                                           std::int64_t stride) {
    std::int64_t fan_in = inputs;
    std::vector<std::int64_t> extents = {outputs, inputs};
    for (const std::int64_t extent : kernel) {
        fan_in *= extent;
        extents.push_back(extent);
    }
    const double deviation = std::sqrt(2.0 / static_cast<double>(fan_in));
    const std::string w = weights("weight", extents, normal_values(outputs * fan_in, 0, deviation));
    const std::string b = weights("bias", {outputs}, normal_values(outputs, 0, 0.1));
    std::string y = node("Conv", {x, w, b});
    attribute("kernel_shape", kernel);
    attribute("strides", std::vector<std::int64_t>(kernel.size(), stride));
    return y;
}

// Node i of a tree leads to 2 i + 1 and 2 i + 2.
std::string OnnxBuilder::trees(const std::string& x, std::int64_t features, std::int64_t count,
                               int depth) {
    const std::int64_t tests = (std::int64_t{1} << depth) - 1, nodes = 2 * tests + 1;
    std::vector<std::int64_t> tree, id, feature, yes, no, leaf_tree, leaf_id;
    std::vector<std::string> mode;
    for (std::int64_t t = 0; t < count; ++t)
        for (std::int64_t i = 0; i < nodes; ++i) {
            const bool leaf = i >= tests;
            tree.push_back(t), id.push_back(i);
            yes.push_back(leaf ? 0 : 2 * i + 1), no.push_back(leaf ? 0 : 2 * i + 2);
            mode.emplace_back(leaf ? "LEAF" : "BRANCH_LEQ");
            const double column = leaf ? 0 : random_.uniform(0, static_cast<double>(features));
            feature.push_back(std::min(static_cast<std::int64_t>(column), features - 1));
            if (leaf) leaf_tree.push_back(t), leaf_id.push_back(i);
        }
    const auto leaves = static_cast<std::int64_t>(leaf_id.size());
    const std::vector<std::int64_t> target(leaf_id.size(), 0);
    onnx::OperatorSetIdProto& opset = *model_.add_opset_import();
    opset.set_domain("ai.onnx.ml");
    opset.set_version(2);
    std::string y = apply("TreeEnsembleRegressor", {x},
                          {{"n_targets", std::int64_t{1}},
                           {"nodes_treeids", tree},
                           {"nodes_nodeids", id},
                           {"nodes_featureids", feature},
                           {"nodes_values", normal_values(count * nodes, 0, 1)},
                           {"nodes_modes", mode},
                           {"nodes_truenodeids", yes},
                           {"nodes_falsenodeids", no},
                           {"target_treeids", leaf_tree},
                           {"target_nodeids", leaf_id},
                           {"target_ids", target},
                           {"target_weights", normal_values(leaves, 0, 0.1)}});
    onnx::GraphProto& graph = *model_.mutable_graph();
    graph.mutable_node(graph.node_size() - 1)->set_domain("ai.onnx.ml");
    return y;
}

std::string OnnxBuilder::apply(const std::string& op, const std::vector<std::string>& inputs,
                               const Attributes& attributes) {
    std::string y = node(op, inputs);
    for (const auto& [name, value] : attributes)
        std::visit([&, key = name](const auto& given) { attribute(key, given); }, value);
    return y;
}

std::string OnnxBuilder::second_of(const std::string& op, const std::vector<std::string>& inputs,
                                   const Attributes& attributes) {
    const std::string first = apply(op, inputs, attributes);
    onnx::GraphProto& graph = *model_.mutable_graph();
    graph.mutable_node(graph.node_size() - 1)->add_output(first + "_2");
    return first + "_2";
}

std::string OnnxBuilder::integers(const std::vector<std::int64_t>& numbers) {
    onnx::TensorProto& made = *model_.mutable_graph()->add_initializer();
    made.set_name("integers" + std::to_string(integers_++));
    made.set_data_type(onnx::TensorProto::INT64);
    made.add_dims(static_cast<std::int64_t>(numbers.size()));
    made.set_raw_data(numbers.data(), numbers.size() * sizeof(std::int64_t));
    return made.name();
}

std::string OnnxBuilder::table(const std::vector<std::int64_t>& extents, double deviation) {
    std::int64_t count = 1;
    for (const std::int64_t extent : extents) count *= extent;
    return weights("table" + std::to_string(integers_++), extents,
                   normal_values(count, 0, deviation));
}

Status OnnxBuilder::write(const std::string& path) const {
    const std::string temporary = path + ".tmp";
    std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
    const bool written = file && model_.SerializeToOstream(&file);
    file.close();
    if (!written || !file || std::rename(temporary.c_str(), path.c_str()) != 0) {
        const std::string reason = std::strerror(errno);
        std::remove(temporary.c_str());
        return unavailable("model file '" + path + "' cannot be written: " + reason +
                           "; choose a folder that exists and has room for it");
    }
    return ok_status();
}

std::string OnnxBuilder::node(const std::string& op, const std::vector<std::string>& inputs) {
    onnx::NodeProto& made = *model_.mutable_graph()->add_node();
    made.set_op_type(op);
    made.set_name(op + "_" + std::to_string(nodes_++));
    for (const std::string& name : inputs) made.add_input(name);
    made.add_output(made.name() + "_out");
    return made.output(0);
}

onnx::AttributeProto& OnnxBuilder::add_attribute(const std::string& name, int type) {
    onnx::GraphProto& graph = *model_.mutable_graph();
    onnx::AttributeProto& made = *graph.mutable_node(graph.node_size() - 1)->add_attribute();
    made.set_name(name);
    made.set_type(static_cast<onnx::AttributeProto::AttributeType>(type));
    return made;
}

void OnnxBuilder::attribute(const std::string& name, std::int64_t value) {
    add_attribute(name, onnx::AttributeProto::INT).set_i(value);
}

void OnnxBuilder::attribute(const std::string& name, const std::vector<std::int64_t>& values) {
    onnx::AttributeProto& made = add_attribute(name, onnx::AttributeProto::INTS);
    for (const std::int64_t value : values) made.add_ints(value);
}

void OnnxBuilder::attribute(const std::string& name, const std::vector<float>& values) {
    onnx::AttributeProto& made = add_attribute(name, onnx::AttributeProto::FLOATS);
    for (const float value : values) made.add_floats(value);
}

void OnnxBuilder::attribute(const std::string& name, const std::vector<std::string>& values) {
    onnx::AttributeProto& made = add_attribute(name, onnx::AttributeProto::STRINGS);
    for (const std::string& value : values) made.add_strings(value);
}

void OnnxBuilder::window_attributes(Window window) {
    using Integers = std::vector<std::int64_t>;
    attribute("kernel_shape", Integers(2, window.kernel));
    attribute("strides", Integers(2, window.stride));
    attribute("pads", Integers(4, window.padding));
}

std::string OnnxBuilder::weights(const std::string& role, const std::vector<std::int64_t>& extents,
                                 const std::vector<float>& values) {
    static_assert(std::endian::native == std::endian::little, "raw_data is little-endian");
    onnx::TensorProto& made = *model_.mutable_graph()->add_initializer();
    made.set_name("node" + std::to_string(nodes_) + "." + role);
    made.set_data_type(onnx::TensorProto::FLOAT);
    for (const std::int64_t extent : extents) made.add_dims(extent);
    made.set_raw_data(values.data(), values.size() * sizeof(float));
    return made.name();
}

std::vector<float> OnnxBuilder::normal_values(std::int64_t count, double mean, double deviation) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = static_cast<float>(mean + deviation * random_.normal());
    return values;
}

std::vector<float> OnnxBuilder::uniform_values(std::int64_t count, double low, double high) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& value : values) value = static_cast<float>(random_.uniform(low, high));
    return values;
}

}  // namespace bunch
