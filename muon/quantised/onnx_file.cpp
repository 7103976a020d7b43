#include "muon/quantised/onnx_file.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <span>

#include "core/file_hash.h"
#include "muon/quantised/onnx_graph.h"
#include "muon/sample_file.h"

namespace bunch::muon {
namespace {

using Type = onnx::TensorProto;

constexpr const char* kBitsKey = "weight_bits";

std::vector<std::string> field_names(const std::string& muon) {
    return {muon + "phi", muon + "eta", muon + "pt", muon + "charge", muon + "quality"};
}

std::string layer_name(std::size_t l) {
    return fmt::format("layer{}", l);
}

/// The constants that folding and un-folding share.
void add_constants(OnnxGraph& graph, Task task) {
    for (const std::int32_t value : {0, 2, 4, 16, 128, 255})
        graph.integer(fmt::format("int.{}", value), value);
    if (task == Task::pair) graph.integer("int.576", kPhiUnits);
    std::vector<std::int32_t> table(pt_table().begin(), pt_table().end());
    graph.integers("pt_table", table);
}

/// The six features of a muon, each [N,1] INT32.
std::vector<std::string> add_fold(OnnxGraph& graph, const std::string& m) {
    graph.node("Div", {m + "phi", "int.4"}, m + "phi_quarter");
    graph.node("Abs", {m + "eta"}, m + "eta_size");
    graph.node("Min", {m + "eta_size", "int.255"}, m + "eta_byte");
    graph.look_up("pt_table", m + "pt", m + "pt_log");
    graph.node("Mul", {m + "quality", "int.16"}, m + "quality_byte");
    graph.node("Mul", {m + "charge", "int.128"}, m + "charge_byte");
    graph.node("Less", {m + "eta", "int.0"}, m + "eta_is_negative");
    graph.cast(m + "eta_is_negative", Type::INT32, m + "eta_negative");
    graph.node("Mul", {m + "eta_negative", "int.128"}, m + "sign_byte");
    return {m + "phi_quarter",  m + "eta_byte",    m + "pt_log",
            m + "quality_byte", m + "charge_byte", m + "sign_byte"};
}

/// What a pair has besides its muons.
std::vector<std::string> add_differences(OnnxGraph& graph) {
    graph.node("Sub", {"first.phi", "second.phi"}, "phi_difference");
    graph.node("Abs", {"phi_difference"}, "phi_apart");
    graph.node("Sub", {"int.576", "phi_apart"}, "phi_other_way");
    graph.node("Min", {"phi_apart", "phi_other_way"}, "phi_between");
    graph.node("Max", {"phi_between", "int.0"}, "phi_between_cut");
    graph.node("Div", {"phi_between_cut", "int.2"}, "phi_between_half");
    graph.node("Sub", {"first.eta", "second.eta"}, "eta_difference");
    graph.node("Abs", {"eta_difference"}, "eta_apart");
    graph.node("Div", {"eta_apart", "int.2"}, "eta_apart_half");
    return {"phi_between_half", "eta_apart_half"};
}

/// From the fields to the features, [N, features] UINT8.
std::string add_inputs(OnnxGraph& graph, Task task) {
    const bool pair = task == Task::pair;
    std::vector<std::int32_t> low(kLowestField.begin(), kLowestField.end());
    std::vector<std::int32_t> high(kHighestField.begin(), kHighestField.end());
    std::vector<std::string> names = field_names(pair ? "first." : "");
    if (pair) {
        low.insert(low.end(), kLowestField.begin(), kLowestField.end());
        high.insert(high.end(), kHighestField.begin(), kHighestField.end());
        for (const std::string& name : field_names("second.")) names.push_back(name);
    }
    graph.input("fields", static_cast<std::int64_t>(names.size()));
    graph.node("Max", {"fields", graph.integers("lowest", low)}, "fields_from_below");
    graph.node("Min", {"fields_from_below", graph.integers("highest", high)}, "fields_cut");
    graph.split("fields_cut", names);
    std::vector<std::string> features = add_fold(graph, pair ? "first." : "");
    if (pair) {
        for (const std::string& name : add_fold(graph, "second.")) features.push_back(name);
        for (const std::string& name : add_differences(graph)) features.push_back(name);
    }
    graph.concat(features, "features");
    return graph.cast("features", Type::UINT8, "features_u8");
}

/// From integers `x` (UINT8) to sums in units of the output, [N, outputs] FP32.
std::string add_layer(OnnxGraph& graph, const IntegerLayer& layer, std::size_t l,
                      const std::string& x) {
    const std::string name = layer_name(l);
    std::vector<std::int8_t> weights;
    for (const std::int32_t weight : layer.weights)
        weights.push_back(static_cast<std::int8_t>(weight));
    std::vector<float> scales, biases;
    for (std::size_t o = 0; o < layer.outputs; ++o) {
        scales.push_back(std::ldexp(1.0F, -layer.shifts[o]));
        biases.push_back(
            std::ldexp(static_cast<float>(2 * layer.biases[o] + 1), -layer.shifts[o] - 1));
    }
    const auto extent = [](std::size_t n) { return static_cast<std::int64_t>(n); };
    graph.bytes(name + ".weight", weights, {extent(layer.outputs), extent(layer.inputs)});
    graph.numbers(name + ".scale", scales);
    graph.bytes(name + ".zero", std::vector<std::int8_t>(layer.outputs, 0),
                {extent(layer.outputs)});
    graph.numbers(name + ".bias", biases);
    graph.node("DequantizeLinear", {x, "one", "zero_u8"}, name + ".input");
    graph.node("DequantizeLinear", {name + ".weight", name + ".scale", name + ".zero"},
               name + ".weight_f32");
    graph.attribute("axis", 0);
    graph.node("Gemm", {name + ".input", name + ".weight_f32", name + ".bias"}, name + ".sum");
    graph.attribute("transB", 1);
    return name + ".sum";
}

/// All layers; [N, outputs] INT32 of 12 bits.
std::string add_layers(OnnxGraph& graph, const IntegerNetwork& network, std::string x) {
    graph.number("one", 1);
    graph.byte("zero_u8", 0);
    const int most = (1 << network.activation_bits) - 1;
    if (most < 255) graph.byte("activation_most", static_cast<std::uint8_t>(most));
    for (std::size_t l = 0; l < network.layers.size(); ++l) {
        const std::string name = layer_name(l), sum = add_layer(graph, network.layers[l], l, x);
        if (l + 1 == network.layers.size()) {
            graph.node("Round", {sum}, name + ".rounded");
            graph.cast(name + ".rounded", Type::INT32, name + ".integer");
            graph.node("Max", {name + ".integer", graph.integer("least", -kOutputLimit)},
                       name + ".from_below");
            x = graph.node("Min", {name + ".from_below", graph.integer("most", kOutputLimit)},
                           name + ".output");
            break;
        }
        x = graph.node("QuantizeLinear", {sum, "one", "zero_u8"}, name + ".u8");
        if (most < 255) x = graph.node("Min", {x, "activation_most"}, name + ".narrow");
    }
    return x;
}

void add_finish(OnnxGraph& graph, const std::string& outputs) {
    for (const std::int32_t value : {1, 256, 511})
        graph.integer(fmt::format("int.{}", value), value);
    graph.integer("int.-256", -256);
    graph.split(outputs, {"phi_folded", "eta_folded", "ratio"});
    graph.node("Mul", {"charge", "int.2"}, "charge_twice");
    graph.node("Sub", {"charge_twice", "int.1"}, "charge_sign");
    graph.node("Mul", {"phi_folded", "charge_sign"}, "phi_correction");
    graph.node("Mul", {"eta_negative", "int.2"}, "eta_negative_twice");
    graph.node("Sub", {"int.1", "eta_negative_twice"}, "eta_sign");
    graph.node("Mul", {"eta_folded", "eta_sign"}, "eta_correction");
    graph.node("Max", {"ratio", "int.-256"}, "ratio_cut");
    graph.node("Add", {"ratio_cut", "int.256"}, "factor");
    graph.node("Mul", {"pt", "factor"}, "pt_256th");
    graph.node("Add", {"pt_256th", "int.128"}, "pt_256th_half");
    graph.node("Div", {"pt_256th_half", "int.256"}, "pt_rounded");
    graph.node("Min", {"pt_rounded", "int.511"}, "pt_corrected");
    graph.concat({"phi_correction", "eta_correction", "pt_corrected"}, "corrected");
    graph.output("corrected", 3);
}

const onnx::TensorProto* find(const onnx::GraphProto& graph, const std::string& name) {
    for (const onnx::TensorProto& tensor : graph.initializer())
        if (tensor.name() == name) return &tensor;
    return nullptr;
}

template <typename T>
Result<std::vector<T>> constants(const onnx::GraphProto& graph, const std::string& name,
                                 std::size_t count) {
    const onnx::TensorProto* tensor = find(graph, name);
    if (tensor == nullptr || tensor->raw_data().size() != count * sizeof(T))
        return invalid_argument("constant '" + name + "' is missing or has another size");
    std::vector<T> values(count);
    std::memcpy(values.data(), tensor->raw_data().data(), count * sizeof(T));
    return values;
}

Result<IntegerLayer> parse_layer(const onnx::GraphProto& graph, std::size_t l, int bits) {
    const std::string name = layer_name(l);
    const onnx::TensorProto* weight = find(graph, name + ".weight");
    constexpr std::int64_t kMost = 4096;
    if (weight == nullptr || weight->dims_size() != 2 || weight->dims(0) < 1 ||
        weight->dims(0) > kMost || weight->dims(1) < 1 || weight->dims(1) > kMost)
        return invalid_argument("there is no dense layer '" + name + "'");
    IntegerLayer layer{static_cast<std::size_t>(weight->dims(1)),
                       static_cast<std::size_t>(weight->dims(0)),
                       bits,
                       {},
                       {},
                       {}};
    BUNCH_ASSIGN_OR_RETURN(
        const auto weights,
        constants<std::int8_t>(graph, name + ".weight", layer.inputs * layer.outputs));
    BUNCH_ASSIGN_OR_RETURN(const auto scales,
                           constants<float>(graph, name + ".scale", layer.outputs));
    BUNCH_ASSIGN_OR_RETURN(const auto biases,
                           constants<float>(graph, name + ".bias", layer.outputs));
    layer.weights.assign(weights.begin(), weights.end());
    for (std::size_t o = 0; o < layer.outputs; ++o) {
        int exponent = 0;
        if (!(scales[o] > 0) || std::frexp(scales[o], &exponent) != 0.5F || exponent > 0 ||
            exponent < -kMostShift)
            return invalid_argument(
                fmt::format("scale {} of {} is not a power of two from 2^-{} to 1/2", scales[o],
                            name, kMostShift));
        const int shift = 1 - exponent;
        const double bias = (std::ldexp(static_cast<double>(biases[o]), shift + 1) - 1) / 2;
        if (!(std::abs(bias) < static_cast<double>(kSumLimit)) || bias != std::floor(bias))
            return invalid_argument(fmt::format(
                "bias {} of {} is not a multiple of its scale plus a half", biases[o], name));
        layer.shifts.push_back(shift);
        layer.biases.push_back(static_cast<std::int32_t>(bias));
    }
    return layer;
}

/// "6,6,8" to numbers.
std::vector<int> parse_bits(const onnx::ModelProto& model) {
    std::vector<int> bits;
    for (const auto& entry : model.metadata_props())
        if (entry.key() == kBitsKey)
            for (const char c : entry.value())
                if (c >= '2' && c <= '8') bits.push_back(c - '0');
    return bits;
}

}  // namespace

std::string onnx_bytes(const IntegerNetwork& network) {
    OnnxGraph graph("muon_" + std::string(name_of(network.task)));
    add_constants(graph, network.task);
    const std::string outputs = add_layers(graph, network, add_inputs(graph, network.task));
    if (network.task == Task::recalibration) {
        add_finish(graph, outputs);
    } else {
        graph.node("Identity", {outputs}, "logit");
        graph.output("logit", 1);
    }
    std::string bits;
    for (const IntegerLayer& layer : network.layers)
        bits += (bits.empty() ? "" : ",") + std::to_string(layer.weight_bits);
    graph.note(kBitsKey, bits);
    return graph.model().SerializeAsString();
}

Result<IntegerNetwork> parse_onnx(const std::string& bytes) {
    onnx::ModelProto model;
    if (!model.ParseFromString(bytes)) return invalid_argument("it is no ONNX model");
    const onnx::GraphProto& graph = model.graph();
    IntegerNetwork network;
    if (graph.name() == "muon_pair")
        network.task = Task::pair;
    else if (graph.name() != "muon_recalibration")
        return invalid_argument("the graph '" + graph.name() +
                                "' is neither muon_recalibration nor muon_pair");
    if (find(graph, "activation_most") != nullptr) {
        BUNCH_ASSIGN_OR_RETURN(const auto most,
                               constants<std::uint8_t>(graph, "activation_most", 1));
        network.activation_bits = 0;
        while ((1 << network.activation_bits) <= most[0]) ++network.activation_bits;
    }
    const std::vector<int> bits = parse_bits(model);
    for (std::size_t l = 0; l < bits.size(); ++l) {
        BUNCH_ASSIGN_OR_RETURN(IntegerLayer layer, parse_layer(graph, l, bits[l]));
        network.layers.push_back(std::move(layer));
    }
    BUNCH_RETURN_IF_ERROR(check(network));
    if (onnx_bytes(network) != bytes)
        return invalid_argument(
            "the graph has operators or constants that 'bunch-muon export' does not write; only "
            "its "
            "files become hardware");
    return network;
}

Status write_onnx(const std::string& path, const IntegerNetwork& network) {
    BUNCH_RETURN_IF_ERROR(check(network));
    return write_text(path, onnx_bytes(network));
}

Result<IntegerNetwork> read_onnx(const std::string& path) {
    BUNCH_ASSIGN_OR_RETURN(const std::string bytes, read_text(path));
    Result<IntegerNetwork> network = parse_onnx(bytes);
    if (!network.ok()) return network.status().with_context("'" + path + "'");
    return network;
}

std::string hash_of(const std::string& bytes) {
    return file_hash(std::as_bytes(std::span(bytes)));
}

}  // namespace bunch::muon
