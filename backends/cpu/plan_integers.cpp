// Layers on 8-bit integers: products summed in 32 bits, scaled, and rounded to the grid of the
// result within the primitive.
#include <string>
#include <utility>
#include <vector>

#include "backends/cpu/plan_builder.h"

namespace bunch::cpu {
namespace {

using dnnl::memory;
using Conv2d = dnnl::convolution_forward;

constexpr int kPerOutput = 1 << 1;  // output scales: one for each index of extent 1

const std::optional<Grid>& grid_of(const PlanBuilder& builder, ValueId id) {
    return builder.graph().at(id).grid;
}

memory::data_type type_of(const PlanBuilder& builder, ValueId id) {
    const std::optional<Grid>& grid = grid_of(builder, id);
    return grid ? integer_type(*grid) : memory::data_type::f32;
}

// What numbers count in once they are summed and scaled: steps of the result's grid.
float unit_of(const PlanBuilder& builder, const Node& node) {
    const std::optional<Grid>& grid = grid_of(builder, node.output);
    return grid ? grid->scale : 1.0F;
}

float least_of(const Grid& grid) {
    return grid.type == DataType::i8 ? -128.0F : 0.0F;
}

// The activation of numbers that count in steps of `unit`. No kind of operation may occur twice
// among the post-operations of a primitive: oneDNN 2.6 gives all the numbers of the first.
void append_scaled(dnnl::post_ops& ops, const Activation& activation, float unit) {
    using Kind = Activation::Kind;
    const bool curved = activation.kind == Kind::sigmoid || activation.kind == Kind::tanh;
    if (activation.kind == Kind::clip) {
        ops.append_eltwise(1, dnnl::algorithm::eltwise_clip, activation.alpha / unit,
                           activation.beta / unit);
    } else if (curved && unit != 1.0F) {
        ops.append_eltwise(1, dnnl::algorithm::eltwise_linear, unit, 0);
        ops.append_eltwise(1 / unit,
                           activation.kind == Kind::tanh ? dnnl::algorithm::eltwise_tanh
                                                         : dnnl::algorithm::eltwise_logistic,
                           0, 0);
    } else {
        append_activation(ops, activation);
    }
}

// Saturation at 0 is a rectifier.
bool saturates_as(const std::optional<Grid>& grid, const Activation& activation) {
    return grid && static_cast<float>(grid->zero) == least_of(*grid) &&
           activation == Activation{Activation::Kind::leaky_relu, 0, 0};
}

dnnl::post_ops epilogue_in_steps(const PlanBuilder& builder, const Node& node) {
    dnnl::post_ops ops;
    const float unit = unit_of(builder, node);
    const std::optional<Grid>& grid = grid_of(builder, node.output);
    if (node.inner) {  // sums count in its steps
        const auto zero = static_cast<float>(node.inner->zero);
        const float least = least_of(*node.inner);
        ops.append_eltwise(1, dnnl::algorithm::eltwise_round, 0, 0);
        ops.append_eltwise(node.inner->scale / unit, dnnl::algorithm::eltwise_clip_v2, least - zero,
                           least + 255.0F - zero);
    }
    if (node.residual) {
        const std::optional<Grid>& residual = grid_of(builder, *node.residual);
        if (grid)
            ops.append_sum(residual->scale / unit, residual->zero, integer_type(*residual));
        else
            ops.append_sum(1.0F);
    }
    if (!saturates_as(grid, node.epilogue)) append_scaled(ops, node.epilogue, unit);
    // The zero point is added before the last rounding: halves would go to even numbers of the sum.
    if (grid && grid->zero != 0) ops.append_eltwise(1, dnnl::algorithm::eltwise_round, 0, 0);
    return ops;
}

dnnl::primitive_attr attributes_of(const PlanBuilder& builder, const Node& node) {
    dnnl::primitive_attr attributes = attributes_with(epilogue_in_steps(builder, node));
    const double unit =
        static_cast<double>(node.inner ? node.inner->scale : unit_of(builder, node));
    std::vector<float> scales;
    for (const float scale : node.integers->scales)
        scales.push_back(static_cast<float>(static_cast<double>(scale) / unit));
    attributes.set_output_scales(kPerOutput, scales);
    const std::int32_t from = grid_of(builder, node.inputs[0])->zero;
    if (from != 0) attributes.set_zero_points(DNNL_ARG_SRC, 0, {from});
    const std::optional<Grid>& to = grid_of(builder, node.output);
    if (to && to->zero != 0) attributes.set_zero_points(DNNL_ARG_DST, 0, {to->zero});
    return attributes;
}

// Whether oneDNN can add the residual into the result.
bool can_add(const PlanBuilder& builder, const Node& node) {
    return !node.residual || !grid_of(builder, node.output) || grid_of(builder, *node.residual);
}

// Memory for the result in layout `desc`. Where the node adds a residual, it already holds that, as
// integers of its own grid if the result has one.
Located result_of(PlanBuilder& builder, std::size_t index, const memory::desc& desc) {
    const Node& node = builder.graph().nodes[index];
    if (!node.residual) return builder.destination(node.output, desc);
    const Located residual = grid_of(builder, node.output) ? builder.integers(*node.residual)
                                                           : builder.value(*node.residual);
    const memory::desc wanted = with_type(desc, residual.desc.data_type());
    if (residual.desc == wanted && builder.may_overwrite(residual, index))
        return {desc, residual.buffer};
    const Located result = builder.destination(node.output, desc);
    const dnnl::reorder::primitive_desc copy(builder.engine(), residual.desc, builder.engine(),
                                             wanted, attributes_with({}));
    builder.add_step(copy, dnnl::reorder(copy), node.label + " residual",
                     {{DNNL_ARG_FROM, residual}, {DNNL_ARG_TO, {wanted, result.buffer}}});
    return result;
}

memory::desc plain_desc(const memory::dims& dims, memory::data_type type) {
    return with_type(PlanBuilder::f32_desc(dims), type);
}

// Adds the step of a layer whose bias lies as `bias_dims`.
template <typename Primitive, typename Descriptor>
void add_layer(PlanBuilder& builder, const Node& node, const Descriptor& descriptor,
               const Located& source, const memory::dims& weight_dims,
               const memory::dims& bias_dims, const Located& result) {
    const IntegerForm& form = *node.integers;
    const Located weights = builder.constant(
        form.weights, plain_desc(weight_dims, memory::data_type::s8), descriptor.weights_desc());
    if (!form.bias) {
        builder.add_step(
            descriptor, Primitive(descriptor), node.label,
            {{DNNL_ARG_SRC, source}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, result}});
        return;
    }
    const auto bias_desc = PlanBuilder::f32_desc(bias_dims);
    builder.add_step(descriptor, Primitive(descriptor), node.label,
                     {{DNNL_ARG_SRC, source},
                      {DNNL_ARG_WEIGHTS, weights},
                      {DNNL_ARG_BIAS, builder.constant(*form.bias, bias_desc, bias_desc)},
                      {DNNL_ARG_DST, result}});
}

std::int64_t product(const memory::dims& dims) {
    std::int64_t result = 1;
    for (const std::int64_t extent : dims) result *= extent;
    return result;
}

// What `describe` makes, unless oneDNN has nothing but a slow way.
template <typename Describe>
auto fast_descriptor(PlanBuilder& builder, const Node& node, std::int64_t macs, Describe describe)
    -> std::optional<decltype(describe())> {
    std::string why = "oneDNN cannot add this residual in integers";
    if (can_add(builder, node)) {
        try {
            auto descriptor = describe();
            if (!is_too_slow(descriptor.impl_info_str(), macs)) return descriptor;
            why = "oneDNN has only its slow reference implementation for it in integers";
        } catch (const dnnl::error& error) {
            why = std::string("oneDNN has no form of it in integers (") + error.what() + ")";
        }
    }
    builder.stays_in_floats(node.label, why);
    return std::nullopt;
}

}  // namespace

bool plan_integer_conv(PlanBuilder& builder, std::size_t index) {
    const Node& node = builder.graph().nodes[index];
    const memory::dims weights = conv_weights(builder, node, std::get<Conv>(node.op));
    const memory::dims shape = builder.dims(node.output);
    const ConvTypes types{type_of(builder, node.inputs[0]), memory::data_type::s8,
                          type_of(builder, node.output)};
    const auto descriptor =
        fast_descriptor(builder, node, product(weights) * shape[2] * shape[3], [&] {
            return describe_conv(builder, node, types, dnnl::algorithm::convolution_direct,
                                 attributes_of(builder, node));
        });
    if (!descriptor) return false;
    const Located source =
        builder.converted(builder.integers(node.inputs[0]), descriptor->src_desc());
    const Located result = result_of(builder, index, descriptor->dst_desc());
    add_layer<Conv2d>(builder, node, *descriptor, source, weights, {shape[1]}, result);
    builder.define(node.output, result);
    return true;
}

// All extents but the last count as rows.
bool plan_integer_dense(PlanBuilder& builder, std::size_t index) {
    const Node& node = builder.graph().nodes[index];
    const memory::dims matrix = builder.dims(node.inputs[1]);  // [k, m]
    const memory::dims shape = builder.dims(node.output);
    const std::int64_t rows = product(shape) / matrix[1];
    const auto source_desc = plain_desc({rows, matrix[0]}, type_of(builder, node.inputs[0]));
    const auto result_desc = plain_desc({rows, matrix[1]}, type_of(builder, node.output));
    const memory::dims bias_dims{1, matrix[1]};
    const auto descriptor = fast_descriptor(builder, node, product(matrix), [&] {
        const memory::desc any(matrix, memory::data_type::s8, memory::format_tag::any);
        const auto operation =
            node.integers->bias ? dnnl::matmul::desc(source_desc, any,
                                                     PlanBuilder::f32_desc(bias_dims), result_desc)
                                : dnnl::matmul::desc(source_desc, any, result_desc);
        return dnnl::matmul::primitive_desc(operation, attributes_of(builder, node),
                                            builder.engine());
    });
    if (!descriptor) return false;
    const Located source{source_desc, builder.plain(builder.integers(node.inputs[0])).buffer};
    const Located result =
        result_of(builder, index, plain_desc(shape, type_of(builder, node.output)));
    add_layer<dnnl::matmul>(builder, node, *descriptor, source, matrix, bias_dims,
                            {result_desc, result.buffer});
    builder.define(node.output, result);
    return true;
}

}  // namespace bunch::cpu
