// Elements written to chosen places of a copy: ScatterElements, ScatterND.
#include <algorithm>

#include "backends/kernels/dims.h"
#include "backends/kernels/element.h"
#include "backends/kernels/registry.h"

namespace bunch::kernels {
namespace {

enum class Reduction : std::uint8_t { none, add, multiply };

Result<Reduction> reduction_of(Node& node) {
    const std::string text = node.attributes.text("reduction", "none");
    if (text == "none") return Reduction::none;
    if (text == "add") return Reduction::add;
    if (text == "mul") return Reduction::multiply;
    return node.unsupported("with reduction = '" + text + "'");
}

Result<TensorView> copy_of_input(Run& run) {
    const ConstTensorView& x = run.input(0);
    if (run.input(2).type != x.type) return run.misfit();
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, x.shape));
    std::copy(x.bytes.begin(), x.bytes.end(), y.bytes.begin());
    return y;
}

// Calls f(T{}) for the element type: any size to replace, numbers to reduce.
template <typename F>
Status for_reduction(const Run& run, DataType type, Reduction reduction, F f) {
    if (reduction != Reduction::none) return for_numbers(run, type, f);
    Status status;
    for_size(type, [&](auto tag) { status = f(tag); });
    return status;
}

template <typename T>
void put(T& place, T update, Reduction reduction) {
    if (reduction == Reduction::none) place = update;
    if (reduction == Reduction::add) place = static_cast<T>(place + update);
    if (reduction == Reduction::multiply) place = static_cast<T>(place * update);
}

Status scatter_elements(Run& run, std::int64_t given_axis, Reduction reduction) {
    const Dims extents(run.input(0).shape), where(run.input(1).shape);
    BUNCH_ASSIGN_OR_RETURN(const std::int64_t axis, settle_axis(run, given_axis, extents.rank()));
    bool fits = where.rank() == extents.rank() && run.input(1).shape == run.input(2).shape;
    for (std::int64_t i = 0; fits && i < extents.rank(); ++i)
        fits = i == axis || where[i] <= extents[i];
    if (!fits) return run.misfit();
    BUNCH_ASSIGN_OR_RETURN(const Integers indexes, integers_of(run, 1));
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, copy_of_input(run));
    if (indexes.empty()) return ok_status();
    for (const std::int64_t index : indexes)
        if (index < -extents[axis] || index >= extents[axis])
            return run.wrong("has index " + std::to_string(index) + " where there are " +
                             std::to_string(extents[axis]));
    Dims strides = extents.strides();
    const std::int64_t along = strides[axis];
    strides[axis] = 0;
    return for_reduction(run, y.type, reduction, [&](auto tag) {
        using T = decltype(tag);
        std::int64_t i = 0;
        for_each_offset(where, strides, strides, [&](std::int64_t at, std::int64_t) {
            const std::int64_t index = indexes[static_cast<std::size_t>(i)];
            put(data<T>(y)[at + (index < 0 ? index + extents[axis] : index) * along],
                data<T>(run.input(2))[i], reduction);
            ++i;
        });
        return ok_status();
    });
}

Status scatter_nd(Run& run, Reduction reduction) {
    const Dims extents(run.input(0).shape), where(run.input(1).shape), updates(run.input(2).shape);
    const Dims strides = extents.strides();
    const std::int64_t depth = where.rank() > 0 ? where[where.rank() - 1] : 0;
    if (depth < 1 || depth > extents.rank()) return run.misfit();
    const std::int64_t tuples = where.product(0, where.rank() - 1);
    const std::int64_t piece = extents.product(depth, extents.rank());
    if (updates.rank() != where.rank() - 1 + extents.rank() - depth ||
        updates.product() != tuples * piece)
        return run.misfit();
    BUNCH_ASSIGN_OR_RETURN(const Integers indexes, integers_of(run, 1));
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, copy_of_input(run));
    return for_reduction(run, y.type, reduction, [&](auto tag) -> Status {
        using T = decltype(tag);
        for (std::int64_t i = 0; i < tuples; ++i) {
            std::int64_t at = 0;
            for (std::int64_t d = 0; d < depth; ++d) {
                const std::int64_t index = indexes[static_cast<std::size_t>(i * depth + d)];
                if (index < -extents[d] || index >= extents[d])
                    return run.wrong("has index " + std::to_string(index) + " where there are " +
                                     std::to_string(extents[d]));
                at += (index < 0 ? index + extents[d] : index) * strides[d];
            }
            for (std::int64_t e = 0; e < piece; ++e)
                put(data<T>(y)[at + e], data<T>(run.input(2))[i * piece + e], reduction);
        }
        return ok_status();
    });
}

Result<Kernel> make_elements(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(3, 3));
    BUNCH_ASSIGN_OR_RETURN(const Reduction reduction, reduction_of(node));
    const std::int64_t axis = node.attributes.integer("axis", 0);
    return Kernel([axis, reduction](Run& run) { return scatter_elements(run, axis, reduction); });
}

Result<Kernel> make_nd(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(3, 3));
    BUNCH_ASSIGN_OR_RETURN(const Reduction reduction, reduction_of(node));
    return Kernel([reduction](Run& run) { return scatter_nd(run, reduction); });
}

constexpr Entry kEntries[] = {
    {"Scatter", make_elements, Halves::native},
    {"ScatterElements", make_elements, Halves::native},
    {"ScatterND", make_nd, Halves::native},
};

}  // namespace

std::span<const Entry> scatter_entries() {
    return kEntries;
}

}  // namespace bunch::kernels
