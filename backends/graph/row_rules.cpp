#include "backends/graph/row_rules.h"

#include <algorithm>
#include <cstring>

namespace bunch {

std::int64_t RowStep::attribute(std::string_view name, std::int64_t fallback) const {
    const auto found = node.spec.attributes.find(name);
    const auto* number =
        found == node.spec.attributes.end() ? nullptr : std::get_if<std::int64_t>(&found->second);
    return number != nullptr ? *number : fallback;
}

std::optional<std::vector<std::int64_t>> RowStep::integers(std::size_t i,
                                                           std::string_view name) const {
    if (const auto found = node.spec.attributes.find(name); found != node.spec.attributes.end())
        if (const auto* list = std::get_if<kernels::Integers>(&found->second)) return *list;
    if (i >= node.inputs.size() || !node.inputs[i]) return std::vector<std::int64_t>();
    const Tensor* tensor = graph.at(*node.inputs[i]).constant.get();
    if (tensor == nullptr || tensor->type != DataType::i64) return std::nullopt;
    std::vector<std::int64_t> result(tensor->buffer.size() / sizeof(std::int64_t));
    if (!result.empty())
        std::memcpy(result.data(), tensor->buffer.bytes().data(), tensor->buffer.size());
    return result;
}

namespace {

using Kind = RowUse::Kind;

std::int64_t settled(std::int64_t axis, std::int64_t rank) {
    return axis < 0 ? axis + rank : axis;
}

// Only input 0 has rows.
bool first_only(const RowStep& step) {
    for (std::size_t i = 0; i < step.inputs.size(); ++i)
        if ((i == 0) != step.inputs[i].is_rows() || step.inputs[i].kind == Kind::count)
            return false;
    return true;
}

// Rows of an input lie where stretching, which aligns last extents, puts them.
bool aligned(const RowStep& step, std::size_t i, const Shape& output, const RowUse& use) {
    const std::int64_t shift = static_cast<std::int64_t>(output.rank()) - step.rank(i);
    return step.inputs[i].axis + shift == use.axis && step.inputs[i].repeat == use.repeat;
}

bool elementwise(const RowStep& step, std::size_t o, const RowUse& use) {
    for (std::size_t i = 0; i < step.inputs.size(); ++i) {
        if (step.inputs[i].kind == Kind::none) continue;
        if (!step.inputs[i].is_rows() || !aligned(step, i, step.output_shapes[o], use))
            return false;
    }
    return true;
}

// As elementwise, but input 1 is a shape, and says nothing about the elements.
bool expand(const RowStep& step, std::size_t o, const RowUse& use) {
    return !step.inputs[0].is_rows() ? step.inputs[0].kind == Kind::none
                                     : aligned(step, 0, step.output_shapes[o], use);
}

bool same_place(const RowStep& step, const RowUse& use) {
    return step.inputs[0] == use;
}

// Works on each index of extent 0 apart, with parameters. The second output of MaxPool counts
// through all of its input.
bool image(const RowStep& step, std::size_t o, const RowUse& use) {
    const bool counts_through = step.node.spec.type == "MaxPool" && o == 1;
    return first_only(step) && same_place(step, use) && use.axis == 0 && !counts_through;
}

// Works along one axis, which is not that of the rows.
bool along(const RowStep& step, const RowUse& use, std::int64_t fallback) {
    return same_place(step, use) &&
           settled(step.attribute("axis", fallback), step.rank(0)) != use.axis;
}
bool along_first(const RowStep& step, std::size_t, const RowUse& use) {
    return first_only(step) && along(step, use, 0);
}
bool along_last(const RowStep& step, std::size_t, const RowUse& use) {
    return first_only(step) && along(step, use, -1);
}
bool softmax(const RowStep& step, std::size_t, const RowUse& use) {
    if (step.node.spec.opset >= 13) return along(step, use, -1);
    return same_place(step, use) && settled(step.attribute("axis", 1), step.rank(0)) > use.axis;
}
bool layer_norm(const RowStep& step, std::size_t, const RowUse& use) {
    return first_only(step) && same_place(step, use) &&
           settled(step.attribute("axis", -1), step.rank(0)) > use.axis;
}

bool concat(const RowStep& step, std::size_t, const RowUse& use) {
    for (const RowUse& input : step.inputs)
        if (!(input == use)) return false;
    return settled(step.attribute("axis", 0), step.rank(0)) != use.axis;
}

// Axes in a list, an attribute or a constant; `whole` where no list means all of them.
bool over_axes(const RowStep& step, const RowUse& use, std::size_t input, bool whole) {
    const auto axes = step.integers(input, "axes");
    if (!axes || !step.inputs[0].is_rows() || (axes->empty() && whole)) return false;
    for (const std::int64_t axis : *axes)
        if (settled(axis, step.rank(0)) == step.inputs[0].axis) return false;
    return step.inputs[0].repeat == use.repeat;
}
bool reduce(const RowStep& step, std::size_t o, const RowUse& use) {
    if (!over_axes(step, use, 1, true)) return false;
    std::int64_t axis = step.inputs[0].axis;
    const auto axes = step.integers(1, "axes");
    if (step.output_shapes[o].rank() < step.input_shapes[0].rank())
        for (const std::int64_t gone : *axes)
            if (settled(gone, step.rank(0)) < step.inputs[0].axis) --axis;
    return axis == use.axis;
}
bool arg(const RowStep& step, std::size_t, const RowUse& use) {
    const std::int64_t axis = settled(step.attribute("axis", 0), step.rank(0));
    const bool dropped = step.attribute("keepdims", 1) == 0 && axis < step.inputs[0].axis;
    return axis != step.inputs[0].axis && step.inputs[0].axis - (dropped ? 1 : 0) == use.axis &&
           step.inputs[0].repeat == use.repeat;
}
bool slice(const RowStep& step, std::size_t, const RowUse& use) {
    const auto axes = step.integers(3, "axes");
    const auto starts = step.integers(1, "starts");
    if (!first_only(step) || !same_place(step, use) || !axes || !starts) return false;
    if (axes->empty()) return static_cast<std::int64_t>(starts->size()) <= use.axis;
    return std::none_of(axes->begin(), axes->end(),
                        [&](std::int64_t axis) { return settled(axis, step.rank(0)) == use.axis; });
}
bool pad(const RowStep& step, std::size_t, const RowUse& use) {
    const auto pads = step.integers(1, "pads");
    const auto axis = static_cast<std::size_t>(use.axis),
               rank = static_cast<std::size_t>(step.rank(0));
    if (!first_only(step) || !same_place(step, use) || !pads || pads->size() != 2 * rank)
        return false;
    return (*pads)[axis] == 0 && (*pads)[axis + rank] == 0;
}

// Elements keep their order: rows stay whole if as many blocks lie before them.
bool reshape(const RowStep& step, std::size_t o, const RowUse& use) {
    if (!step.inputs[0].is_rows()) return false;
    std::int64_t before = 1, after = 1;
    for (std::int64_t i = 0; i < step.inputs[0].axis; ++i)
        before *= step.input_shapes[0][static_cast<std::size_t>(i)];
    for (std::int64_t i = 0; i < use.axis; ++i)
        after *= step.output_shapes[o][static_cast<std::size_t>(i)];
    return before == after;
}

bool transpose(const RowStep& step, std::size_t, const RowUse& use) {
    const auto perm = step.integers(1, "perm");
    if (!perm || step.inputs[0].repeat != use.repeat) return false;
    const std::int64_t from =
        perm->empty() ? step.rank(0) - 1 - use.axis : (*perm)[static_cast<std::size_t>(use.axis)];
    return from == step.inputs[0].axis;
}

bool tile(const RowStep& step, std::size_t, const RowUse& use) {
    return step.inputs[0].is_rows() ? same_place(step, use) : step.inputs[0].kind == Kind::none;
}

bool gather(const RowStep& step, std::size_t, const RowUse& use) {
    const RowUse &data = step.inputs[0], &index = step.inputs[1];
    const std::int64_t axis = settled(step.attribute("axis", 0), step.rank(0));
    if (data.kind == Kind::none && index.is_rows())
        return use == RowUse{Kind::rows, axis + index.axis, index.repeat};
    if (!data.is_rows() || index.kind != Kind::none || data.axis == axis) return false;
    return use == RowUse{Kind::rows, data.axis < axis ? data.axis : data.axis + step.rank(1) - 1,
                         data.repeat};
}

// All inputs have their rows in one place, and the operator works along another axis.
bool all_along(const RowStep& step, std::size_t, const RowUse& use) {
    for (const RowUse& input : step.inputs)
        if (!(input == use)) return false;
    return settled(step.attribute("axis", 0), step.rank(0)) != use.axis;
}

bool gather_nd(const RowStep& step, std::size_t, const RowUse& use) {
    return step.inputs[0] == use && step.inputs[1] == use &&
           use.axis < step.attribute("batch_dims", 0);
}

bool one_hot(const RowStep& step, std::size_t o, const RowUse& use) {
    const std::int64_t axis = settled(step.attribute("axis", -1),
                                      static_cast<std::int64_t>(step.output_shapes[o].rank()));
    const RowUse& index = step.inputs[0];
    return first_only(step) && index.repeat == use.repeat &&
           use.axis == (index.axis < axis ? index.axis : index.axis + 1);
}

bool mat_mul(const RowStep& step, std::size_t o, const RowUse& use) {
    for (std::size_t i = 0; i < 2; ++i) {
        if (step.inputs[i].kind == Kind::none) continue;
        // Not in the extent that is summed over, nor, for b, among the columns.
        const std::int64_t last = step.rank(i) - (i == 0 ? 1 : 2);
        const bool apart =
            step.inputs[i].is_rows() && step.rank(i) >= 2 && step.inputs[i].axis < last;
        if (!apart || step.rank(1 - i) < 2 || !aligned(step, i, step.output_shapes[o], use))
            return false;
    }
    return true;
}

bool gemm(const RowStep& step, std::size_t o, const RowUse& use) {
    const bool bias = step.inputs.size() < 3 || step.inputs[2].kind == Kind::none ||
                      (step.inputs[2].is_rows() && aligned(step, 2, step.output_shapes[o], use));
    return bias && step.inputs[0] == use && use.axis == 0 && step.inputs[1].kind == Kind::none &&
           step.attribute("transA", 0) == 0;
}

bool recurrent(const RowStep& step, std::size_t o, const RowUse& use) {
    const bool first = step.attribute("layout", 0) != 0;
    const RowUse state{Kind::rows, first ? 0 : 1, 1};
    for (std::size_t i = 0; i < step.inputs.size(); ++i) {
        const RowUse& input = step.inputs[i];
        if (input.kind == Kind::none && i != 0) continue;
        const bool good = (i == 0 || i == 5 || i == 6)
                              ? input == state
                              : i == 4 && input == RowUse{Kind::rows, 0, 1};
        if (!good) return false;
    }
    return use == (o == 0 && !first ? RowUse{Kind::rows, 2, 1} : state);
}

bool einsum(const RowStep& step, std::size_t, const RowUse& use) {
    const auto found = step.node.spec.attributes.find("equation");
    const auto* given = found == step.node.spec.attributes.end()
                            ? nullptr
                            : std::get_if<std::string>(&found->second);
    if (given == nullptr || given->find('.') != std::string::npos) return false;
    std::string text = *given;
    std::erase(text, ' ');
    const std::size_t arrow = text.find("->");
    if (arrow == std::string::npos || arrow + 2 + static_cast<std::size_t>(use.axis) >= text.size())
        return false;
    const char label = text[arrow + 2 + static_cast<std::size_t>(use.axis)];
    std::size_t begin = 0;
    for (const RowUse& input : step.inputs) {
        const std::size_t end = std::min(text.find(',', begin), arrow);
        const std::string term = text.substr(begin, end - begin);
        begin = end + 1;
        if (input.kind == Kind::none) continue;
        const auto axis = static_cast<std::size_t>(input.axis);
        const bool good = input.is_rows() && input.repeat == use.repeat && axis < term.size() &&
                          term[axis] == label && std::count(term.begin(), term.end(), label) == 1;
        if (!good) return false;
    }
    return true;
}

// Every element is the same: which row it belongs to does not matter.
bool uniform(const RowStep&, std::size_t, const RowUse&) {
    return true;
}

struct RuleEntry {
    std::string_view type;
    RowRule rule;
};

constexpr std::string_view kElementwise[] = {"Abs",         "Acos",
                                             "Acosh",       "Add",
                                             "And",         "Asin",
                                             "Asinh",       "Atan",
                                             "Atanh",       "BitShift",
                                             "Cast",        "CastLike",
                                             "Ceil",        "Celu",
                                             "Clip",        "Cos",
                                             "Cosh",        "Div",
                                             "Dropout",     "Elu",
                                             "Equal",       "Erf",
                                             "Exp",         "Floor",
                                             "Greater",     "GreaterOrEqual",
                                             "HardSigmoid", "HardSwish",
                                             "Identity",    "IsInf",
                                             "IsNaN",       "LeakyRelu",
                                             "Less",        "LessOrEqual",
                                             "Log",         "Max",
                                             "Mean",        "Min",
                                             "Mod",         "Mul",
                                             "Neg",         "Not",
                                             "Or",          "PRelu",
                                             "Pow",         "Reciprocal",
                                             "Relu",        "Round",
                                             "Selu",        "Shrink",
                                             "Sigmoid",     "Sign",
                                             "Sin",         "Sinh",
                                             "Softplus",    "Softsign",
                                             "Sqrt",        "Sub",
                                             "Sum",         "Tan",
                                             "Tanh",        "ThresholdedRelu",
                                             "Where",       "Xor"};
constexpr std::string_view kImage[] = {"AveragePool",
                                       "BatchNormalization",
                                       "Conv",
                                       "ConvInteger",
                                       "ConvTranspose",
                                       "DepthToSpace",
                                       "GlobalAveragePool",
                                       "GlobalLpPool",
                                       "GlobalMaxPool",
                                       "GroupNormalization",
                                       "InstanceNormalization",
                                       "LRN",
                                       "LpPool",
                                       "MaxPool",
                                       "QLinearConv",
                                       "SpaceToDepth",
                                       "TreeEnsembleClassifier",
                                       "TreeEnsembleRegressor"};
constexpr std::string_view kReduce[] = {
    "ReduceL1",   "ReduceL2",  "ReduceLogSum", "ReduceLogSumExp", "ReduceMax",
    "ReduceMean", "ReduceMin", "ReduceProd",   "ReduceSum",       "ReduceSumSquare"};
constexpr RuleEntry kOthers[] = {{"ArgMax", arg},
                                 {"ArgMin", arg},
                                 {"Concat", concat},
                                 {"ConstantOfShape", uniform},
                                 {"Einsum", einsum},
                                 {"Expand", expand},
                                 {"Flatten", reshape},
                                 {"Gather", gather},
                                 {"GatherElements", all_along},
                                 {"GatherND", gather_nd},
                                 {"Gemm", gemm},
                                 {"GRU", recurrent},
                                 {"Hardmax", softmax},
                                 {"LayerNormalization", layer_norm},
                                 {"LogSoftmax", softmax},
                                 {"LpNormalization", along_last},
                                 {"LSTM", recurrent},
                                 {"MatMul", mat_mul},
                                 {"OneHot", one_hot},
                                 {"Pad", pad},
                                 {"Reshape", reshape},
                                 {"RNN", recurrent},
                                 {"ScatterElements", all_along},
                                 {"Slice", slice},
                                 {"Softmax", softmax},
                                 {"Split", along_first},
                                 {"Squeeze", reshape},
                                 {"Tile", tile},
                                 {"TopK", along_last},
                                 {"Transpose", transpose},
                                 {"Unsqueeze", reshape}};

template <typename List>
bool holds(const List& list, std::string_view type) {
    return std::find(std::begin(list), std::end(list), type) != std::end(list);
}

// Parameters are constants, and the axis that a scale may follow is never that of the rows.
bool linear_quantisation(const RowStep& step, std::size_t, const RowUse& use) {
    return first_only(step) && same_place(step, use);
}

}  // namespace

RowRule row_rule(const kernels::NodeSpec& spec) {
    const std::string_view type = spec.type;
    if (holds(kElementwise, type)) return elementwise;
    if (holds(kImage, type)) return image;
    if (holds(kReduce, type)) return reduce;
    if (type == "QuantizeLinear" || type == "DequantizeLinear") return linear_quantisation;
    for (const RuleEntry& entry : kOthers)
        if (entry.type == type) return entry.rule;
    return nullptr;
}

}  // namespace bunch
