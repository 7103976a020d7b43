#include "backends/kernels/registry.h"

#include <array>
#include <utility>

#include "backends/kernels/element.h"
#include "backends/kernels/halves.h"

namespace bunch::kernels {
namespace {

const Entry* find(std::string_view domain, std::string_view type) {
    const bool trees = domain == "ai.onnx.ml";
    if (!trees && !domain.empty() && domain != "ai.onnx") return nullptr;
    if (trees) {
        for (const Entry& entry : tree_entries())
            if (entry.type == type) return &entry;
        return nullptr;
    }
    const std::array families = {
        arithmetic_entries(), cast_entries(),    comparison_entries(),   convolution_entries(),
        geometry_entries(),   einsum_entries(),  function_entries(),     gather_entries(),
        generator_entries(),  layout_entries(),  matrix_entries(),       normalisation_entries(),
        pad_entries(),        pool_entries(),    quantisation_entries(), recurrent_entries(),
        reduction_entries(),  resize_entries(),  scatter_entries(),      selection_entries(),
        shape_entries(),      softmax_entries(), sorting_entries(),      split_entries()};
    for (const auto& family : families)
        for (const Entry& entry : family)
            if (entry.type == type) return &entry;
    return nullptr;
}

bool is_half(DataType type) {
    return type == DataType::f16 || type == DataType::bf16;
}

Result<Held> convert(Run& run, const ConstTensorView& from, DataType type) {
    const std::int64_t n = count(from);
    const std::uint64_t bytes = static_cast<std::uint64_t>(n) * size_of(type);
    Result<std::shared_ptr<std::byte>> block = run.memory().take(bytes);
    if (!block.ok()) return block.status().with_context(run.spec().label);
    const TensorView to{type, from.shape, {block->get(), static_cast<std::size_t>(bytes)}};
    for (std::int64_t i = 0; i < n; ++i) {
        if (type == DataType::f32) {
            const std::uint16_t bits = data<std::uint16_t>(from)[i];
            data<float>(to)[i] =
                from.type == DataType::f16 ? float_from_f16(bits) : float_from_bf16(bits);
        } else {
            const float number = data<float>(from)[i];
            data<std::uint16_t>(to)[i] =
                type == DataType::f16 ? f16_from_float(number) : bf16_from_float(number);
        }
    }
    return Held{to, *block};
}

// Runs `kernel` with halves as floats.
Status run_widened(const Kernel& kernel, Run& run, DataType half) {
    std::vector<Held> wide(static_cast<std::size_t>(run.inputs()));
    std::vector<const Held*> inputs(wide.size());
    for (std::size_t i = 0; i < wide.size(); ++i) {
        inputs[i] = run.held(static_cast<std::int64_t>(i));
        if (inputs[i] == nullptr || !is_half(inputs[i]->view.type)) continue;
        BUNCH_ASSIGN_OR_RETURN(wide[i], convert(run, inputs[i]->view, DataType::f32));
        inputs[i] = &wide[i];
    }
    Run inner(run.spec(), inputs, run.memory());
    BUNCH_RETURN_IF_ERROR(kernel(inner));
    run.used(inner.implementation());
    for (std::size_t i = 0; i < inner.results().size(); ++i) {
        Held result = std::move(inner.results()[i]);
        if (result.view.type == DataType::f32 && result.keeper != nullptr) {
            BUNCH_ASSIGN_OR_RETURN(result, convert(run, result.view, half));
        }
        run.set(static_cast<std::int64_t>(i), std::move(result));
    }
    return ok_status();
}

}  // namespace

Kernel widened(Kernel kernel) {
    return [kernel = std::move(kernel)](Run& run) -> Status {
        for (std::int64_t i = 0; i < run.inputs(); ++i)
            if (run.has(i) && is_half(run.input(i).type))
                return run_widened(kernel, run, run.input(i).type);
        return kernel(run);
    };
}

bool has_kernel(std::string_view domain, std::string_view type) {
    return find(domain, type) != nullptr;
}

Result<Kernel> make_kernel(const NodeSpec& spec) {
    const Entry* entry = find(spec.domain, spec.type);
    if (entry == nullptr)
        return unimplemented(spec.label + ": operator " +
                             (spec.domain.empty() ? "" : spec.domain + ".") + spec.type +
                             " is not supported");
    Node node(spec);
    Result<Kernel> kernel = entry->make(node);
    BUNCH_RETURN_IF_ERROR(node.attributes.problem().with_context(spec.label));
    if (kernel.ok()) BUNCH_RETURN_IF_ERROR(node.attributes.status().with_context(spec.label));
    if (!kernel.ok() || entry->halves == Halves::native) return kernel;
    return widened(std::move(kernel).value());
}

}  // namespace bunch::kernels
