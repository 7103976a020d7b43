// Operators that read or change shapes and touch no element: Reshape, Squeeze, Shape and their
// like.
#include <algorithm>

#include "backends/kernels/dims.h"
#include "backends/kernels/element.h"
#include "backends/kernels/registry.h"

namespace bunch::kernels {
namespace {

Result<Shape> checked(const Run& run, const Integers& extents) {
    const auto shape = Shape::from(extents);
    const bool negative = std::any_of(extents.begin(), extents.end(),
                                      [](std::int64_t e) { return e < 0 || e > kMaxExtent; });
    if (extents.size() > kMaxRank)
        return run.unsupported("to " + std::to_string(extents.size()) + " dimensions");
    if (!shape || negative) return run.wrong("asks for an extent below 0 or above 2^40");
    return *shape;
}

Result<Shape> reshaped(const Run& run, Integers target, bool allow_zero) {
    const Shape& x = run.input(0).shape;
    const std::uint64_t elements = x.elements().value_or(0);
    std::uint64_t known = 1;
    std::int64_t* open = nullptr;
    for (std::size_t i = 0; i < target.size(); ++i) {
        if (target[i] == 0 && !allow_zero) {
            if (i >= x.rank())
                return run.wrong("keeps extent " + std::to_string(i) + " of its input " +
                                 x.to_string());
            target[i] = x[i];
        }
        if (target[i] == -1 && open == nullptr) {
            open = &target[i];
        } else if (target[i] < 0 ||
                   (target[i] > 0 &&
                    known > (std::uint64_t{1} << 62) / static_cast<std::uint64_t>(target[i]))) {
            return run.wrong("asks for extent " + std::to_string(target[i]));
        } else {
            known *= static_cast<std::uint64_t>(target[i]);
        }
    }
    const bool fits = open != nullptr ? known != 0 && elements % known == 0 : known == elements;
    if (!fits) return run.wrong("does not fit its input " + x.to_string());
    if (open != nullptr) *open = static_cast<std::int64_t>(elements / known);
    return checked(run, target);
}

Result<Kernel> make_reshape(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 2));
    const bool allow_zero = node.attributes.integer("allowzero", 0) != 0;
    return Kernel([allow_zero](Run& run) {
        BUNCH_ASSIGN_OR_RETURN(Integers target, integers_of(run, 1));
        BUNCH_ASSIGN_OR_RETURN(const Shape shape, reshaped(run, std::move(target), allow_zero));
        run.forward(0, 0, shape);
        return ok_status();
    });
}

Result<Kernel> make_flatten(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    return Kernel([axis = node.attributes.integer("axis", 1)](Run& run) {
        const Dims x(run.input(0).shape);
        const std::int64_t split = axis < 0 ? axis + x.rank() : axis;
        if (split < 0 || split > x.rank())
            return run.wrong("has axis " + std::to_string(axis) + " on an input of shape " +
                             run.input(0).shape.to_string());
        const std::int64_t rows = x.product(0, split), columns = x.product(split, x.rank());
        if (rows > kMaxExtent || columns > kMaxExtent) return run.misfit("which is too much");
        run.forward(0, 0, Shape{rows, columns});
        return ok_status();
    });
}

// Axes are an attribute before opset 13 and an input since.
Result<Integers> axes_of(const Run& run, const Integers& given, std::int64_t rank) {
    Integers axes = given;
    if (run.has(1)) {
        BUNCH_ASSIGN_OR_RETURN(axes, integers_of(run, 1));
    }
    for (std::int64_t& axis : axes) {
        BUNCH_ASSIGN_OR_RETURN(axis, settle_axis(run, axis, rank));
    }
    std::sort(axes.begin(), axes.end());
    if (std::adjacent_find(axes.begin(), axes.end()) != axes.end())
        return run.wrong("names an axis twice");
    return axes;
}

Status squeeze(Run& run, const Integers& given) {
    const Dims x(run.input(0).shape);
    BUNCH_ASSIGN_OR_RETURN(const Integers axes, axes_of(run, given, x.rank()));
    const bool all = axes.empty() && !run.has(1);
    Dims kept;
    for (std::int64_t i = 0; i < x.rank(); ++i) {
        const bool named = std::binary_search(axes.begin(), axes.end(), i);
        if (named && x[i] != 1)
            return run.wrong("drops extent " + std::to_string(i) + " of its input " +
                             run.input(0).shape.to_string());
        if (!named && !(all && x[i] == 1)) kept.push(x[i]);
    }
    run.forward(0, 0, kept.shape());
    return ok_status();
}

Status unsqueeze(Run& run, const Integers& given) {
    const Dims x(run.input(0).shape);
    const std::size_t more =
        run.has(1) ? static_cast<std::size_t>(count(run.input(1))) : given.size();
    if (run.input(0).shape.rank() + more > kMaxRank)
        return run.unsupported("to more than " + std::to_string(kMaxRank) + " dimensions");
    const std::int64_t rank = x.rank() + static_cast<std::int64_t>(more);
    BUNCH_ASSIGN_OR_RETURN(const Integers axes, axes_of(run, given, rank));
    Dims shape;
    std::int64_t next = 0;
    for (std::int64_t i = 0; i < rank; ++i)
        shape.push(std::binary_search(axes.begin(), axes.end(), i) ? 1 : x[next++]);
    run.forward(0, 0, shape.shape());
    return ok_status();
}

Result<Kernel> make_squeeze(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, node.opset() < 13 ? 1 : 2));
    Integers axes = node.opset() < 13 ? node.attributes.integers("axes") : Integers();
    return Kernel([axes](Run& run) { return squeeze(run, axes); });
}

Result<Kernel> make_unsqueeze(Node& node) {
    const std::size_t inputs = node.opset() < 13 ? 1 : 2;
    BUNCH_RETURN_IF_ERROR(node.check_inputs(inputs, inputs));
    Integers axes = node.opset() < 13 ? node.attributes.integers("axes") : Integers();
    return Kernel([axes](Run& run) { return unsqueeze(run, axes); });
}

Result<Kernel> make_shape(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    const std::int64_t first = node.attributes.integer("start", 0);
    const bool to_the_end = !node.attributes.has("end");
    const std::int64_t past = node.attributes.integer("end", 0);
    return Kernel([first, past, to_the_end](Run& run) {
        const Dims x(run.input(0).shape);
        const auto settle = [&](std::int64_t i) {
            return std::clamp<std::int64_t>(i < 0 ? i + x.rank() : i, 0, x.rank());
        };
        const std::int64_t begin = settle(first), end = to_the_end ? x.rank() : settle(past);
        BUNCH_ASSIGN_OR_RETURN(
            const TensorView y,
            run.output(0, DataType::i64, Shape{std::max<std::int64_t>(0, end - begin)}));
        for (std::int64_t i = begin; i < end; ++i) data<std::int64_t>(y)[i - begin] = x[i];
        return ok_status();
    });
}

Result<Kernel> make_size(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    return Kernel([](Run& run) {
        BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, DataType::i64, Shape{}));
        *data<std::int64_t>(y) = count(run.input(0));
        return ok_status();
    });
}

Result<Kernel> make_identity(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    return Kernel([](Run& run) {
        run.forward(0, 0, run.input(0).shape);
        return ok_status();
    });
}

// The identity when a model is served, whatever its ratio; the mask keeps everything.
Status run_dropout(Run& run) {
    if (run.has(2) && count(run.input(2)) == 1 && *data<std::uint8_t>(run.input(2)) != 0) {
        // Training with ratio 0 drops nothing either.
        BUNCH_ASSIGN_OR_RETURN(const double ratio,
                               run.has(1) ? number_of(run, 1) : Result<double>(0.5));
        if (ratio != 0) return run.unsupported("in training mode");
    }
    const Shape shape = run.input(0).shape;
    run.forward(0, 0, shape);
    if (!run.wants(1)) return ok_status();
    BUNCH_ASSIGN_OR_RETURN(const TensorView mask, run.output(1, DataType::boolean, shape));
    std::fill(mask.bytes.begin(), mask.bytes.end(), std::byte{1});
    return ok_status();
}

Result<Kernel> make_dropout(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 3));
    node.attributes.ignore("ratio");
    node.attributes.ignore("seed");
    return Kernel(run_dropout);
}

constexpr Entry kEntries[] = {
    {"Reshape", make_reshape, Halves::native},   {"Flatten", make_flatten, Halves::native},
    {"Squeeze", make_squeeze, Halves::native},   {"Unsqueeze", make_unsqueeze, Halves::native},
    {"Shape", make_shape, Halves::native},       {"Size", make_size, Halves::native},
    {"Identity", make_identity, Halves::native}, {"Dropout", make_dropout, Halves::native},
};

}  // namespace

std::span<const Entry> shape_entries() {
    return kEntries;
}

}  // namespace bunch::kernels
