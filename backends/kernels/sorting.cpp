// TopK: the largest or smallest elements and where they were.
#include <algorithm>
#include <array>
#include <numeric>

#include "backends/kernels/dims.h"
#include "backends/kernels/element.h"
#include "backends/kernels/registry.h"

namespace bunch::kernels {
namespace {

struct Options {
    std::int64_t axis = -1, k = -1;
    bool largest = true;
};

// Whether `a` comes before `b`, which stands earlier in the input: of equal elements the first
// comes first, whatever the order. NaN counts as larger than all.
template <typename T>
bool overtakes(T a, T b, bool largest) {
    if constexpr (std::is_floating_point_v<T>) {
        const bool nan_a = a != a, nan_b = b != b;
        if (nan_a != nan_b) return largest ? nan_a : nan_b;
    }
    return largest ? a > b : a < b;
}

constexpr std::int64_t kFew = 32;

// Few of many: the best so far are kept in order, and most elements lose against the last of them.
template <typename T>
void choose_few(const T* x, std::int64_t n, std::int64_t step, std::int64_t k, bool largest,
                Integers& order) {
    std::array<T, kFew> best{};
    order.resize(static_cast<std::size_t>(k));
    for (std::int64_t i = 0; i < n; ++i) {
        const T value = x[i * step];
        std::int64_t place = std::min(i, k);
        if (place == k && !overtakes(value, best[static_cast<std::size_t>(--place)], largest))
            continue;
        for (; place > 0; --place) {
            const auto to = static_cast<std::size_t>(place), from = to - 1;
            if (!overtakes(value, best[from], largest)) break;
            best[to] = best[from];
            order[to] = order[from];
        }
        best[static_cast<std::size_t>(place)] = value;
        order[static_cast<std::size_t>(place)] = i;
    }
}

template <typename T>
void choose(const T* x, std::int64_t n, std::int64_t step, std::int64_t k, bool largest,
            Integers& order) {
    if (k == 0) return order.clear();
    if (k <= kFew) return choose_few(x, n, step, k, largest, order);
    order.resize(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), std::int64_t{0});
    std::partial_sort(order.begin(), order.begin() + k, order.end(),
                      [&](std::int64_t i, std::int64_t j) {
                          const T a = x[i * step], b = x[j * step];
                          if (overtakes(a, b, largest)) return true;
                          return !overtakes(b, a, largest) && i < j;
                      });
}

Status top_k(Run& run, const Options& options) {
    const ConstTensorView& x = run.input(0);
    Dims extents(x.shape);
    BUNCH_ASSIGN_OR_RETURN(const std::int64_t axis, settle_axis(run, options.axis, extents.rank()));
    std::int64_t k = options.k;
    if (run.has(1)) {
        BUNCH_ASSIGN_OR_RETURN(const Integers given, integers_of(run, 1));
        if (given.size() != 1) return run.misfit("but K is one number");
        k = given[0];
    }
    const std::int64_t n = extents[axis], step = extents.product(axis + 1, extents.rank());
    if (k < 0 || k > n)
        return run.wrong("asks for " + std::to_string(k) + " of " + std::to_string(n) +
                         " elements");
    const std::int64_t lines = n == 0 ? 0 : count(x) / n;
    extents[axis] = k;
    BUNCH_ASSIGN_OR_RETURN(const TensorView values, run.output(0, x.type, extents.shape()));
    BUNCH_ASSIGN_OR_RETURN(const TensorView indexes, run.output(1, DataType::i64, extents.shape()));
    return for_numbers(run, x.type, [&](auto tag) {
        using T = decltype(tag);
        Integers order;
        for (std::int64_t line = 0; line < lines; ++line) {
            const std::int64_t from = line / step * n * step + line % step;
            const std::int64_t to = line / step * k * step + line % step;
            choose(data<T>(x) + from, n, step, k, options.largest, order);
            for (std::int64_t i = 0; i < k; ++i) {
                const std::int64_t index = order[static_cast<std::size_t>(i)];
                data<T>(values)[to + i * step] = data<T>(x)[from + index * step];
                data<std::int64_t>(indexes)[to + i * step] = index;
            }
        }
        return ok_status();
    });
}

// K is an attribute before opset 10 and an input since.
Result<Kernel> make_top_k(Node& node) {
    const std::size_t inputs = node.opset() < 10 ? 1 : 2;
    BUNCH_RETURN_IF_ERROR(node.check_inputs(inputs, inputs));
    Options options;
    options.axis = node.attributes.integer("axis", -1);
    if (node.opset() < 10) options.k = node.attributes.integer("k", -1);
    if (node.opset() >= 11) options.largest = node.attributes.integer("largest", 1) != 0;
    node.attributes.ignore("sorted");  // sorted results are allowed either way
    return Kernel([options](Run& run) { return top_k(run, options); });
}

constexpr Entry kEntries[] = {{"TopK", make_top_k}};

}  // namespace

std::span<const Entry> sorting_entries() {
    return kEntries;
}

}  // namespace bunch::kernels
