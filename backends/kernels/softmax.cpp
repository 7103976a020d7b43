// Softmax, LogSoftmax and Hardmax.
#include <algorithm>
#include <cmath>

#include "backends/kernels/dims.h"
#include "backends/kernels/element.h"
#include "backends/kernels/registry.h"

namespace bunch::kernels {
namespace {

enum class Kind : std::uint8_t { soft, logarithm, hard };

// `n` elements that are `step` apart.
template <typename T>
void line(Kind kind, const T* x, T* y, std::int64_t n, std::int64_t step) {
    std::int64_t best = 0;
    for (std::int64_t i = 1; i < n; ++i)
        if (x[i * step] > x[best * step]) best = i;
    const T most = x[best * step];
    if (kind == Kind::hard) {
        for (std::int64_t i = 0; i < n; ++i) y[i * step] = static_cast<T>(i == best ? 1 : 0);
        return;
    }
    T total{};
    for (std::int64_t i = 0; i < n; ++i) {
        const T e = std::exp(x[i * step] - most);
        total += e;
        if (kind == Kind::soft) y[i * step] = e;
    }
    const T logarithm = std::log(total), factor = T{1} / total;
    for (std::int64_t i = 0; i < n; ++i) {
        if (kind == Kind::soft)
            y[i * step] *= factor;
        else
            y[i * step] = x[i * step] - most - logarithm;
    }
}

// Before opset 13 they ran over all extents from the axis on.
Result<Kernel> make(Node& node, Kind kind) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
    const bool to_the_end = node.opset() < 13;
    const std::int64_t given = node.attributes.integer("axis", to_the_end ? 1 : -1);
    return Kernel([kind, to_the_end, given](Run& run) {
        const ConstTensorView& x = run.input(0);
        const Dims extents(x.shape);
        std::int64_t axis = given;
        if (!(to_the_end && given == extents.rank())) {
            BUNCH_ASSIGN_OR_RETURN(axis, settle_axis(run, given, extents.rank()));
        }
        BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, x.shape));
        if (y.bytes.empty()) return ok_status();
        const std::int64_t step = to_the_end ? 1 : extents.product(axis + 1, extents.rank());
        const std::int64_t n = to_the_end ? extents.product(axis, extents.rank()) : extents[axis];
        return for_floats(run, x.type, [&](auto tag) {
            using T = decltype(tag);
            for (std::int64_t i = 0; i < count(x) / n; ++i) {
                const std::int64_t at = i / step * n * step + i % step;
                line(kind, data<T>(x) + at, data<T>(y) + at, n, step);
            }
            return ok_status();
        });
    });
}

const Entry kEntries[] = {
    {"Softmax", [](Node& n) { return make(n, Kind::soft); }},
    {"LogSoftmax", [](Node& n) { return make(n, Kind::logarithm); }},
    {"Hardmax", [](Node& n) { return make(n, Kind::hard); }},
};

}  // namespace

std::span<const Entry> softmax_entries() {
    return kEntries;
}

}  // namespace bunch::kernels
