#include "zoo/quantise.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/check.h"

namespace bunch {
namespace {

/// The numbers scale * (q - zero).
struct Steps {
    float scale = 1;
    std::uint8_t zero = 0;
};

std::vector<float> floats_of(const onnx::TensorProto& tensor) {
    const std::string& raw = tensor.raw_data();
    const auto* first = reinterpret_cast<const float*>(raw.data());
    return {first, first + raw.size() / sizeof(float)};
}

template <typename T>
void set_numbers(onnx::TensorProto& tensor, const std::vector<T>& numbers) {
    tensor.set_raw_data(numbers.data(), numbers.size() * sizeof(T));
}

onnx::TensorProto* find_constant(onnx::GraphProto& graph, const std::string& name) {
    for (onnx::TensorProto& tensor : *graph.mutable_initializer())
        if (tensor.name() == name) return &tensor;
    return nullptr;
}

// y = gamma (conv(x) - mean) / sqrt(variance) + beta as conv'(x) + bias.
void fold_norm(onnx::GraphProto& graph, onnx::NodeProto& conv, const onnx::NodeProto& norm) {
    std::vector<float> parameters[4];
    for (int i = 0; i < 4; ++i) parameters[i] = floats_of(*find_constant(graph, norm.input(i + 1)));
    const auto& [gamma, beta, mean, variance] = parameters;
    onnx::TensorProto& tensor = *find_constant(graph, conv.input(1));
    std::vector<float> weights = floats_of(tensor);
    const std::size_t per_channel = weights.size() / gamma.size();
    std::vector<float> bias(gamma.size());
    for (std::size_t c = 0; c < bias.size(); ++c) {
        constexpr double kEpsilon = 1e-5;  // the standard's
        const double factor =
            static_cast<double>(gamma[c]) / std::sqrt(static_cast<double>(variance[c]) + kEpsilon);
        bias[c] = static_cast<float>(static_cast<double>(beta[c]) -
                                     factor * static_cast<double>(mean[c]));
        for (std::size_t i = c * per_channel; i < (c + 1) * per_channel; ++i)
            weights[i] = static_cast<float>(factor * static_cast<double>(weights[i]));
    }
    set_numbers(tensor, weights);
    onnx::TensorProto& added = *graph.add_initializer();
    added.set_name(conv.name() + ".bias");
    added.set_data_type(onnx::TensorProto::FLOAT);
    added.add_dims(static_cast<std::int64_t>(bias.size()));
    set_numbers(added, bias);
    conv.add_input(added.name());
    conv.set_output(0, norm.output(0));
}

void fold_norms(onnx::GraphProto& graph) {
    onnx::GraphProto folded = graph;
    folded.clear_node();
    std::set<std::string> gone;
    for (const onnx::NodeProto& node : graph.node()) {
        if (node.op_type() != "BatchNormalization") {
            *folded.add_node() = node;
            continue;
        }
        onnx::NodeProto& conv = *folded.mutable_node(folded.node_size() - 1);
        BUNCH_CHECK(conv.op_type() == "Conv" && conv.output(0) == node.input(0));
        fold_norm(folded, conv, node);
        for (int i = 1; i < node.input_size(); ++i) gone.insert(node.input(i));
    }
    graph.Swap(&folded);
    google::protobuf::RepeatedPtrField<onnx::TensorProto> kept;
    for (onnx::TensorProto& tensor : *graph.mutable_initializer())
        if (!gone.contains(tensor.name())) kept.Add()->Swap(&tensor);
    graph.mutable_initializer()->Swap(&kept);
}

// To 12 bits, upwards: the last bits of a range may depend on the machine.
float rounded_scale(double scale) {
    int exponent = 0;
    const double fraction = std::frexp(std::max(scale, 1e-30), &exponent);
    return static_cast<float>(std::ldexp(std::ceil(std::ldexp(fraction, 12)), exponent - 12));
}

Steps steps_of(const Range& range) {
    const double least = static_cast<double>(range.least), most = static_cast<double>(range.most);
    Steps steps;
    steps.scale = rounded_scale((most - least) / 255);
    const double zero = std::nearbyint(-least / static_cast<double>(steps.scale));
    steps.zero = static_cast<std::uint8_t>(std::clamp(zero, 0.0, 255.0));
    return steps;
}

/// Writes the quantised graph, node by node.
class Quantiser {
  public:
    Quantiser(const onnx::GraphProto& from, std::map<std::string, Range> ranges,
              onnx::GraphProto& to)
        : from_(from), ranges_(std::move(ranges)), to_(to) {
        for (const onnx::TensorProto& tensor : from.initializer())
            constants_[tensor.name()] = &tensor;
        for (const onnx::ValueInfoProto& output : from.output()) outputs_.insert(output.name());
    }

    void run();

  private:
    onnx::TensorProto& constant(const std::string& name, onnx::TensorProto::DataType type,
                                const std::vector<std::int64_t>& extents);
    onnx::NodeProto& node(const std::string& type, const std::vector<std::string>& inputs,
                          const std::string& output);
    // Rounds `value`, which was just made, to `steps`.
    void round(const std::string& value, const Steps& steps);
    // Weights and bias of `layer` as integers; returns what it reads in their place.
    std::vector<std::string> quantised_parameters(const onnx::NodeProto& layer);
    std::vector<float> quantise_weights(const onnx::TensorProto& weights, const std::string& name);
    // Whether nobody but a Relu reads `value`: then it is rounded behind that.
    bool is_rectified(const std::string& value) const;
    std::string float_name(const std::string& value) const {
        return outputs_.contains(value) ? value + "_float" : value;
    }

    const onnx::GraphProto& from_;
    std::map<std::string, Range> ranges_;
    onnx::GraphProto& to_;
    std::map<std::string, const onnx::TensorProto*> constants_;
    std::set<std::string> outputs_;
    std::map<std::string, Steps> steps_;          ///< of values that are rounded
    std::map<std::string, std::string> rounded_;  ///< what to read in a value's place
};

onnx::TensorProto& Quantiser::constant(const std::string& name, onnx::TensorProto::DataType type,
                                       const std::vector<std::int64_t>& extents) {
    onnx::TensorProto& made = *to_.add_initializer();
    made.set_name(name);
    made.set_data_type(type);
    for (const std::int64_t extent : extents) made.add_dims(extent);
    return made;
}

onnx::NodeProto& Quantiser::node(const std::string& type, const std::vector<std::string>& inputs,
                                 const std::string& output) {
    onnx::NodeProto& made = *to_.add_node();
    made.set_op_type(type);
    made.set_name(output + "." + type);
    for (const std::string& input : inputs) made.add_input(input);
    made.add_output(output);
    return made;
}

void Quantiser::round(const std::string& value, const Steps& steps) {
    const std::string scale = value + ".scale", zero = value + ".zero";
    set_numbers(constant(scale, onnx::TensorProto::FLOAT, {}), std::vector<float>{steps.scale});
    set_numbers(constant(zero, onnx::TensorProto::UINT8, {}),
                std::vector<std::uint8_t>{steps.zero});
    const std::string result = outputs_.contains(value) ? value : value + ".rounded";
    node("QuantizeLinear", {float_name(value), scale, zero}, value + ".quantised");
    node("DequantizeLinear", {value + ".quantised", scale, zero}, result);
    steps_[value] = steps;
    rounded_[value] = result;
}

// Returns the scales, one per output channel.
std::vector<float> Quantiser::quantise_weights(const onnx::TensorProto& weights,
                                               const std::string& name) {
    const std::vector<float> given = floats_of(weights);
    const auto channels = static_cast<std::size_t>(weights.dims(0));
    const std::size_t per_channel = given.size() / channels;
    std::vector<float> scales(channels);
    std::vector<std::int8_t> integers(given.size());
    for (std::size_t c = 0; c < channels; ++c) {
        float largest = 0;
        for (std::size_t i = c * per_channel; i < (c + 1) * per_channel; ++i)
            largest = std::max(largest, std::abs(given[i]));
        scales[c] = rounded_scale(static_cast<double>(largest) / 127);
        for (std::size_t i = c * per_channel; i < (c + 1) * per_channel; ++i)
            integers[i] = static_cast<std::int8_t>(std::nearbyint(given[i] / scales[c]));
    }
    const std::vector<std::int64_t> extents(weights.dims().begin(), weights.dims().end());
    const auto count = static_cast<std::int64_t>(channels);
    set_numbers(constant(name, onnx::TensorProto::INT8, extents), integers);
    set_numbers(constant(name + ".scale", onnx::TensorProto::FLOAT, {count}), scales);
    set_numbers(constant(name + ".zero", onnx::TensorProto::INT8, {count}),
                std::vector<std::int8_t>(channels, 0));
    return scales;
}

std::vector<std::string> Quantiser::quantised_parameters(const onnx::NodeProto& layer) {
    const auto dequantise = [&](const std::string& name) {
        onnx::NodeProto& made =
            node("DequantizeLinear", {name, name + ".scale", name + ".zero"}, name + ".rounded");
        onnx::AttributeProto& axis = *made.add_attribute();
        axis.set_name("axis");
        axis.set_type(onnx::AttributeProto::INT);
        axis.set_i(0);
        return made.output(0);
    };
    const std::string weights = layer.input(1);
    std::vector<float> scales = quantise_weights(*constants_.at(weights), weights);
    std::vector<std::string> names = {dequantise(weights)};
    if (layer.input_size() < 3) return names;
    const std::string bias = layer.input(2);
    const std::vector<float> given = floats_of(*constants_.at(bias));
    std::vector<std::int32_t> integers(given.size());
    for (std::size_t c = 0; c < given.size(); ++c) {
        scales[c] *= steps_.at(layer.input(0)).scale;
        integers[c] = static_cast<std::int32_t>(std::nearbyint(given[c] / scales[c]));
    }
    const auto count = static_cast<std::int64_t>(given.size());
    set_numbers(constant(bias, onnx::TensorProto::INT32, {count}), integers);
    set_numbers(constant(bias + ".scale", onnx::TensorProto::FLOAT, {count}), scales);
    set_numbers(constant(bias + ".zero", onnx::TensorProto::INT32, {count}),
                std::vector<std::int32_t>(given.size(), 0));
    names.push_back(dequantise(bias));
    return names;
}

bool Quantiser::is_rectified(const std::string& value) const {
    bool rectified = false;
    for (const onnx::NodeProto& node : from_.node())
        for (const std::string& input : node.input())
            if (input == value) {
                if (node.op_type() != "Relu") return false;
                rectified = true;
            }
    return rectified;
}

void Quantiser::run() {
    const std::string input = from_.input(0).name();
    round(input, steps_of(ranges_.at(input)));
    for (const onnx::NodeProto& given : from_.node()) {
        const bool layer = given.op_type() == "Conv" || given.op_type() == "Gemm";
        std::vector<std::string> parameters;
        if (layer) parameters = quantised_parameters(given);
        onnx::NodeProto& made = *to_.add_node();
        made = given;
        made.clear_input();
        for (const std::string& name : given.input()) {
            if (constants_.contains(name)) continue;
            const auto rounded = rounded_.find(name);
            made.add_input(rounded == rounded_.end() ? name : rounded->second);
        }
        for (const std::string& name : parameters) made.add_input(name);
        const std::string& value = given.output(0);
        made.set_output(0, float_name(value));
        if (is_rectified(value)) continue;
        const bool keeps = given.op_type() == "MaxPool" || given.op_type() == "Flatten";
        round(value, keeps ? steps_.at(given.input(0)) : steps_of(ranges_.at(value)));
    }
}

}  // namespace

onnx::ModelProto quantise(const onnx::ModelProto& model, const Examples& examples) {
    onnx::ModelProto folded = model;
    fold_norms(*folded.mutable_graph());
    onnx::ModelProto made = folded;
    onnx::GraphProto& graph = *made.mutable_graph();
    graph.clear_node();
    graph.clear_initializer();
    Quantiser(folded.graph(), calibrate(folded.graph(), examples), graph).run();
    return made;
}

}  // namespace bunch
