#include "backends/cpu/plan_builder.h"

#include <algorithm>
#include <utility>

#include "backends/cpu/winograd.h"

namespace bunch::cpu {
namespace {

constexpr std::size_t kAlignment = 64;

std::size_t aligned(std::size_t bytes) {
    return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

PlanBuilder::PlanBuilder(const Graph& graph, std::int64_t rows, WeightCache& weights,
                         const PlannerOptions& options)
    : graph_(graph),
      rows_(rows),
      weights_(weights),
      options_(options),
      type_(options.precision == Precision::bf16 ? dnnl::memory::data_type::bf16
                                                 : dnnl::memory::data_type::f32),
      engine_(weights.engine()) {
    plan_.engine = engine_;
    plan_.rows = rows;
    plan_.threads = options.threads;
    for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
        const auto desc = outer_desc(graph.inputs[i]);
        BufferUse use;
        use.kind = Place::Kind::input;
        use.index = i;
        use.bytes = desc.get_size();
        define(graph.inputs[i], {desc, add_buffer(use)});
    }
}

dnnl::memory::desc PlanBuilder::row_major(const dnnl::memory::dims& dims,
                                          dnnl::memory::data_type type) {
    dnnl::memory::dims strides(dims.size());
    dnnl::memory::dim stride = 1;
    for (std::size_t i = dims.size(); i-- > 0; stride *= dims[i]) strides[i] = stride;
    return {dims, type, strides};
}

dnnl::memory::desc PlanBuilder::any_desc(const dnnl::memory::dims& dims) const {
    return {dims, type_, dnnl::memory::format_tag::any};
}

dnnl::memory::dims PlanBuilder::dims(ValueId id) const {
    const Shape& shape = graph_.at(id).shape;
    dnnl::memory::dims extents(shape.extents().begin(), shape.extents().end());
    if (extents.empty()) return {1};
    if (extents[0] == kAnyExtent) extents[0] = rows_;
    return extents;
}

BufferId PlanBuilder::add_buffer(BufferUse use) {
    use.first_step = use.last_step = plan_.steps.size();
    buffers_.push_back(use);
    return BufferId{static_cast<std::uint32_t>(buffers_.size() - 1)};
}

void PlanBuilder::touch(BufferId buffer) {
    buffers_[buffer.value].last_step = plan_.steps.size();
}

Located PlanBuilder::value(ValueId id) {
    const auto found = values_.find(id);
    if (found != values_.end()) return found->second;
    if (integers_.contains(id)) {
        const Located from = integers(id);
        const auto desc = with_type(from.desc, dnnl::memory::data_type::f32);
        BufferUse use;
        use.bytes = desc.get_size();
        const Located numbers{desc, add_buffer(use)};
        add_dequantise(from, *graph_.at(id).grid, numbers);
        values_[id] = numbers;
        return numbers;
    }
    BUNCH_CHECK(graph_.at(id).constant.has_value());
    return constant(id, f32_desc(dims(id)), plain_desc(dims(id)));
}

Located PlanBuilder::constant(ValueId id, const dnnl::memory::desc& given,
                              const dnnl::memory::desc& wanted) {
    auto weights = weights_.get(graph_, id, given, wanted);
    BufferUse use;
    use.kind = Place::Kind::weights;
    use.bytes = weights->size();
    use.address = weights->address();
    plan_.kept.push_back(std::move(weights));
    return {wanted, add_buffer(use)};
}

Located PlanBuilder::converted(const Located& located, const dnnl::memory::desc& desc) {
    if (located.desc == desc) return located;
    const dnnl::reorder::primitive_desc descriptor(engine_, located.desc, engine_, desc,
                                                   attributes_with({}));
    BufferUse use;
    use.bytes = desc.get_size();
    const Located result{desc, add_buffer(use)};
    add_step(descriptor, dnnl::reorder(descriptor), "layout",
             {{DNNL_ARG_FROM, located}, {DNNL_ARG_TO, result}});
    return result;
}

Located PlanBuilder::destination(ValueId id, const dnnl::memory::desc& desc) {
    BufferUse use;
    use.bytes = desc.get_size();
    const auto output = std::find(graph_.outputs.begin(), graph_.outputs.end(), id);
    if (output != graph_.outputs.end() && desc == outer_desc(id)) {
        use.kind = Place::Kind::output;
        use.index = static_cast<std::size_t>(output - graph_.outputs.begin());
    }
    return {desc, add_buffer(use)};
}

bool PlanBuilder::may_overwrite(const Located& located, std::size_t index) const {
    if (buffers_[located.buffer.value].kind != Place::Kind::arena) return false;
    const auto needed = [&](ValueId id) {
        if (graph_.is_output(id)) return true;
        for (std::size_t i = index; i < graph_.nodes.size(); ++i) {
            const Node& node = graph_.nodes[i];
            if ((i > index && node.residual == id) ||
                std::find(node.inputs.begin(), node.inputs.end(), id) != node.inputs.end())
                return true;
        }
        return false;
    };
    for (const auto* values : {&values_, &integers_})
        for (const auto& [id, other] : *values)
            if (other.buffer == located.buffer && needed(id)) return false;
    return true;
}

void PlanBuilder::add_step(const dnnl::primitive& primitive, std::string description,
                           const dnnl::memory::desc& scratchpad,
                           const std::vector<std::pair<int, Located>>& arguments) {
    PrimitiveStep step{primitive, {}, std::move(description)};
    for (const auto& [number, located] : arguments) {
        touch(located.buffer);
        step.arguments.push_back({number, located.desc, unsettled(located)});
    }
    if (scratchpad.get_size() > 0) {
        plan_.scratch_bytes = std::max(plan_.scratch_bytes, aligned(scratchpad.get_size()));
        step.arguments.push_back(
            {DNNL_ARG_SCRATCHPAD, scratchpad, {Place::Kind::scratch, 0, 0, nullptr}});
    }
    plan_.steps.emplace_back(std::move(step));
}

void PlanBuilder::add_mlp(std::shared_ptr<const Mlp> mlp, const Located& source, ValueId output,
                          const Located& destination) {
    touch(source.buffer);
    touch(destination.buffer);
    const bool carries_rows = graph_.at(output).carries_rows();
    plan_.steps.emplace_back(MlpStep{std::move(mlp), carries_rows, dims(output)[0],
                                     unsettled(source), unsettled(destination)});
}

void PlanBuilder::add_winograd(const Node& node, const Located& source,
                               const Located& destination) {
    const std::int64_t images = dims(node.output)[0];
    winograd_kernel::Layer layer = winograd_layer(graph_, node, images);
    auto transformed = weights_.get(
        node.inputs[1], std::nullopt, OwnLayout::winograd, winograd_weight_floats(layer),
        [&](float* to) { transform_winograd(layer, floats(graph_.at(node.inputs[1])), to); });
    layer.weights = static_cast<const float*>(transformed->address());
    plan_.kept.push_back(std::move(transformed));
    if (node.inputs.size() > 2) {
        const auto given = floats(graph_.at(node.inputs[2]));
        auto copy = weights_.get(node.inputs[2], std::nullopt, OwnLayout::copied, given.size(),
                                 [&](float* to) { std::copy(given.begin(), given.end(), to); });
        layer.bias = static_cast<const float*>(copy->address());
        plan_.kept.push_back(std::move(copy));
    }
    touch(source.buffer);
    touch(destination.buffer);
    auto parts = winograd_parts(layer, winograd_tiles(graph_, node, images), options_.threads);
    const std::size_t scratch =
        aligned(static_cast<std::size_t>(winograd_kernel::scratch_floats(layer)) * sizeof(float));
    plan_.scratch_bytes = std::max(plan_.scratch_bytes, parts.size() * scratch);
    plan_.steps.emplace_back(WinogradStep{
        winograd_function(), layer, std::move(parts), scratch / sizeof(float), unsettled(source),
        unsettled(destination), node.label + " winograd_4x4:avx512"});
}

void PlanBuilder::add_streamed(const Node& node, mlp_kernel::Streamed run, std::int64_t rows,
                               const Located& source, const Located& destination) {
    const Value& weights = graph_.at(node.inputs[1]);
    std::optional<ValueId> bias;
    if (node.inputs.size() > 2) bias = node.inputs[2];
    const auto inputs = static_cast<std::size_t>(weights.shape[0]),
               outputs = static_cast<std::size_t>(weights.shape[1]);
    auto packed =
        weights_.get(node.inputs[1], bias, OwnLayout::streamed, streamed_floats(inputs, outputs),
                     [&](float* to) {
                         pack_streamed(floats(weights),
                                       bias ? floats(graph_.at(*bias)) : std::span<const float>(),
                                       inputs, outputs, to);
                     });
    const auto* first = static_cast<const float*>(packed->address());
    const std::size_t bias_floats = streamed_padded(outputs);
    plan_.kept.push_back(std::move(packed));
    touch(source.buffer);
    touch(destination.buffer);
    plan_.steps.emplace_back(
        StreamedStep{run,
                     {first + bias_floats, first, static_cast<int>(inputs),
                      static_cast<int>(outputs), static_cast<int>(bias_floats),
                      kernel_activation(node.epilogue), node.epilogue.alpha, node.epilogue.beta},
                     rows,
                     unsettled(source),
                     unsettled(destination),
                     node.label + " streamed:avx512"});
}

void PlanBuilder::add_concat(const std::string& label, std::span<const Located> sources,
                             std::size_t axis, const Located& destination) {
    ConcatStep step{{}, unsettled(destination), 1, label + " copies"};
    for (std::size_t i = 0; i < axis; ++i)
        step.count *= static_cast<std::size_t>(destination.desc.dims()[i]);
    for (const Located& source : sources) {
        touch(source.buffer);
        step.sources.push_back({unsettled(source), source.desc.get_size() / step.count});
    }
    touch(destination.buffer);
    plan_.steps.emplace_back(std::move(step));
}

// Largest first, each at the lowest offset that no buffer alive at the same time uses.
void PlanBuilder::lay_out_arena() {
    std::vector<BufferUse*> order;
    for (BufferUse& use : buffers_)
        if (use.kind == Place::Kind::arena) order.push_back(&use);
    std::stable_sort(order.begin(), order.end(),
                     [](const BufferUse* a, const BufferUse* b) { return a->bytes > b->bytes; });
    std::vector<const BufferUse*> placed;  // by offset
    for (BufferUse* use : order) {
        std::size_t offset = 0;
        for (const BufferUse* other : placed) {
            const bool together = !options_.share_arena || (other->first_step <= use->last_step &&
                                                            use->first_step <= other->last_step);
            if (!together || other->offset + aligned(other->bytes) <= offset) continue;
            if (other->offset >= offset + aligned(use->bytes)) break;
            offset = other->offset + aligned(other->bytes);
        }
        use->offset = offset;
        plan_.arena_bytes = std::max(plan_.arena_bytes, offset + aligned(use->bytes));
        placed.insert(std::upper_bound(placed.begin(), placed.end(), use,
                                       [](const BufferUse* a, const BufferUse* b) {
                                           return a->offset < b->offset;
                                       }),
                      use);
    }
}

void PlanBuilder::settle(Place& place) const {
    if (place.kind == Place::Kind::scratch) return;
    const BufferUse& use = buffers_[place.offset];
    place = {use.kind, use.index, use.offset, use.address};
}

// Brings output `i` to where it belongs, if it is not there.
void PlanBuilder::deliver(std::size_t i) {
    const ValueId id = graph_.outputs[i];
    const bool rounded = integers_.contains(id);
    const Located located = rounded ? integers(id) : value(id);
    const BufferUse& use = buffers_[located.buffer.value];
    if (use.kind == Place::Kind::output && use.index == i) return;
    const Located output = destination(id, outer_desc(id));
    if (rounded && graph_.at(id).type == DataType::f32) {
        add_dequantise(located, *graph_.at(id).grid, output);
        return;
    }
    const dnnl::reorder::primitive_desc descriptor(engine_, located.desc, engine_, output.desc,
                                                   attributes_with({}));
    add_step(descriptor, dnnl::reorder(descriptor), "output",
             {{DNNL_ARG_FROM, located}, {DNNL_ARG_TO, output}});
}

Plan PlanBuilder::finish() && {
    for (std::size_t i = 0; i < graph_.outputs.size(); ++i) deliver(i);
    lay_out_arena();
    plan_.any_rows = true;
    for (Step& step : plan_.steps) {
        const auto* chain = std::get_if<MlpStep>(&step);
        plan_.any_rows = plan_.any_rows && chain != nullptr && chain->carries_rows;
        if (auto* primitive = std::get_if<PrimitiveStep>(&step)) {
            for (Argument& argument : primitive->arguments) settle(argument.place);
        } else if (auto* mlp = std::get_if<MlpStep>(&step)) {
            settle(mlp->source);
            settle(mlp->destination);
        } else if (auto* conv = std::get_if<WinogradStep>(&step)) {
            settle(conv->source);
            settle(conv->destination);
        } else if (auto* dense = std::get_if<StreamedStep>(&step)) {
            settle(dense->source);
            settle(dense->destination);
        } else if (auto* concat = std::get_if<ConcatStep>(&step)) {
            for (ConcatStep::Source& source : concat->sources) settle(source.place);
            settle(concat->destination);
        } else if (auto* quantise = std::get_if<QuantiseStep>(&step)) {
            settle(quantise->source);
            settle(quantise->destination);
        }
    }
    if (plan_.arena_bytes > 0) plan_.any_rows = false;
    return std::move(plan_);
}

std::string description_of(const Step& step) {
    if (const auto* primitive = std::get_if<PrimitiveStep>(&step))
        return primitive->description + ": oneDNN";
    if (const auto* conv = std::get_if<WinogradStep>(&step))
        return conv->description + ": own loop";
    if (const auto* dense = std::get_if<StreamedStep>(&step))
        return dense->description + ": own loop";
    if (const auto* concat = std::get_if<ConcatStep>(&step)) return concat->description;
    if (const auto* quantise = std::get_if<QuantiseStep>(&step)) return quantise->description;
    return "fused dense layers: own loop";
}

void append_activation(dnnl::post_ops& ops, const Activation& activation) {
    using Kind = Activation::Kind;
    switch (activation.kind) {
        case Kind::none:
            return;
        case Kind::leaky_relu:
            ops.append_eltwise(1, dnnl::algorithm::eltwise_relu, activation.alpha, 0);
            return;
        case Kind::clip:
            ops.append_eltwise(1, dnnl::algorithm::eltwise_clip, activation.alpha, activation.beta);
            return;
        case Kind::sigmoid:
            ops.append_eltwise(1, dnnl::algorithm::eltwise_logistic, 0, 0);
            return;
        case Kind::tanh:
            ops.append_eltwise(1, dnnl::algorithm::eltwise_tanh, 0, 0);
            return;
    }
}

dnnl::primitive_attr attributes_with(const dnnl::post_ops& ops) {
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    attributes.set_post_ops(ops);
    return attributes;
}

}  // namespace bunch::cpu
