// Elements chosen by index: Gather, GatherElements, GatherND.
#include <algorithm>

#include "backends/kernels/dims.h"
#include "backends/kernels/element.h"
#include "backends/kernels/registry.h"

namespace bunch::kernels {
namespace {

Status outside(const Run& run, std::int64_t index, std::int64_t extent) {
    return run.wrong("has index " + std::to_string(index) + " where there are " +
                     std::to_string(extent));
}

Status gather(Run& run, std::int64_t given_axis) {
    const ConstTensorView& x = run.input(0);
    const Dims extents(x.shape);
    BUNCH_ASSIGN_OR_RETURN(const std::int64_t axis, settle_axis(run, given_axis, extents.rank()));
    BUNCH_ASSIGN_OR_RETURN(Integers indexes, integers_of(run, 1));
    if (x.shape.rank() + run.input(1).shape.rank() > kMaxRank + 1)
        return run.unsupported("to more than " + std::to_string(kMaxRank) + " dimensions");
    Dims shape;
    for (std::int64_t i = 0; i < axis; ++i) shape.push(extents[i]);
    for (const std::int64_t extent : run.input(1).shape.extents()) shape.push(extent);
    for (std::int64_t i = axis + 1; i < extents.rank(); ++i) shape.push(extents[i]);
    for (std::int64_t& index : indexes) {
        if (index < -extents[axis] || index >= extents[axis])
            return outside(run, index, extents[axis]);
        if (index < 0) index += extents[axis];
    }
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, shape.shape()));
    const std::size_t piece =
        static_cast<std::size_t>(extents.product(axis + 1, extents.rank())) * size_of(x.type);
    const std::int64_t outer = extents.product(0, axis);
    std::byte* to = y.bytes.data();
    if (y.bytes.empty()) return ok_status();
    for (std::int64_t o = 0; o < outer; ++o)
        for (const std::int64_t index : indexes)
            to = std::copy_n(
                x.bytes.data() + static_cast<std::size_t>(o * extents[axis] + index) * piece, piece,
                to);
    return ok_status();
}

Status gather_elements(Run& run, std::int64_t given_axis) {
    const ConstTensorView& x = run.input(0);
    const Dims extents(x.shape), wanted(run.input(1).shape);
    BUNCH_ASSIGN_OR_RETURN(const std::int64_t axis, settle_axis(run, given_axis, extents.rank()));
    bool fits = wanted.rank() == extents.rank();
    for (std::int64_t i = 0; fits && i < extents.rank(); ++i)
        fits = i == axis || wanted[i] <= extents[i];
    if (!fits) return run.misfit();
    BUNCH_ASSIGN_OR_RETURN(const Integers indexes, integers_of(run, 1));
    for (const std::int64_t index : indexes)
        if (index < -extents[axis] || index >= extents[axis])
            return outside(run, index, extents[axis]);
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, run.input(1).shape));
    if (y.bytes.empty()) return ok_status();
    Dims strides = extents.strides();
    const std::int64_t along = strides[axis];
    strides[axis] = 0;
    for_size(x.type, [&](auto tag) {
        using T = decltype(tag);
        std::int64_t i = 0;
        for_each_offset(wanted, strides, strides, [&](std::int64_t at, std::int64_t) {
            const std::int64_t index = indexes[static_cast<std::size_t>(i)];
            data<T>(y)[i++] = data<T>(x)[at + (index < 0 ? index + extents[axis] : index) * along];
        });
    });
    return ok_status();
}

Status gather_nd(Run& run, std::int64_t batch) {
    const ConstTensorView& x = run.input(0);
    const Dims extents(x.shape), wanted(run.input(1).shape), strides = extents.strides();
    if (wanted.rank() < 1 || batch < 0 || batch >= wanted.rank() || batch > extents.rank())
        return run.misfit();
    const std::int64_t depth = wanted[wanted.rank() - 1];
    if (depth < 1 || batch + depth > extents.rank() ||
        wanted.rank() - 1 + extents.rank() - batch - depth > static_cast<std::int64_t>(kMaxRank))
        return run.misfit();
    Dims shape;
    for (std::int64_t i = 0; i + 1 < wanted.rank(); ++i) shape.push(wanted[i]);
    for (std::int64_t i = 0; i < batch; ++i)
        if (wanted[i] != extents[i]) return run.misfit();
    for (std::int64_t i = batch + depth; i < extents.rank(); ++i) shape.push(extents[i]);
    BUNCH_ASSIGN_OR_RETURN(const Integers indexes, integers_of(run, 1));
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, shape.shape()));
    if (y.bytes.empty()) return ok_status();
    const std::int64_t tuples = static_cast<std::int64_t>(indexes.size()) / depth;
    const std::int64_t per_batch = wanted.product(batch, wanted.rank() - 1);
    const std::int64_t one_batch = extents.product(batch, extents.rank());
    const std::int64_t piece = extents.product(batch + depth, extents.rank());
    for (std::int64_t i = 0; i < tuples; ++i) {
        std::int64_t at = i / per_batch * one_batch;
        for (std::int64_t d = 0; d < depth; ++d) {
            const std::int64_t index = indexes[static_cast<std::size_t>(i * depth + d)];
            const std::int64_t extent = extents[batch + d];
            if (index < -extent || index >= extent) return outside(run, index, extent);
            at += (index < 0 ? index + extent : index) * strides[batch + d];
        }
        const std::size_t bytes = static_cast<std::size_t>(piece) * size_of(x.type);
        std::copy_n(x.bytes.data() + static_cast<std::size_t>(at) * size_of(x.type), bytes,
                    y.bytes.data() + static_cast<std::size_t>(i) * bytes);
    }
    return ok_status();
}

template <Status (*f)(Run&, std::int64_t)>
Result<Kernel> make(Node& node, const char* attribute) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 2));
    return Kernel(
        [number = node.attributes.integer(attribute, 0)](Run& run) { return f(run, number); });
}

const Entry kEntries[] = {
    {"Gather", [](Node& n) { return make<gather>(n, "axis"); }, Halves::native},
    {"GatherElements", [](Node& n) { return make<gather_elements>(n, "axis"); }, Halves::native},
    {"GatherND", [](Node& n) { return make<gather_nd>(n, "batch_dims"); }, Halves::native},
};

}  // namespace

std::span<const Entry> gather_entries() {
    return kEntries;
}

}  // namespace bunch::kernels
