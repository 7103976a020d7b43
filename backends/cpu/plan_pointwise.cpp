// Operators on single elements, and Softmax.
#include <utility>
#include <vector>

#include "backends/cpu/plan_builder.h"

namespace bunch::cpu {
namespace {

using dnnl::memory;

// `dims` with ones before them, up to `rank`.
memory::dims stretched(memory::dims dims, std::size_t rank) {
    dims.insert(dims.begin(), rank - dims.size(), 1);
    return dims;
}

dnnl::algorithm algorithm_of(Binary::Kind kind) {
    switch (kind) {
        case Binary::Kind::add:
            return dnnl::algorithm::binary_add;
        case Binary::Kind::subtract:
            return dnnl::algorithm::binary_sub;
        case Binary::Kind::multiply:
            return dnnl::algorithm::binary_mul;
    }
    return dnnl::algorithm::binary_add;
}

void add_binary(PlanBuilder& builder, const Node& node, dnnl::algorithm algorithm,
                const Located& left, const Located& right, const dnnl::post_ops& ops) {
    const dnnl::binary::primitive_desc descriptor(
        dnnl::binary::desc(algorithm, left.desc, right.desc, left.desc), attributes_with(ops),
        builder.engine());
    const Located result = builder.destination(node.output, left.desc);
    builder.add_step(descriptor, dnnl::binary(descriptor), node.label,
                     {{DNNL_ARG_SRC_0, left}, {DNNL_ARG_SRC_1, right}, {DNNL_ARG_DST, result}});
    builder.define(node.output, result);
}

}  // namespace

// x * scale, then + shift as a post-operation; or x - centre, then both.
Status plan_affine(PlanBuilder& builder, const Node& node) {
    const auto axis = static_cast<std::size_t>(std::get<Affine>(node.op).axis);
    const Located source = builder.value(node.inputs[0]);
    memory::dims channels(builder.dims(node.output).size(), 1);
    channels[axis] = builder.dims(node.output)[axis];
    const auto desc = builder.f32_desc(channels);
    const Located scale = builder.constant(node.inputs[1], desc, desc);
    const Located shift = builder.constant(node.inputs[2], desc, desc);
    const bool centred = node.inputs.size() > 3;
    const Located first = centred ? builder.constant(node.inputs[3], desc, desc) : scale;
    dnnl::post_ops ops;
    std::vector<std::pair<int, Located>> arguments{{DNNL_ARG_SRC_0, source},
                                                   {DNNL_ARG_SRC_1, first}};
    const auto append = [&](dnnl::algorithm algorithm, const Located& operand) {
        arguments.emplace_back(DNNL_ARG_ATTR_MULTIPLE_POST_OP(ops.len()) | DNNL_ARG_SRC_1, operand);
        ops.append_binary(algorithm, desc);
    };
    if (centred) append(dnnl::algorithm::binary_mul, scale);
    append(dnnl::algorithm::binary_add, shift);
    append_activation(ops, node.epilogue);
    const auto algorithm = centred ? dnnl::algorithm::binary_sub : dnnl::algorithm::binary_mul;
    const dnnl::binary::primitive_desc descriptor(
        dnnl::binary::desc(algorithm, source.desc, desc, source.desc), attributes_with(ops),
        builder.engine());
    const Located result = builder.destination(node.output, source.desc);
    arguments.emplace_back(DNNL_ARG_DST, result);
    builder.add_step(dnnl::binary(descriptor), node.label + " " + descriptor.impl_info_str(),
                     descriptor.scratchpad_desc(), arguments);
    builder.define(node.output, result);
    return ok_status();
}

Status plan_elementwise(PlanBuilder& builder, const Node& node) {
    const Activation& function = std::get<Elementwise>(node.op).function;
    const Located source = builder.value(node.inputs[0]);
    dnnl::algorithm algorithm = dnnl::algorithm::eltwise_relu;
    if (function.kind == Activation::Kind::clip) algorithm = dnnl::algorithm::eltwise_clip;
    if (function.kind == Activation::Kind::sigmoid) algorithm = dnnl::algorithm::eltwise_logistic;
    if (function.kind == Activation::Kind::tanh) algorithm = dnnl::algorithm::eltwise_tanh;
    const dnnl::eltwise_forward::primitive_desc descriptor(
        dnnl::eltwise_forward::desc(dnnl::prop_kind::forward_inference, algorithm, source.desc,
                                    function.alpha, function.beta),
        attributes_with({}), builder.engine());
    const Located result = builder.destination(node.output, source.desc);
    builder.add_step(descriptor, dnnl::eltwise_forward(descriptor), node.label,
                     {{DNNL_ARG_SRC, source}, {DNNL_ARG_DST, result}});
    builder.define(node.output, result);
    return ok_status();
}

// oneDNN stretches the second operand only.
Status plan_binary(PlanBuilder& builder, const Node& node) {
    const auto kind = std::get<Binary>(node.op).kind;
    const memory::dims shape = builder.dims(node.output);
    Located left = builder.value(node.inputs[0]), right = builder.value(node.inputs[1]);
    dnnl::post_ops ops;
    if (left.desc.dims() == shape && right.desc.dims() == shape) {
        right = builder.converted(right, left.desc);
    } else {
        if (left.desc.dims() != shape) {
            std::swap(left, right);
            // a - b = -(b - a)
            if (kind == Binary::Kind::subtract)
                ops.append_eltwise(1, dnnl::algorithm::eltwise_linear, -1, 0);
        }
        if (left.desc.dims() != shape)
            return unimplemented(node.label +
                                 " stretches both of its inputs, which is not supported");
        left = builder.plain(left);
        right = builder.plain(right);
        right.desc = builder.plain_desc(stretched(right.desc.dims(), shape.size()));
    }
    append_activation(ops, node.epilogue);
    add_binary(builder, node, algorithm_of(kind), left, right, ops);
    return ok_status();
}

// As [before, along, after].
Status plan_softmax(PlanBuilder& builder, const Node& node) {
    const Softmax& softmax = std::get<Softmax>(node.op);
    const memory::dims shape = builder.dims(node.output);
    const auto axis = static_cast<std::size_t>(softmax.axis);
    memory::dims flat(3, 1);
    for (std::size_t i = 0; i < shape.size(); ++i) {
        const bool along = i == axis || (softmax.to_the_end && i > axis);
        flat[i < axis ? 0 : along ? 1 : 2] *= shape[i];
    }
    if (flat[2] == 1) flat.pop_back();
    const auto desc = builder.plain_desc(flat);
    const dnnl::softmax_forward::primitive_desc descriptor(
        dnnl::softmax_forward::desc(dnnl::prop_kind::forward_inference, desc, 1),
        attributes_with({}), builder.engine());
    const Located source{desc, builder.plain(node.inputs[0]).buffer};
    const Located result = builder.destination(node.output, builder.plain_desc(shape));
    builder.add_step(descriptor, dnnl::softmax_forward(descriptor), node.label,
                     {{DNNL_ARG_SRC, source}, {DNNL_ARG_DST, {desc, result.buffer}}});
    builder.define(node.output, result);
    return ok_status();
}

}  // namespace bunch::cpu
