// Layers with weights. Layouts are left to oneDNN wherever it has a choice.
#include <optional>
#include <string>
#include <string_view>

#include "backends/cpu/plan_builder.h"
#include "backends/cpu/winograd.h"

namespace bunch::cpu {
namespace {

using dnnl::memory;
using Conv2d = dnnl::convolution_forward;

// Above it a reference implementation would make the model useless, below nobody would notice.
constexpr std::int64_t kHotMacsPerRow = 1'000'000;

Status check_implementation(const Node& node, std::string_view implementation,
                            std::int64_t macs_per_row) {
    if (!is_too_slow(implementation, macs_per_row)) return ok_status();
    return unimplemented(node.label +
                         ": oneDNN has only its slow reference implementation for it "
                         "on this processor");
}

// Memory for the result. Where the node adds a residual, it already holds that.
Located result_of(PlanBuilder& builder, std::size_t index, const memory::desc& desc) {
    const Node& node = builder.graph().nodes[index];
    if (!node.residual) return builder.destination(node.output, desc);
    const Located residual = builder.value(*node.residual);
    if (residual.desc == desc && builder.may_overwrite(residual, index)) return residual;
    const Located result = builder.destination(node.output, desc);
    const dnnl::reorder::primitive_desc copy(builder.engine(), residual.desc, builder.engine(),
                                             desc, attributes_with({}));
    builder.add_step(copy, dnnl::reorder(copy), node.label + " residual",
                     {{DNNL_ARG_FROM, residual}, {DNNL_ARG_TO, result}});
    return result;
}

memory::desc vector_desc(std::int64_t size) {
    return {{size}, memory::data_type::f32, memory::format_tag::a};
}

// With fewer, the transformed weights, four times as many, are read for too little work.
constexpr std::int64_t kSharingTiles = 16;

// Winograd where it can be had, unless timing chose otherwise: oneDNN never picks it by itself.
ConvAlgorithm choose_algorithm(const PlanBuilder& builder, const Node& node, const Conv& conv) {
    if (!builder.options().winograd || !suits_winograd(conv) || node.inner ||
        builder.type() != memory::data_type::f32)
        return ConvAlgorithm::direct;
    const bool own = suits_own_winograd(builder.graph(), node);
    if (const ConvChoices* choices = builder.options().choices) {
        const auto found = choices->find(conv_key(builder.graph(), node, builder.rows()));
        if (found != choices->end() && (own || found->second != ConvAlgorithm::own_winograd))
            return found->second;
    }
    const bool shared = winograd_tiles(builder.graph(), node, builder.rows()) >= kSharingTiles;
    return own && shared ? ConvAlgorithm::own_winograd : ConvAlgorithm::onednn_winograd;
}

Conv2d::primitive_desc choose_conv(const PlanBuilder& builder, const Node& node,
                                   ConvAlgorithm algorithm) {
    const auto attributes = attributes_with(epilogue_of(node));
    const ConvTypes types{builder.type(), builder.type(), builder.type()};
    if (algorithm == ConvAlgorithm::onednn_winograd) {
        try {
            return describe_conv(builder, node, types, dnnl::algorithm::convolution_winograd,
                                 attributes);
        } catch (const dnnl::error&) {
            // This processor or shape has none.
        }
    }
    return describe_conv(builder, node, types, dnnl::algorithm::convolution_direct, attributes);
}

Status plan_own_winograd(PlanBuilder& builder, std::size_t index) {
    const Node& node = builder.graph().nodes[index];
    const auto channels_last = [&](ValueId id) {
        return memory::desc(builder.dims(id), memory::data_type::f32, memory::format_tag::nhwc);
    };
    const Located source =
        builder.converted(builder.value(node.inputs[0]), channels_last(node.inputs[0]));
    const Located result = result_of(builder, index, channels_last(node.output));
    builder.add_winograd(node, source, result);
    builder.define(node.output, result);
    return ok_status();
}

std::int64_t product(const memory::dims& dims, std::size_t first) {
    std::int64_t result = 1;
    for (std::size_t i = first; i < dims.size(); ++i) result *= dims[i];
    return result;
}

}  // namespace

bool is_too_slow(std::string_view implementation, std::int64_t macs_per_row) {
    return macs_per_row >= kHotMacsPerRow && implementation.substr(0, 3) == "ref";
}

dnnl::post_ops epilogue_of(const Node& node) {
    dnnl::post_ops ops;
    if (node.inner) append_grid(ops, *node.inner);
    if (node.residual) ops.append_sum(1.0F);
    append_activation(ops, node.epilogue);
    return ops;
}

memory::dims conv_weights(const PlanBuilder& builder, const Node& node, const Conv& conv) {
    memory::dims dims = builder.dims(node.inputs[1]);
    if (conv.groups > 1) {
        dims[0] /= conv.groups;
        dims.insert(dims.begin(), conv.groups);
    }
    return dims;
}

Conv2d::primitive_desc describe_conv(const PlanBuilder& builder, const Node& node,
                                     const ConvTypes& types, dnnl::algorithm algorithm,
                                     const dnnl::primitive_attr& attributes) {
    const Conv& conv = std::get<Conv>(node.op);
    const Window& window = conv.window;
    const memory::dims strides{window.strides[0], window.strides[1]};
    const memory::dims dilations{window.dilations[0] - 1, window.dilations[1] - 1};
    const memory::dims begin{window.pads_begin[0], window.pads_begin[1]};
    const memory::dims end{window.pads_end[0], window.pads_end[1]};
    const auto any = [](const memory::dims& dims, memory::data_type type) {
        return memory::desc(dims, type, memory::format_tag::any);
    };
    const auto source = any(builder.dims(node.inputs[0]), types.source);
    const auto weights = any(conv_weights(builder, node, conv), types.weights);
    const auto result = any(builder.dims(node.output), types.result);
    constexpr auto kInference = dnnl::prop_kind::forward_inference;
    if (node.inputs.size() > 2) {
        const auto bias = vector_desc(builder.dims(node.output)[1]);
        return {Conv2d::desc(kInference, algorithm, source, weights, bias, result, strides,
                             dilations, begin, end),
                attributes, builder.engine()};
    }
    return {Conv2d::desc(kInference, algorithm, source, weights, result, strides, dilations, begin,
                         end),
            attributes, builder.engine()};
}

Status plan_conv(PlanBuilder& builder, std::size_t index) {
    const Node& node = builder.graph().nodes[index];
    const Conv& conv = std::get<Conv>(node.op);
    if (node.integers && plan_integer_conv(builder, index)) return ok_status();
    const ConvAlgorithm algorithm = choose_algorithm(builder, node, conv);
    if (algorithm == ConvAlgorithm::own_winograd) return plan_own_winograd(builder, index);
    const auto descriptor = choose_conv(builder, node, algorithm);
    const memory::dims shape = builder.dims(node.output);
    const memory::dims weight_dims = conv_weights(builder, node, conv);
    const std::int64_t macs = product(weight_dims, 0) * shape[2] * shape[3];
    BUNCH_RETURN_IF_ERROR(check_implementation(node, descriptor.impl_info_str(), macs));

    const Located source = builder.converted(builder.value(node.inputs[0]), descriptor.src_desc());
    const Located weights =
        builder.constant(node.inputs[1], builder.f32_desc(weight_dims), descriptor.weights_desc());
    const Located result = result_of(builder, index, descriptor.dst_desc());
    if (node.inputs.size() > 2) {
        const auto bias_desc = vector_desc(shape[1]);
        const Located bias = builder.constant(node.inputs[2], bias_desc, bias_desc);
        builder.add_step(descriptor, Conv2d(descriptor), node.label,
                         {{DNNL_ARG_SRC, source},
                          {DNNL_ARG_WEIGHTS, weights},
                          {DNNL_ARG_BIAS, bias},
                          {DNNL_ARG_DST, result}});
    } else {
        builder.add_step(
            descriptor, Conv2d(descriptor), node.label,
            {{DNNL_ARG_SRC, source}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, result}});
    }
    builder.define(node.output, result);
    return ok_status();
}

// All extents but the last count as rows.
Status plan_dense(PlanBuilder& builder, std::size_t index) {
    const Node& node = builder.graph().nodes[index];
    if (node.integers && plan_integer_dense(builder, index)) return ok_status();
    const memory::dims matrix = builder.dims(node.inputs[1]);  // [k, m]
    const memory::dims shape = builder.dims(node.output);
    const std::int64_t rows = product(shape, 0) / matrix[1];
    const bool exact = builder.type() == memory::data_type::f32 && !node.residual && !node.inner;
    const auto streamed = exact ? streamed_function(rows, matrix[0], matrix[1]) : nullptr;
    if (streamed != nullptr) {
        const Located from = builder.plain(node.inputs[0]);
        const Located to = builder.destination(node.output, builder.plain_desc(shape));
        builder.add_streamed(node, streamed, rows, from, to);
        builder.define(node.output, to);
        return ok_status();
    }
    const auto source_desc = builder.plain_desc({rows, matrix[0]});
    const auto result_desc = builder.plain_desc({rows, matrix[1]});
    const auto bias_desc = builder.f32_desc({1, matrix[1]});
    const auto weights_any = builder.any_desc(matrix);
    const auto attributes = attributes_with(epilogue_of(node));
    const bool biased = node.inputs.size() > 2;
    const dnnl::matmul::desc operation =
        biased ? dnnl::matmul::desc(source_desc, weights_any, bias_desc, result_desc)
               : dnnl::matmul::desc(source_desc, weights_any, result_desc);
    const dnnl::matmul::primitive_desc descriptor(operation, attributes, builder.engine());
    BUNCH_RETURN_IF_ERROR(
        check_implementation(node, descriptor.impl_info_str(), product(matrix, 0)));

    const Located source{source_desc, builder.plain(node.inputs[0]).buffer};
    const Located weights =
        builder.constant(node.inputs[1], builder.f32_desc(matrix), descriptor.weights_desc());
    const Located result = result_of(builder, index, builder.plain_desc(shape));
    const Located flat_result{result_desc, result.buffer};
    if (biased) {
        const Located bias = builder.constant(node.inputs[2], bias_desc, bias_desc);
        builder.add_step(descriptor, dnnl::matmul(descriptor), node.label,
                         {{DNNL_ARG_SRC, source},
                          {DNNL_ARG_WEIGHTS, weights},
                          {DNNL_ARG_BIAS, bias},
                          {DNNL_ARG_DST, flat_result}});
    } else {
        builder.add_step(
            descriptor, dnnl::matmul(descriptor), node.label,
            {{DNNL_ARG_SRC, source}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, flat_result}});
    }
    builder.define(node.output, result);
    return ok_status();
}

Status plan_mat_mul(PlanBuilder& builder, std::size_t index) {
    const Node& node = builder.graph().nodes[index];
    const Located left = builder.plain(node.inputs[0]);
    const Located right = builder.plain(node.inputs[1]);
    const auto result_desc = builder.plain_desc(builder.dims(node.output));
    const dnnl::matmul::primitive_desc descriptor(
        dnnl::matmul::desc(left.desc, right.desc, result_desc), attributes_with(epilogue_of(node)),
        builder.engine());
    const Located result = builder.destination(node.output, result_desc);
    builder.add_step(descriptor, dnnl::matmul(descriptor), node.label,
                     {{DNNL_ARG_SRC, left}, {DNNL_ARG_WEIGHTS, right}, {DNNL_ARG_DST, result}});
    builder.define(node.output, result);
    return ok_status();
}

}  // namespace bunch::cpu
