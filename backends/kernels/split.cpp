// Parts of a tensor: Slice and Split.
#include <algorithm>
#include <limits>

#include "backends/kernels/registry.h"
#include "backends/kernels/strided.h"

namespace bunch::kernels {
namespace {

struct Slices {
    Integers starts, ends, axes, steps;
};

// One extent of a slice: where it begins, and how many elements of `extent` it takes.
void clip(std::int64_t extent, std::int64_t step, std::int64_t& start, std::int64_t end,
          std::int64_t& taken) {
    const auto settle = [extent](std::int64_t i) {
        return i < 0 ? std::max(i, -extent - 1) + extent : std::min(i, extent);
    };
    const bool forward = step > 0;
    std::int64_t first = settle(start), past = settle(end);
    if (start < -extent) first = forward ? 0 : -1;
    if (forward) {
        first = std::clamp<std::int64_t>(first, 0, extent);
        past = std::clamp<std::int64_t>(past, 0, extent);
        taken = past > first ? (past - first - 1) / step + 1 : 0;
    } else {
        first = std::clamp<std::int64_t>(first, -1, extent - 1);
        past = std::clamp<std::int64_t>(past, -1, extent - 1);
        taken = first > past ? (first - past - 1) / -step + 1 : 0;
    }
    start = first;
}

Status slice(Run& run, Slices given) {
    const ConstTensorView& x = run.input(0);
    const Dims extents(x.shape);
    Dims shape = extents, steps = extents.strides();
    if (given.axes.empty())
        for (std::size_t i = 0; i < given.starts.size(); ++i)
            given.axes.push_back(static_cast<std::int64_t>(i));
    if (given.steps.empty()) given.steps.assign(given.starts.size(), 1);
    if (given.ends.size() != given.starts.size() || given.axes.size() != given.starts.size() ||
        given.steps.size() != given.starts.size() || given.starts.size() > kMaxRank)
        return run.wrong("has starts, ends, axes and steps of different lengths");
    std::int64_t begin = 0;
    Dims seen = Dims::filled(extents.rank(), 0);
    for (std::size_t i = 0; i < given.starts.size(); ++i) {
        BUNCH_ASSIGN_OR_RETURN(const std::int64_t axis,
                               settle_axis(run, given.axes[i], extents.rank()));
        const std::int64_t step =
            std::clamp(given.steps[i], -(std::int64_t{1} << 40), std::int64_t{1} << 40);
        if (step == 0 || seen[axis]++ != 0) return run.wrong("has a step of 0, or an axis twice");
        std::int64_t start = given.starts[i], taken = 0;
        clip(extents[axis], step, start, given.ends[i], taken);
        begin += taken > 0 ? start * steps[axis] : 0;
        shape[axis] = taken;
        steps[axis] *= taken > 1 ? step : 1;
    }
    BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(0, x.type, shape.shape()));
    copy_strided(x.type, x.bytes.data(), begin, shape, steps, y.bytes.data());
    return ok_status();
}

// All parameters are attributes before opset 10 and inputs since.
Result<Kernel> make_slice(Node& node) {
    if (node.opset() < 10) {
        BUNCH_RETURN_IF_ERROR(node.check_inputs(1, 1));
        Slices slices;
        slices.starts = node.attributes.integers("starts");
        slices.ends = node.attributes.integers("ends");
        slices.axes = node.attributes.integers("axes");
        return Kernel([slices](Run& run) { return slice(run, slices); });
    }
    BUNCH_RETURN_IF_ERROR(node.check_inputs(3, 5));
    return Kernel([](Run& run) {
        Slices slices;
        BUNCH_ASSIGN_OR_RETURN(slices.starts, integers_of(run, 1));
        BUNCH_ASSIGN_OR_RETURN(slices.ends, integers_of(run, 2));
        if (run.has(3)) {
            BUNCH_ASSIGN_OR_RETURN(slices.axes, integers_of(run, 3));
        }
        if (run.has(4)) {
            BUNCH_ASSIGN_OR_RETURN(slices.steps, integers_of(run, 4));
        }
        return slice(run, std::move(slices));
    });
}

Status split(Run& run, std::int64_t given_axis, Integers parts) {
    const ConstTensorView& x = run.input(0);
    const Dims extents(x.shape), strides = extents.strides();
    BUNCH_ASSIGN_OR_RETURN(const std::int64_t axis, settle_axis(run, given_axis, extents.rank()));
    if (run.has(1)) {
        BUNCH_ASSIGN_OR_RETURN(parts, integers_of(run, 1));
    }
    if (parts.empty()) {  // the last may be smaller, as opset 18 has it
        const std::int64_t n = run.outputs(), each = (extents[axis] + n - 1) / n;
        for (std::int64_t i = 0; i < n; ++i)
            parts.push_back(std::clamp<std::int64_t>(extents[axis] - i * each, 0, each));
    }
    std::int64_t at = 0;
    for (const std::int64_t part : parts)
        if (part < 0 || (at += part) > extents[axis])
            return run.wrong("has parts that do not fit its input " + x.shape.to_string());
    if (at != extents[axis] || static_cast<std::int64_t>(parts.size()) != run.outputs())
        return run.wrong("has parts that do not fit its input " + x.shape.to_string());
    at = 0;
    for (std::int64_t i = 0; i < run.outputs(); ++i) {
        Dims shape = extents;
        shape[axis] = parts[static_cast<std::size_t>(i)];
        BUNCH_ASSIGN_OR_RETURN(const TensorView y, run.output(i, x.type, shape.shape()));
        copy_strided(x.type, x.bytes.data(), at * strides[axis], shape, strides, y.bytes.data());
        at += shape[axis];
    }
    return ok_status();
}

Result<Kernel> make_split(Node& node) {
    BUNCH_RETURN_IF_ERROR(node.check_inputs(1, node.opset() < 13 ? 1 : 2));
    Integers parts = node.opset() < 13 ? node.attributes.integers("split") : Integers();
    const std::int64_t axis = node.attributes.integer("axis", 0);
    if (node.opset() >= 18) node.attributes.ignore("num_outputs");
    return Kernel([axis, parts](Run& run) { return split(run, axis, parts); });
}

constexpr Entry kEntries[] = {
    {"Slice", make_slice, Halves::native},
    {"Split", make_split, Halves::native},
};

}  // namespace

std::span<const Entry> split_entries() {
    return kEntries;
}

}  // namespace bunch::kernels
