// Operators that move elements to other places: Transpose, Concat, Expand, Tile and their like.
#include <algorithm>

#include "backends/kernels/broadcast.h"
#include "backends/kernels/registry.h"
#include "backends/kernels/strided.h"

namespace bunch::kernels {
namespace {

Status transpose_by(Run& run, const Integers& perm) {
    const ConstTensorView& x = run.input(0);
    const Dims extents(x.shape);
    Dims order, shape;
    Dims seen = Dims::filled(extents.rank(), 0);
    if (!perm.empty() && perm.size() != x.shape.rank())
        return run.wrong("has a perm that is no order of its input's dimensions");
    for (std::int64_t i = 0; i < extents.rank(); ++i) {
        const std::int64_t from =
            perm.empty() ? extents.rank() - 1 - i : perm[static_cast<std::size_t>(i)];
        if (from < 0 || from >= extents.rank() || seen[from]++ != 0)
            return run.wrong("has a perm that is no order of its input's dimensions");
        order.push(from);
        shape.push(extents[from]);
    }
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, shape.shape()));
    return transpose(run, x, order, y);
}

Result<Kernel> make_transpose(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    return Kernel(
        [perm = node.attributes.integers("perm")](Run& run) { return transpose_by(run, perm); });
}

Status concat(Run& run, std::int64_t given_axis) {
    Dims shape(run.input(0).shape);
    BUNCH_ASSIGN_OR_RETURN(const std::int64_t axis, settle_axis(run, given_axis, shape.rank()));
    for (std::int64_t i = 1; i < run.inputs(); ++i) {
        if (!run.has(i) || run.input(i).type != run.input(0).type) return run.misfit();
        const Dims other(run.input(i).shape);
        bool fits = other.rank() == shape.rank();
        for (std::int64_t d = 0; fits && d < shape.rank(); ++d)
            fits = d == axis || other[d] == shape[d];
        if (!fits) return run.misfit();
        shape[axis] += other[axis];
    }
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, run.input(0).type, shape.shape()));
    const std::size_t outer = static_cast<std::size_t>(shape.product(0, axis));
    std::byte* to = y.bytes.data();
    if (y.bytes.empty()) return ok_status();
    for (std::size_t o = 0; o < outer; ++o)
        for (std::int64_t i = 0; i < run.inputs(); ++i) {
            const std::size_t bytes = run.input(i).bytes.size() / outer;
            to = std::copy_n(run.input(i).bytes.data() + o * bytes, bytes, to);
        }
    return ok_status();
}

Result<Kernel> make_concat(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, node.spec.inputs.size()));
    if (!node.attributes.has("axis")) return node.wrong("has no axis");
    return Kernel(
        [axis = node.attributes.integer("axis", 0)](Run& run) { return concat(run, axis); });
}

Result<Kernel> make_expand(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 2));
    return Kernel([](Run& run) {
        const ConstTensorView& x = run.input(0);
        BUNCH_ASSIGN_OR_RETURN(const Integers target, integers_of(run, 1));
        const auto wanted = Shape::from(target);
        const auto shape =
            wanted && !wanted->is_open() ? stretched(x.shape, *wanted) : std::nullopt;
        if (!shape) return run.wrong("does not fit its input " + x.shape.to_string());
        BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, *shape));
        copy_strided(x.type, x.bytes.data(), 0, Dims(*shape), stretched_strides(x.shape, *shape),
                     y.bytes.data());
        return ok_status();
    });
}

// Each extent is a pair (repeat, extent) of which only the second moves.
Result<Kernel> make_tile(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 2));
    return Kernel([](Run& run) {
        const ConstTensorView& x = run.input(0);
        const Dims extents(x.shape), strides = extents.strides();
        BUNCH_ASSIGN_OR_RETURN(const Integers repeats, integers_of(run, 1));
        if (repeats.size() != x.shape.rank()) return run.misfit();
        Dims shape, pairs, steps;
        for (std::int64_t i = 0; i < extents.rank(); ++i) {
            const std::int64_t times = repeats[static_cast<std::size_t>(i)];
            if (times < 0 || times > (std::int64_t{1} << 20))
                return run.wrong("repeats " + std::to_string(times) + " times");
            shape.push(extents[i] * times);
            if (times == 1 && extents.rank() > 4) {
                pairs.push(extents[i]), steps.push(strides[i]);
                continue;
            }
            if (pairs.rank() + 2 > static_cast<std::int64_t>(kMaxRank))
                return run.unsupported("on more than 4 dimensions");
            pairs.push(times), pairs.push(extents[i]);
            steps.push(0), steps.push(strides[i]);
        }
        BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, shape.shape()));
        copy_strided(x.type, x.bytes.data(), 0, pairs, steps, y.bytes.data());
        return ok_status();
    });
}

// A reshape to six dimensions, a transpose and a reshape back.
Status shuffle(Run& run, std::int64_t block, bool to_space, bool column_first) {
    const ConstTensorView& x = run.input(0);
    const Dims e(x.shape);
    if (e.rank() != 4) return run.unsupported("on an input of shape " + x.shape.to_string());
    const bool fits =
        to_space ? e[1] % (block * block) == 0 : e[2] % block == 0 && e[3] % block == 0;
    if (!fits) return run.wrong("has blocks that do not fit its input " + x.shape.to_string());
    Shape inner, order, result;
    if (to_space) {
        const std::int64_t c = e[1] / (block * block);
        inner = column_first ? Shape{e[0], c, block, block, e[2], e[3]}
                             : Shape{e[0], block, block, c, e[2], e[3]};
        order = column_first ? Shape{0, 1, 4, 2, 5, 3} : Shape{0, 3, 4, 1, 5, 2};
        result = Shape{e[0], c, e[2] * block, e[3] * block};
    } else {
        inner = Shape{e[0], e[1], e[2] / block, block, e[3] / block, block};
        order = Shape{0, 3, 5, 1, 2, 4};
        result = Shape{e[0], e[1] * block * block, e[2] / block, e[3] / block};
    }
    BUNCH_ASSIGN_OR_RETURN(TensorView y, run.output(0, x.type, result));
    Dims moved;
    for (std::int64_t i = 0; i < 6; ++i) moved.push(Dims(inner)[Dims(order)[i]]);
    y.shape = moved.shape();
    return transpose(run, {x.type, inner, x.bytes}, Dims(order), y);
}

Result<Kernel> make_shuffle(Node& node, bool to_space) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    const std::int64_t block = node.attributes.integer("blocksize", 0);
    const std::string mode = to_space ? node.attributes.text("mode", "DCR") : "DCR";
    if (block < 1 || block > 65536) return node.wrong("has blocksize = " + std::to_string(block));
    if (mode != "DCR" && mode != "CRD") return node.wrong("has mode = '" + mode + "'");
    return Kernel([block, to_space, crd = mode == "CRD"](Run& run) {
        return shuffle(run, block, to_space, crd);
    });
}

Result<Kernel> make_trilu(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 2));
    return Kernel([upper = node.attributes.integer("upper", 1) != 0](Run& run) {
        const ConstTensorView& x = run.input(0);
        const Dims extents(x.shape);
        if (extents.rank() < 2) return run.misfit();
        std::int64_t k = 0;
        if (run.has(1)) {
            BUNCH_ASSIGN_OR_RETURN(const Integers diagonal, integers_of(run, 1));
            if (diagonal.size() != 1) return run.misfit();
            k = std::clamp<std::int64_t>(diagonal[0], -(std::int64_t{1} << 40),
                                         std::int64_t{1} << 40);
        }
        BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, x.shape));
        const std::int64_t rows = extents[extents.rank() - 2],
                           columns = extents[extents.rank() - 1];
        for_size(x.type, [&](auto tag) {
            using T = decltype(tag);
            for (std::int64_t i = 0; i < count(x); ++i) {
                const std::int64_t row = i / columns % rows, column = i % columns;
                const bool kept = upper ? column - row >= k : column - row <= k;
                data<T>(y)[i] = kept ? data<T>(x)[i] : T{};
            }
        });
        return ok_status();
    });
}

Status reverse_sequence(Run& run, std::int64_t batch_axis, std::int64_t time_axis) {
    const ConstTensorView& x = run.input(0);
    const Dims e(x.shape);
    if (e.rank() < 2) return run.misfit();
    BUNCH_ASSIGN_OR_RETURN(const std::int64_t batch, settle_axis(run, batch_axis, e.rank()));
    BUNCH_ASSIGN_OR_RETURN(const std::int64_t time, settle_axis(run, time_axis, e.rank()));
    BUNCH_ASSIGN_OR_RETURN(const Integers lengths, integers_of(run, 1));
    if (batch + time != 1 || static_cast<std::int64_t>(lengths.size()) != e[batch])
        return run.misfit();
    for (const std::int64_t length : lengths)
        if (length < 0 || length > e[time])
            return run.wrong("has a sequence of length " + std::to_string(length));
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, x.shape));
    const std::size_t row = static_cast<std::size_t>(e.product(2, e.rank())) * size_of(x.type);
    for (std::int64_t i = 0; i < e[0]; ++i)
        for (std::int64_t j = 0; j < e[1]; ++j) {
            const std::int64_t b = batch == 0 ? i : j, t = batch == 0 ? j : i;
            const std::int64_t length = lengths[static_cast<std::size_t>(b)];
            const std::int64_t from = t < length ? length - 1 - t : t;
            const std::int64_t at = batch == 0 ? i * e[1] + from : from * e[1] + j;
            std::copy_n(x.bytes.data() + static_cast<std::size_t>(at) * row, row,
                        y.bytes.data() + static_cast<std::size_t>(i * e[1] + j) * row);
        }
    return ok_status();
}

Result<Kernel> make_reverse_sequence(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(2, 2));
    const std::int64_t batch = node.attributes.integer("batch_axis", 1);
    const std::int64_t time = node.attributes.integer("time_axis", 0);
    return Kernel([batch, time](Run& run) { return reverse_sequence(run, batch, time); });
}

const Entry kEntries[] = {
    {"Transpose", make_transpose, Halves::native},
    {"Concat", make_concat, Halves::native},
    {"Expand", make_expand, Halves::native},
    {"Tile", make_tile, Halves::native},
    {"DepthToSpace", [](Node& n) { return make_shuffle(n, true); }, Halves::native},
    {"SpaceToDepth", [](Node& n) { return make_shuffle(n, false); }, Halves::native},
    {"Trilu", make_trilu, Halves::native},
    {"ReverseSequence", make_reverse_sequence, Halves::native},
};

}  // namespace

std::span<const Entry> layout_entries() {
    return kEntries;
}

}  // namespace bunch::kernels
