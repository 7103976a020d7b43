// Operators whose result is as long as the data make it: NonZero, Compress.
#include <algorithm>

#include "backends/kernels/dims.h"
#include "backends/kernels/element.h"
#include "backends/kernels/registry.h"

namespace bunch::kernels {
namespace {

Status non_zero(Run& run) {
    const ConstTensorView& x = run.input(0);
    const Dims extents(x.shape), strides = extents.strides();
    Integers found;
    const DataType type = x.type == DataType::boolean ? DataType::u8 : x.type;
    BUNCH_RETURN_IF_ERROR(for_numbers(run, type, [&](auto tag) {
        using T = decltype(tag);
        for (std::int64_t i = 0; i < count(x); ++i)
            if (data<T>(x)[i] != T{}) found.push_back(i);
        return ok_status();
    }));
    const auto n = static_cast<std::int64_t>(found.size());
    BUNCH_ASSIGN_OR_RETURN(const TensorView y,
                           run.output(0, DataType::i64, Shape{extents.rank(), n}));
    for (std::int64_t d = 0; d < extents.rank(); ++d)
        for (std::int64_t i = 0; i < n; ++i)
            data<std::int64_t>(y)[d * n + i] =
                found[static_cast<std::size_t>(i)] / strides[d] % extents[d];
    return ok_status();
}

Status compress(Run& run, bool flat, std::int64_t given_axis) {
    const ConstTensorView& x = run.input(0);
    Dims extents(x.shape);
    if (flat) {
        extents = Dims();
        extents.push(count(x));
    }
    BUNCH_ASSIGN_OR_RETURN(const std::int64_t axis, settle_axis(run, given_axis, extents.rank()));
    const ConstTensorView& condition = run.input(1);
    if (condition.type != DataType::boolean || condition.shape.rank() != 1) return run.misfit();
    Integers kept;
    for (std::int64_t i = 0; i < std::min(count(condition), extents[axis]); ++i)
        if (data<std::uint8_t>(condition)[i] != 0) kept.push_back(i);
    Dims shape = extents;
    shape[axis] = static_cast<std::int64_t>(kept.size());
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, shape.shape()));
    const std::size_t piece =
        static_cast<std::size_t>(extents.product(axis + 1, extents.rank())) * size_of(x.type);
    std::byte* to = y.bytes.data();
    if (y.bytes.empty()) return ok_status();
    for (std::int64_t o = 0; o < extents.product(0, axis); ++o)
        for (const std::int64_t i : kept)
            to = std::copy_n(
                x.bytes.data() + static_cast<std::size_t>(o * extents[axis] + i) * piece, piece,
                to);
    return ok_status();
}

Result<Kernel> make_non_zero(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    return Kernel(non_zero);
}

Result<Kernel> make_compress(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 2));
    const bool flat = !node.attributes.has("axis");
    const std::int64_t axis = node.attributes.integer("axis", 0);
    return Kernel([flat, axis](Run& run) { return compress(run, flat, axis); });
}

constexpr Entry kEntries[] = {
    {"NonZero", make_non_zero},
    {"Compress", make_compress, Halves::native},
};

}  // namespace

std::span<const Entry> selection_entries() {
    return kEntries;
}

}  // namespace bunch::kernels
