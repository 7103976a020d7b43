#include "backends/kernels/strided.h"

#include <cstring>

namespace bunch::kernels {
namespace {

template <typename T>
void copy(const T* from, const Dims& extents, const Dims& strides, T* to) {
    const std::int64_t last = extents.rank() - 1;
    const std::int64_t inner = extents[last], step = strides[last];
    Dims outer;
    for (std::int64_t i = 0; i < last; ++i) outer.push(extents[i]);
    for_each_offset(outer, strides, strides, [&](std::int64_t at, std::int64_t) {
        if (step == 1)
            std::memcpy(to, from + at, static_cast<std::size_t>(inner) * sizeof(T));
        else
            for (std::int64_t i = 0; i < inner; ++i) to[i] = from[at + i * step];
        to += inner;
    });
}

}  // namespace

void copy_strided(DataType type, const std::byte* from, std::int64_t begin, const Dims& extents,
                  const Dims& strides, std::byte* to) {
    if (extents.product() == 0) return;
    // Neighbours that lie one after the other in the source are one extent.
    Dims merged, steps;
    for (std::int64_t i = 0; i < extents.rank(); ++i) {
        const std::int64_t last = merged.rank() - 1;
        if (extents[i] == 1) continue;
        if (last >= 0 && steps[last] == strides[i] * extents[i]) {
            merged[last] *= extents[i];
            steps[last] = strides[i];
        } else {
            merged.push(extents[i]);
            steps.push(strides[i]);
        }
    }
    if (merged.rank() == 0) {
        merged.push(1);
        steps.push(1);
    }
    for_size(type, [&](auto tag) {
        using T = decltype(tag);
        copy(reinterpret_cast<const T*>(from) + begin, merged, steps, reinterpret_cast<T*>(to));
    });
}

Status transpose(Run& run, const ConstTensorView& x, const Dims& order, const TensorView& y) {
    const Dims strides = Dims(x.shape).strides();
    Dims steps;
    for (std::int64_t i = 0; i < order.rank(); ++i) steps.push(strides[order[i]]);
    if (order.rank() != strides.rank()) return run.misfit();
    copy_strided(x.type, x.bytes.data(), 0, Dims(y.shape), steps, y.bytes.data());
    return ok_status();
}

}  // namespace bunch::kernels
