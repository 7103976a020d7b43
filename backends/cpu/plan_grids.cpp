// Values on grids: from floats to integers and back.
#include <algorithm>
#include <limits>
#include <optional>
#include <string>

#include "backends/cpu/plan_builder.h"

namespace bunch::cpu {
namespace {

using dnnl::memory;

bool is_integer(const Located& located) {
    const memory::data_type type = located.desc.data_type();
    return type == memory::data_type::u8 || type == memory::data_type::s8;
}

quantise_kernel::Function quantise_function() {
#if defined(__x86_64__)
    return quantise_kernel::run_avx512;
#else
    return nullptr;  // check_precision() has refused int8
#endif
}

quantise_kernel::Layer loop_of(const Grid& grid) {
    const bool with_sign = grid.type == DataType::i8;
    quantise_kernel::Layer layer{};
    layer.scale = grid.scale;
    layer.least = with_sign ? std::numeric_limits<std::int8_t>::min() : 0;
    layer.most = with_sign ? std::numeric_limits<std::int8_t>::max()
                           : std::numeric_limits<std::uint8_t>::max();
    layer.zero = grid.zero;
    layer.rows = layer.channels = layer.pixels = 1;
    return layer;
}

}  // namespace

memory::data_type integer_type(const Grid& grid) {
    return grid.type == DataType::i8 ? memory::data_type::s8 : memory::data_type::u8;
}

memory::desc with_type(memory::desc desc, memory::data_type type) {
    desc.data.data_type = memory::convert_to_c(type);
    return desc;
}

void append_grid(dnnl::post_ops& ops, const Grid& grid) {
    const quantise_kernel::Layer loop = loop_of(grid);
    ops.append_eltwise(1, dnnl::algorithm::eltwise_linear, 1 / grid.scale, 0);
    ops.append_eltwise(1, dnnl::algorithm::eltwise_round, 0, 0);
    // Not eltwise_clip, which may come as an activation: see append_scaled().
    ops.append_eltwise(grid.scale, dnnl::algorithm::eltwise_clip_v2,
                       static_cast<float>(loop.least - loop.zero),
                       static_cast<float>(loop.most - loop.zero));
}

memory::data_type PlanBuilder::plain_type(const Located& located) const {
    return is_integer(located) ? located.desc.data_type() : type_;
}

// Of inputs and outputs: floats row-major; integers, which pass from stage to stage, as layers have
// them.
memory::desc PlanBuilder::outer_desc(ValueId id) const {
    const Value& value = graph_.at(id);
    const memory::dims extents = dims(id);
    if (value.type == DataType::f32) return f32_desc(extents);
    if (extents.size() == 4) return {extents, integer_type(*value.grid), memory::format_tag::nhwc};
    return row_major(extents, integer_type(*value.grid));
}

bool PlanBuilder::keeps_grid(const Node& node) const {
    const std::optional<Grid>& grid = graph_.at(node.output).grid;
    return grid && std::all_of(node.inputs.begin(), node.inputs.end(),
                               [&](ValueId id) { return graph_.at(id).grid == grid; });
}

void PlanBuilder::define(ValueId id, const Located& located) {
    const std::optional<Grid>& grid = graph_.at(id).grid;
    if (is_integer(located))
        integers_[id] = located;
    else if (grid)
        integers_[id] = quantised(located, *grid);
    else
        values_[id] = located;
}

// Images become channels-last, as layers in integers want them; other tensors stay as they lie.
Located PlanBuilder::quantised(const Located& located, const Grid& grid) {
    const memory::dims dims = located.desc.dims();
    const bool image = dims.size() == 4 && located.desc == f32_desc(dims);
    quantise_kernel::Layer loop = loop_of(grid);
    memory::desc desc = with_type(located.desc, integer_type(grid));
    if (image) {
        desc = memory::desc(dims, integer_type(grid), memory::format_tag::nhwc);
        loop.rows = dims[0], loop.channels = dims[1], loop.pixels = dims[2] * dims[3];
    } else {
        loop.rows = static_cast<long>(located.desc.get_size() / sizeof(float));
    }
    BufferUse use;
    use.bytes = desc.get_size();
    const Located result{desc, add_buffer(use)};
    touch(located.buffer);
    touch(result.buffer);
    plan_.steps.emplace_back(QuantiseStep{quantise_function(), loop, unsettled(located),
                                          unsettled(result), "quantise avx512: own loop"});
    return result;
}

void PlanBuilder::add_dequantise(const Located& integers, const Grid& grid,
                                 const Located& numbers) {
    dnnl::primitive_attr attributes = attributes_with({});
    attributes.set_output_scales(0, {grid.scale});
    if (grid.zero != 0) attributes.set_zero_points(DNNL_ARG_SRC, 0, {grid.zero});
    const dnnl::reorder::primitive_desc descriptor(engine_, integers.desc, engine_, numbers.desc,
                                                   attributes);
    add_step(descriptor, dnnl::reorder(descriptor), "dequantise",
             {{DNNL_ARG_FROM, integers}, {DNNL_ARG_TO, numbers}});
}

}  // namespace bunch::cpu
