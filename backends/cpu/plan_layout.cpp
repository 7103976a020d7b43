// Operators that move elements. Most only give another view of the same memory.
#include "backends/cpu/plan_builder.h"

namespace bunch::cpu {

Status plan_reshape(PlanBuilder& builder, const Node& node) {
    const Located source = builder.plain(builder.operand(node, node.inputs[0]));
    builder.define(node.output, {with_type(builder.plain_desc(builder.dims(node.output)),
                                           source.desc.data_type()),
                                 source.buffer});
    return ok_status();
}

// A view with other strides; whoever reads it converts it if it must.
Status plan_transpose(PlanBuilder& builder, const Node& node) {
    const auto& order = std::get<Transpose>(node.op).order;
    const Located source = builder.plain(builder.operand(node, node.inputs[0]));
    const dnnl::memory::dims dims = builder.dims(node.output);
    const dnnl::memory::dims from = source.desc.dims();
    dnnl::memory::dims from_strides(from.size()), strides(dims.size());
    dnnl::memory::dim stride = 1;
    for (std::size_t i = from.size(); i-- > 0; stride *= from[i]) from_strides[i] = stride;
    for (std::size_t i = 0; i < dims.size(); ++i)
        strides[i] = from_strides[static_cast<std::size_t>(order[i])];
    builder.define(node.output, {{dims, source.desc.data_type(), strides}, source.buffer});
    return ok_status();
}

Status plan_concat(PlanBuilder& builder, const Node& node) {
    const auto axis = static_cast<std::size_t>(std::get<Concat>(node.op).axis);
    std::vector<Located> sources;
    for (const ValueId id : node.inputs)
        sources.push_back(builder.plain(builder.operand(node, id)));
    const auto desc =
        with_type(builder.plain_desc(builder.dims(node.output)), sources.front().desc.data_type());
    const Located result = builder.destination(node.output, desc);
    builder.add_concat(node.label, sources, axis, result);
    builder.define(node.output, result);
    return ok_status();
}

Status plan_identity(PlanBuilder& builder, const Node& node) {
    builder.define(node.output, builder.operand(node, node.inputs[0]));
    return ok_status();
}

}  // namespace bunch::cpu
