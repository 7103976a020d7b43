// Pools.
#include "backends/cpu/plan_builder.h"

namespace bunch::cpu {
namespace {

using dnnl::memory;

dnnl::algorithm algorithm_of(const Pool& pool) {
    if (pool.kind == Pool::Kind::max) return dnnl::algorithm::pooling_max;
    return pool.counts_padding ? dnnl::algorithm::pooling_avg_include_padding
                               : dnnl::algorithm::pooling_avg_exclude_padding;
}

template <typename Primitive, typename Descriptor>
void add_pool(PlanBuilder& builder, const Node& node, const Located& source,
              const Descriptor& descriptor) {
    const Located result = builder.destination(node.output, descriptor.dst_desc());
    builder.add_step(descriptor, Primitive(descriptor), node.label,
                     {{DNNL_ARG_SRC, source}, {DNNL_ARG_DST, result}});
    builder.define(node.output, result);
}

}  // namespace

Status plan_pool(PlanBuilder& builder, const Node& node) {
    const Pool& pool = std::get<Pool>(node.op);
    const Window& window = pool.window;
    const bool maximum = pool.kind == Pool::Kind::max;
    const Located given =
        maximum ? builder.operand(node, node.inputs[0]) : builder.value(node.inputs[0]);
    const Located source = builder.typed(given);
    const auto result =
        with_type(builder.any_desc(builder.dims(node.output)), source.desc.data_type());
    const memory::dims strides{window.strides[0], window.strides[1]};
    const memory::dims kernel{window.kernel[0], window.kernel[1]};
    const memory::dims begin{window.pads_begin[0], window.pads_begin[1]};
    const memory::dims end{window.pads_end[0], window.pads_end[1]};
    constexpr auto kInference = dnnl::prop_kind::forward_inference;
    if (window.dilations == std::array<std::int64_t, 2>{1, 1}) {
        const dnnl::pooling_forward::primitive_desc descriptor(
            dnnl::pooling_forward::desc(kInference, algorithm_of(pool), source.desc, result,
                                        strides, kernel, begin, end),
            attributes_with({}), builder.engine());
        add_pool<dnnl::pooling_forward>(builder, node, source, descriptor);
    } else {
        const memory::dims dilations{window.dilations[0] - 1, window.dilations[1] - 1};
        const dnnl::pooling_v2_forward::primitive_desc descriptor(
            dnnl::pooling_v2_forward::desc(kInference, algorithm_of(pool), source.desc, result,
                                           strides, kernel, dilations, begin, end),
            attributes_with({}), builder.engine());
        add_pool<dnnl::pooling_v2_forward>(builder, node, source, descriptor);
    }
    return ok_status();
}

}  // namespace bunch::cpu
