#include "backends/cpu/fused_nodes.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "backends/cpu/mlp.h"
#include "backends/cpu/weights.h"
#include "backends/kernels/dims.h"
#include "backends/kernels/element.h"

namespace bunch::cpu {
namespace {

using kernels::Attributes;
using kernels::Run;

void count_reads(const std::vector<OperatorNode>& nodes, std::vector<std::size_t>& uses) {
    for (const OperatorNode& node : nodes) {
        for (const auto& id : node.inputs)
            if (id) ++uses[id->value];
        for (const OperatorBranch& branch : node.branches) {
            count_reads(branch.nodes, uses);
            for (const ValueId id : branch.results) ++uses[id.value];
        }
    }
}

/// Goes along a list of nodes as long as each is the only reader of the one before it.
class Chain {
  public:
    Chain(const OperatorGraph& graph, std::span<const OperatorNode> nodes,
          std::span<const std::size_t> uses)
        : graph_(graph), nodes_(nodes), uses_(uses) {}

    std::size_t taken() const { return taken_; }
    const OperatorNode& last() const { return nodes_[taken_ - 1]; }

    /// The next node if it is of `type` and reads the last one's result; not taken yet.
    const OperatorNode* next(std::string_view type) const {
        if (taken_ == nodes_.size()) return nullptr;
        const OperatorNode& node = nodes_[taken_];
        if (node.spec.type != type || !node.spec.domain.empty() || !node.branches.empty())
            return nullptr;
        if (node.outputs.empty() || !node.outputs[0] || made(node) != 1) return nullptr;
        if (taken_ == 0) return &node;
        const ValueId result = *last().outputs[0];
        const bool reads =
            std::find(node.inputs.begin(), node.inputs.end(), result) != node.inputs.end();
        return reads && uses_[result.value] == 1 ? &node : nullptr;
    }
    void take() { ++taken_; }

    /// The f32 constant that is input `i` of `node`; null if it is something else.
    const Tensor* constant(const OperatorNode& node, std::size_t i) const {
        if (i >= node.inputs.size() || !node.inputs[i]) return nullptr;
        const Tensor* tensor = graph_.at(*node.inputs[i]).constant.get();
        return tensor != nullptr && tensor->type == DataType::f32 ? tensor : nullptr;
    }

  private:
    static std::ptrdiff_t made(const OperatorNode& node) {
        return std::count_if(node.outputs.begin(), node.outputs.end(),
                             [](const auto& id) { return id.has_value(); });
    }

    const OperatorGraph& graph_;
    std::span<const OperatorNode> nodes_;
    std::span<const std::size_t> uses_;
    std::size_t taken_ = 0;
};

std::span<const float> numbers(const Tensor& tensor) {
    const auto bytes = tensor.buffer.bytes();
    return {reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)};
}

// The activation that follows, if any, is taken.
Activation take_activation(Chain& chain) {
    using Kind = Activation::Kind;
    const std::pair<const char*, Activation> plain[] = {
        {"Relu", {Kind::leaky_relu, 0, 0}}, {"Tanh", {Kind::tanh}}, {"Sigmoid", {Kind::sigmoid}}};
    for (const auto& [type, activation] : plain)
        if (chain.next(type) != nullptr) {
            chain.take();
            return activation;
        }
    if (const OperatorNode* node = chain.next("LeakyRelu")) {
        const float alpha = Attributes(node->spec).number("alpha", 0.01F);
        chain.take();
        return {Kind::leaky_relu, alpha, 0};
    }
    return {};
}

/// A dense layer or a pointwise convolution.
struct Layer {
    std::int64_t inputs = 0, outputs = 0;
    std::vector<float> weights;  ///< [inputs][outputs]
    std::vector<float> bias;     ///< [outputs]
    Activation activation;
    bool matrix_only = false;    ///< the input must have two extents
    std::size_t least_rank = 1;  ///< of the result: that of what is added
};

// `tensor` as `count` numbers along the last extent, all others 1; nothing if it is not that.
std::optional<std::vector<float>> as_vector(const Tensor* tensor, std::int64_t count) {
    if (tensor == nullptr || tensor->shape.rank() == 0) return std::nullopt;
    const auto elements = numbers(*tensor);
    if (static_cast<std::int64_t>(elements.size()) != count ||
        tensor->shape[tensor->shape.rank() - 1] != count)
        return std::nullopt;
    return std::vector<float>(elements.begin(), elements.end());
}

std::optional<Layer> weights_of(const Tensor* given, bool transposed) {
    if (given == nullptr || given->shape.rank() != 2) return std::nullopt;
    Layer layer;
    layer.inputs = given->shape[transposed ? 1 : 0];
    layer.outputs = given->shape[transposed ? 0 : 1];
    const auto elements = numbers(*given);
    if (layer.outputs < 1 || layer.outputs > kMaxMlpWidth || layer.inputs < 1 ||
        layer.inputs * layer.outputs > kMaxMlpWeights)
        return std::nullopt;
    layer.bias.assign(static_cast<std::size_t>(layer.outputs), 0.0F);
    layer.weights.assign(elements.begin(), elements.end());
    if (!transposed) return layer;
    const auto k = static_cast<std::size_t>(layer.inputs), m = layer.bias.size();
    for (std::size_t i = 0; i < elements.size(); ++i)
        layer.weights[i % k * m + i / k] = elements[i];
    return layer;
}

// A MatMul with the Add behind it, or a Gemm; taken if so.
std::optional<Layer> take_product(Chain& chain) {
    std::optional<Layer> layer;
    if (const OperatorNode* product = chain.next("MatMul")) {
        layer = weights_of(chain.constant(*product, 1), false);
        if (!layer) return std::nullopt;
        chain.take();
        if (const OperatorNode* add = chain.next("Add")) {
            const std::size_t other = add->inputs[0] == product->outputs[0] ? 1 : 0;
            if (auto bias = as_vector(chain.constant(*add, other), layer->outputs);
                bias && chain.constant(*add, other)->shape.rank() <= 2) {
                layer->bias = std::move(*bias);
                layer->least_rank = chain.constant(*add, other)->shape.rank();
                chain.take();
            }
        }
        return layer;
    }
    const OperatorNode* gemm = chain.next("Gemm");
    if (gemm == nullptr) return std::nullopt;
    Attributes given(gemm->spec);
    if (given.integer("transA", 0) != 0 || given.number("alpha", 1) != 1 ||
        given.number("beta", 1) != 1)
        return std::nullopt;
    layer = weights_of(chain.constant(*gemm, 1), given.integer("transB", 0) != 0);
    if (!layer) return std::nullopt;
    if (gemm->inputs.size() > 2 && gemm->inputs[2]) {
        auto bias = as_vector(chain.constant(*gemm, 2), layer->outputs);
        if (!bias) return std::nullopt;
        layer->bias = std::move(*bias);
    }
    layer->matrix_only = true;
    chain.take();
    return layer;
}

Tensor tensor_of(std::span<const float> elements, const Shape& shape) {
    return {DataType::f32, shape, Buffer::copy_of(std::as_bytes(elements))};
}

// The layers as the Dense nodes that Mlp wants.
std::shared_ptr<const Mlp> make_mlp(const std::vector<Layer>& layers, const MlpVariant& variant) {
    Graph graph;
    const auto add = [&](const Shape& shape, std::optional<Tensor> constant) {
        return graph.add_value({"", DataType::f32, shape, std::move(constant)});
    };
    ValueId x = add(Shape{kAnyExtent, layers.front().inputs}, {});
    graph.inputs = {x};
    for (const Layer& layer : layers) {
        const Shape matrix{layer.inputs, layer.outputs}, vector{layer.outputs};
        const ValueId w = add(matrix, tensor_of(layer.weights, matrix));
        const ValueId b = add(vector, tensor_of(layer.bias, vector));
        const ValueId y = add(Shape{kAnyExtent, layer.outputs}, {});
        graph.nodes.push_back({"", Dense{}, {x, w, b}, y, {}, layer.activation});
        x = y;
    }
    graph.outputs = {x};
    return std::make_shared<const Mlp>(graph, graph.nodes, variant);
}

Status run_dense(Run& run, const Mlp& mlp, const Layer& first, std::int64_t outputs,
                 std::size_t least_rank, std::string_view name) {
    const ConstTensorView& x = run.input(0);
    const std::size_t rank = x.shape.rank();
    if (x.type != DataType::f32 || rank < 1 || x.shape[rank - 1] != first.inputs ||
        (first.matrix_only && rank != 2))
        return run.misfit();
    std::vector<std::int64_t> extents(rank < least_rank ? least_rank - rank : 0, 1);
    extents.insert(extents.end(), x.shape.extents().begin(), x.shape.extents().end());
    extents.back() = outputs;
    const Shape shape = *Shape::from(extents);
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, DataType::f32, shape));
    mlp.run(kernels::data<float>(x), kernels::data<float>(y),
            static_cast<std::size_t>(kernels::count(x) / first.inputs));
    run.used(name);
    return ok_status();
}

const MlpVariant& best_variant() {
    return *std::find_if(mlp_variants().begin(), mlp_variants().end(),
                         [](const MlpVariant& variant) { return variant.usable; });
}

OperatorNode joined(const Chain& chain, const OperatorNode& first) {
    OperatorNode node;
    node.spec = chain.last().spec;
    node.spec.label = first.spec.label;
    if (chain.taken() > 1) node.spec.label += " to " + chain.last().spec.label;
    node.spec.attributes.clear();
    node.spec.inputs = {true};
    node.inputs = {first.inputs[0]};
    node.outputs = chain.last().outputs;
    return node;
}

std::optional<FusedNodes> fuse_dense(Chain& chain, const OperatorNode& first) {
    std::vector<Layer> layers;
    while (true) {
        std::optional<Layer> layer = take_product(chain);
        if (!layer) break;
        layer->activation = take_activation(chain);
        layers.push_back(std::move(*layer));
    }
    if (layers.empty()) return std::nullopt;
    const MlpVariant& variant = best_variant();
    const std::string name = "dense layers: " + std::string(variant.name);
    const std::int64_t outputs = layers.back().outputs;
    std::size_t least_rank = 1;
    for (const Layer& layer : layers) least_rank = std::max(least_rank, layer.least_rank);
    kernels::Kernel kernel = [mlp = make_mlp(layers, variant), head = layers.front(), outputs,
                              least_rank, name](Run& run) {
        return run_dense(run, *mlp, head, outputs, least_rank, name);
    };
    return FusedNodes{joined(chain, first), std::move(kernel), chain.taken()};
}

bool all_are(const kernels::Integers& numbers, std::int64_t wanted) {
    return std::all_of(numbers.begin(), numbers.end(),
                       [&](std::int64_t number) { return number == wanted; });
}

// A convolution of one position, taken if it is that.
std::optional<Layer> take_convolution(Chain& chain) {
    const OperatorNode* node = chain.next("Conv");
    if (node == nullptr) return std::nullopt;
    const Tensor* weights = chain.constant(*node, 1);
    Attributes given(node->spec);
    if (weights == nullptr || weights->shape.rank() < 3 || given.integer("group", 1) != 1 ||
        !all_are(given.integers("strides"), 1) || !all_are(given.integers("pads"), 0))
        return std::nullopt;
    for (std::size_t i = 2; i < weights->shape.rank(); ++i)
        if (weights->shape[i] != 1) return std::nullopt;
    Layer layer;
    layer.outputs = weights->shape[0], layer.inputs = weights->shape[1];
    if (layer.outputs < 1 || layer.inputs < 1) return std::nullopt;
    const auto m = static_cast<std::size_t>(layer.outputs),
               k = static_cast<std::size_t>(layer.inputs);
    layer.bias.assign(m, 0.0F);
    if (node->inputs.size() > 2 && node->inputs[2]) {
        auto bias = as_vector(chain.constant(*node, 2), layer.outputs);
        if (!bias) return std::nullopt;
        layer.bias = std::move(*bias);
    }
    layer.weights.resize(m * k);
    const auto elements = numbers(*weights);
    for (std::size_t i = 0; i < elements.size(); ++i)
        layer.weights[i % k * m + i / k] = elements[i];
    chain.take();
    return layer;
}

// The normalisation that follows, if any, goes into the weights.
void take_normalisation(Chain& chain, Layer& layer) {
    const OperatorNode* node = chain.next("BatchNormalization");
    if (node == nullptr || node->inputs.size() != 5) return;
    Attributes given(node->spec);
    if (given.integer("training_mode", 0) != 0) return;
    const double epsilon = static_cast<double>(given.number("epsilon", 1e-5F));
    std::vector<std::vector<float>> constants;  // scale, shift, mean, variance
    for (std::size_t i = 1; i < 5; ++i) {
        auto vector = as_vector(chain.constant(*node, i), layer.outputs);
        if (!vector) return;
        constants.push_back(std::move(*vector));
    }
    const auto m = static_cast<std::size_t>(layer.outputs);
    for (std::size_t o = 0; o < m; ++o) {
        const auto number = [&](std::size_t i) { return static_cast<double>(constants[i][o]); };
        const double factor = number(0) / std::sqrt(number(3) + epsilon);
        for (std::size_t i = o; i < layer.weights.size(); i += m)
            layer.weights[i] = static_cast<float>(static_cast<double>(layer.weights[i]) * factor);
        layer.bias[o] = static_cast<float>(
            (static_cast<double>(layer.bias[o]) - number(2)) * factor + number(1));
    }
    chain.take();
}

/// A pointwise convolution with its weights as the kernels want them.
struct PointwiseConv {
    mlp_kernel::Pointwise function;
    std::string name;
    mlp_kernel::Layer layer;
    Weights memory;

    PointwiseConv(const Layer& given, const MlpVariant& variant)
        : function(variant.pointwise),
          name("pointwise: " + std::string(variant.name)),
          memory((given.weights.size() + given.bias.size()) * sizeof(float)) {
        auto* to = static_cast<float*>(memory.address());
        std::copy(given.weights.begin(), given.weights.end(), to);
        std::copy(given.bias.begin(), given.bias.end(), to + given.weights.size());
        const auto outputs = static_cast<int>(given.outputs);
        layer = {to,
                 to + given.weights.size(),
                 static_cast<int>(given.inputs),
                 outputs,
                 outputs,
                 kernel_activation(given.activation),
                 given.activation.alpha,
                 given.activation.beta};
    }

    Status operator()(Run& run) const {
        const ConstTensorView& x = run.input(0);
        if (x.type != DataType::f32 || x.shape.rank() < 3 || x.shape[1] != layer.inputs)
            return run.misfit();
        Shape shape = x.shape;
        shape.set(1, layer.outputs);
        BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, DataType::f32, shape));
        run.used(name);
        if (y.bytes.empty()) return ok_status();
        BUNCH_ASSIGN_OR_RETURN(
            std::byte* const scratch,
            run.scratch(static_cast<std::uint64_t>(mlp_kernel::pointwise_scratch(layer)) *
                        sizeof(float)));
        const std::int64_t positions = kernels::count(x) / (x.shape[0] * layer.inputs);
        const float* from = kernels::data<float>(x);
        float* to = kernels::data<float>(y);
        for (std::int64_t row = 0; row < x.shape[0]; ++row) {
            function(layer, from, to, positions, reinterpret_cast<float*>(scratch));
            from += positions * layer.inputs;
            to += positions * layer.outputs;
        }
        return ok_status();
    }
};

std::optional<FusedNodes> fuse_pointwise(Chain& chain, const OperatorNode& first) {
    std::optional<Layer> layer = take_convolution(chain);
    if (!layer) return std::nullopt;
    take_normalisation(chain, *layer);
    layer->activation = take_activation(chain);
    // shared_ptr: a Kernel is copyable; the copies are one.
    const auto conv = std::make_shared<const PointwiseConv>(*layer, best_variant());
    return FusedNodes{joined(chain, first), [conv](Run& run) { return (*conv)(run); },
                      chain.taken()};
}

}  // namespace

std::vector<std::size_t> count_uses(const OperatorGraph& graph) {
    std::vector<std::size_t> uses(graph.values.size(), 0);
    count_reads(graph.nodes, uses);
    for (const ValueId id : graph.outputs) ++uses[id.value];
    return uses;
}

std::optional<FusedNodes> fuse_nodes(const OperatorGraph& graph,
                                     std::span<const OperatorNode> nodes,
                                     std::span<const std::size_t> uses) {
    if (nodes.empty() || nodes[0].inputs.empty() || !nodes[0].inputs[0] ||
        graph.at(*nodes[0].inputs[0]).constant != nullptr)
        return std::nullopt;
    Chain dense(graph, nodes, uses);
    if (auto fused = fuse_dense(dense, nodes[0])) return fused;
    Chain pointwise(graph, nodes, uses);
    return fuse_pointwise(pointwise, nodes[0]);
}

}  // namespace bunch::cpu
