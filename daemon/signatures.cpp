#include "daemon/signatures.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace bunch {
namespace {

bool are_alike(const TensorSpec& a, const TensorSpec& b) {
    return a.name == b.name && a.type == b.type && a.shape == b.shape;
}

/// "'x' FP32 [-1,P,4]", with `names` as here, else with -1 for P.
std::string text_of(const TensorSpec& tensor, bool names) {
    std::string shape;
    for (std::size_t axis = 0; axis < tensor.shape.rank(); ++axis) {
        const bool named = names && axis < tensor.dimensions.size() &&
                           tensor.shape[axis] == kAnyExtent && !tensor.dimensions[axis].empty();
        shape += axis == 0 ? "" : ",";
        shape += named ? tensor.dimensions[axis] : std::to_string(tensor.shape[axis]);
    }
    return "'" + tensor.name + "' " + std::string(name_of(tensor.type)) + " [" + shape + "]";
}

void take_names(const std::vector<TensorSpec>& from, std::vector<TensorSpec>& to) {
    for (std::size_t i = 0; i < std::min(from.size(), to.size()); ++i) {
        if (from[i].dimensions.empty() || !are_alike(from[i], to[i])) continue;
        to[i].dimensions.resize(to[i].shape.rank());
        for (std::size_t axis = 0; axis < to[i].dimensions.size(); ++axis)
            if (to[i].dimensions[axis].empty()) to[i].dimensions[axis] = from[i].dimensions[axis];
    }
}

std::string difference_between(const char* kind, const std::vector<TensorSpec>& ours,
                               const std::vector<TensorSpec>& theirs, bool names) {
    const std::string one(kind);
    if (ours.size() != theirs.size())
        return "there are " + std::to_string(ours.size()) + " " + one + "s here and " +
               std::to_string(theirs.size()) + " there";
    for (std::size_t i = 0; i < ours.size(); ++i) {
        const std::string here = text_of(ours[i], names), there = text_of(theirs[i], names);
        if (here != there) return one + " " + here + " here, " + there + " there";
    }
    return "";
}

}  // namespace

void take_names(const ModelSignature& from, ModelSignature& to) {
    take_names(from.inputs, to.inputs);
    take_names(from.outputs, to.outputs);
}

std::string difference_between(const ModelSignature& ours, const ModelSignature& theirs,
                               bool names) {
    if (ours.batched != theirs.batched)
        return ours.batched ? "rows may share batches here and not there"
                            : "rows may share batches there and not here";
    const std::string inputs = difference_between("input", ours.inputs, theirs.inputs, names);
    if (!inputs.empty()) return inputs;
    return difference_between("output", ours.outputs, theirs.outputs, names);
}

}  // namespace bunch
