#include "backends/cpu/accuracy.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace bunch::cpu {
namespace {

constexpr std::int64_t kLeastRows = 8, kMostRows = 64;
constexpr std::int64_t kElements = 1 << 20;  // of an input, where that allows more rows

/// Numbers of each input or output.
using Numbers = std::vector<std::vector<float>>;

// The Affine that reads `input` first, if one does.
const Node* affine_reader(const Graph& graph, ValueId input) {
    for (const Node& node : graph.nodes)
        if (std::holds_alternative<Affine>(node.op) && node.inputs[0] == input) return &node;
    return nullptr;
}

bool only_moves(const Node& node) {
    return std::holds_alternative<Identity>(node.op) || std::holds_alternative<Reshape>(node.op) ||
           std::holds_alternative<Transpose>(node.op);
}

// The grid that `id` lies on, or that it is rounded to at once.
std::optional<Grid> grid_of(const Graph& graph, ValueId id) {
    // Nodes come after those that they read.
    for (const Node& node : graph.nodes) {
        if (graph.at(id).grid) break;
        if (only_moves(node) && node.inputs[0] == id) id = node.output;
    }
    return graph.at(id).grid;
}

// What uniform numbers for `id` lie between.
std::pair<double, double> range_of(const Graph& graph, ValueId id) {
    const std::optional<Grid> grid = grid_of(graph, id);
    if (!grid) return {-1, 1};
    const int least = grid->type == DataType::i8 ? -128 : 0;
    const double scale = grid->scale;
    return {scale * (least - grid->zero), scale * (least + 255 - grid->zero)};
}

// Turns what comes out of `affine` into what goes in.
void undo(const Graph& graph, const Node& affine, std::vector<float>& numbers) {
    const auto scale = floats(graph.at(affine.inputs[1])),
               shift = floats(graph.at(affine.inputs[2]));
    const auto centre =
        affine.inputs.size() > 3 ? floats(graph.at(affine.inputs[3])) : std::span<const float>();
    const Shape& shape = graph.at(affine.inputs[0]).shape;
    std::size_t behind = 1;  // elements with the same place in all extents up to the axis
    for (auto i = static_cast<std::size_t>(std::get<Affine>(affine.op).axis) + 1; i < shape.rank();
         ++i)
        behind *= static_cast<std::size_t>(shape[i]);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const std::size_t c = i / behind % scale.size();
        const float given = (numbers[i] - shift[c]) / scale[c] + (centre.empty() ? 0 : centre[c]);
        if (std::isfinite(given)) numbers[i] = given;  // else nothing depends on it
    }
}

// Rows `first` to `first + rows` of `tensor`, whose rows are all in `numbers`; or all of it.
template <typename View, typename Floats>
View part_of(const TensorSpec& tensor, Floats& numbers, bool batched, std::int64_t first,
             std::int64_t rows) {
    const Shape shape = batched ? tensor.shape.with_rows(rows) : tensor.shape;
    const auto elements = static_cast<std::size_t>(shape.elements().value_or(0));
    const auto skipped =
        elements / static_cast<std::size_t>(rows) * static_cast<std::size_t>(first);
    const auto part = std::span(numbers).subspan(skipped, elements);
    if constexpr (std::is_same_v<View, TensorView>)
        return {DataType::f32, shape, std::as_writable_bytes(part)};
    else
        return {DataType::f32, shape, std::as_bytes(part)};
}

// The outputs of `session` for all `rows` rows of `inputs`, in batches of `max_rows`.
Result<Numbers> run(ModelSession& session, const ModelSignature& signature, const Numbers& inputs,
                    std::int64_t rows, std::int64_t max_rows) {
    const bool batched = signature.batched;
    Numbers outputs;
    for (const TensorSpec& tensor : signature.outputs) {
        const Shape shape = batched ? tensor.shape.with_rows(rows) : tensor.shape;
        outputs.emplace_back(static_cast<std::size_t>(shape.elements().value_or(0)));
    }
    for (std::int64_t first = 0; first < rows; first += max_rows) {
        const auto count = std::min(rows - first, max_rows);
        std::vector<ConstTensorView> from;
        std::vector<TensorView> to;
        for (std::size_t i = 0; i < inputs.size(); ++i)
            from.push_back(
                part_of<ConstTensorView>(signature.inputs[i], inputs[i], batched, first, count));
        for (std::size_t o = 0; o < outputs.size(); ++o)
            to.push_back(
                part_of<TensorView>(signature.outputs[o], outputs[o], batched, first, count));
        std::vector<Shape> ignored;
        BUNCH_RETURN_IF_ERROR(session.run(from, to, ignored));
    }
    return outputs;
}

std::int64_t rows_for(const ModelSignature& signature) {
    if (!signature.batched) return 1;
    std::int64_t largest = 1;
    for (const TensorSpec& tensor : signature.inputs)
        largest = std::max(largest, static_cast<std::int64_t>(
                                        tensor.shape.with_rows(1).elements().value_or(kElements)));
    return std::clamp(kElements / largest, kLeastRows, kMostRows);
}

double deviation(const std::vector<float>& exact, const std::vector<float>& reduced) {
    double difference = 0, largest = 0;
    for (std::size_t i = 0; i < exact.size(); ++i) {
        const double d = std::abs(static_cast<double>(exact[i]) - static_cast<double>(reduced[i]));
        if (std::isnan(d)) return std::numeric_limits<double>::infinity();
        difference = std::max(difference, d);
        largest = std::max(largest, std::abs(static_cast<double>(exact[i])));
    }
    return largest > 0 ? difference / largest : difference;
}

}  // namespace

Status check_precision(Precision precision) {
    if (precision == Precision::f32) return ok_status();
    if (precision == Precision::int8) {
        const auto has = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
        const auto wanted = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_vnni);
        if ((has & wanted) == wanted) return ok_status();
        return unimplemented("this processor has no instructions for int8 (AVX512_VNNI); use f32");
    }
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512bf16") != 0) return ok_status();
#endif
    return unimplemented("this processor has no instructions for bf16 (AVX512_BF16); use f32");
}

std::vector<std::vector<float>> made_up_inputs(const Graph& graph, std::int64_t rows) {
    std::mt19937 random(1);
    Numbers inputs;
    for (const ValueId id : graph.inputs) {
        const Shape& shape = graph.at(id).shape;
        const bool counts = graph.at(id).carries_rows();
        std::vector<float> numbers(static_cast<std::size_t>(
            (counts ? shape.with_rows(rows) : shape).elements().value_or(0)));
        const Node* affine = affine_reader(graph, id);
        const auto [least, most] = range_of(graph, affine != nullptr ? affine->output : id);
        for (float& number : numbers)
            number = static_cast<float>(least +
                                        (most - least) * 0x1p-32 * static_cast<double>(random()));
        if (affine != nullptr) undo(graph, *affine, numbers);
        inputs.push_back(std::move(numbers));
    }
    return inputs;
}

Result<double> deviation_between(const Graph& graph, const ModelSignature& signature,
                                 std::uint32_t max_rows, ModelSession& exact,
                                 ModelSession& reduced) {
    const std::int64_t rows = rows_for(signature), most = std::max(max_rows, 1U);
    const Numbers inputs = made_up_inputs(graph, rows);
    BUNCH_ASSIGN_OR_RETURN(const Numbers wanted, run(exact, signature, inputs, rows, most));
    BUNCH_ASSIGN_OR_RETURN(const Numbers given, run(reduced, signature, inputs, rows, most));
    double worst = 0;
    for (std::size_t o = 0; o < wanted.size(); ++o)
        worst = std::max(worst, deviation(wanted[o], given[o]));
    return worst;
}

}  // namespace bunch::cpu
