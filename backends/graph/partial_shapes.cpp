#include "backends/graph/partial_shapes.h"

#include <algorithm>
#include <cstring>

namespace bunch {

std::optional<PartialShapes::Numbers> PartialShapes::find(ValueId id) const {
    if (const auto found = values_.find(id); found != values_.end()) return found->second;
    const Tensor* tensor = operators_.at(id).constant.get();
    if (tensor == nullptr || tensor->type != DataType::i64 || tensor->shape.rank() > 1)
        return std::nullopt;
    Numbers result;
    result.scalar = tensor->shape.rank() == 0;
    for (std::size_t i = 0; i < tensor->buffer.size(); i += sizeof(std::int64_t)) {
        Number number;
        std::memcpy(&number.value, tensor->buffer.bytes().data() + i, sizeof number.value);
        result.numbers.push_back(number);
    }
    return result;
}

std::optional<PartialShapes::Numbers> PartialShapes::gather(const OperatorNode& node,
                                                            const Numbers& from) const {
    const auto indexes =
        node.inputs.size() == 2 && node.inputs[1] ? find(*node.inputs[1]) : std::nullopt;
    const auto size = static_cast<std::int64_t>(from.numbers.size());
    if (!indexes || from.scalar) return std::nullopt;
    Numbers result;
    result.scalar = indexes->scalar;
    for (const Number& index : indexes->numbers) {
        const std::int64_t at = index.value < 0 ? index.value + size : index.value;
        if (index.rows || at < 0 || at >= size) return std::nullopt;
        result.numbers.push_back(from.numbers[static_cast<std::size_t>(at)]);
    }
    return result;
}

std::optional<PartialShapes::Numbers> PartialShapes::slice(const OperatorNode& node,
                                                           const Numbers& from) const {
    std::int64_t bounds[4] = {0, 0, 0, 1};  // start, end, axis, step
    if (node.spec.opset < 10) return std::nullopt;
    for (std::size_t i = 1; i < node.inputs.size() && i < 5; ++i) {
        const auto given = node.inputs[i] ? find(*node.inputs[i]) : std::nullopt;
        if (!given || given->numbers.size() != 1 || given->numbers[0].rows) return std::nullopt;
        bounds[i - 1] = given->numbers[0].value;
    }
    const auto size = static_cast<std::int64_t>(from.numbers.size());
    if (bounds[3] != 1 || from.scalar) return std::nullopt;
    const auto settle = [size](std::int64_t i) {
        return std::clamp<std::int64_t>(i < 0 ? std::max(i, -size) + size : i, 0, size);
    };
    Numbers result;
    for (std::int64_t i = settle(bounds[0]); i < settle(bounds[1]); ++i)
        result.numbers.push_back(from.numbers[static_cast<std::size_t>(i)]);
    return result;
}

std::optional<PartialShapes::Numbers> PartialShapes::compute(const OperatorNode& node,
                                                             const ShapeOf& shape_of) const {
    const std::string& type = node.spec.type;
    if (node.inputs.empty() || !node.inputs[0] || !node.spec.domain.empty()) return std::nullopt;
    if (type == "Shape" && node.spec.attributes.empty()) {
        const auto shape = shape_of(*node.inputs[0]);
        if (!shape) return std::nullopt;
        Numbers result;
        for (const std::int64_t extent : shape->extents())
            result.numbers.push_back({extent, extent == kAnyExtent});
        return result;
    }
    const bool evaluated =
        std::any_of(node.inputs.begin(), node.inputs.end(),
                    [this](const auto& id) { return id && values_.contains(*id); });
    auto first = find(*node.inputs[0]);
    if (!evaluated || !first) return std::nullopt;
    if (type == "Gather") return gather(node, *first);
    if (type == "Slice") return slice(node, *first);
    if (type == "Identity") return first;
    if (type == "Cast")
        return node.spec.attributes.contains("to") &&
                       node.spec.attributes.at("to") ==
                           kernels::Attribute(static_cast<std::int64_t>(DataType::i64))
                   ? first
                   : std::nullopt;
    if (type == "Squeeze" || type == "Unsqueeze") {
        if (first->numbers.size() != 1 || first->scalar != (type == "Unsqueeze"))
            return std::nullopt;
        first->scalar = !first->scalar;
        return first;
    }
    if (type != "Concat") return std::nullopt;
    Numbers result;
    for (const auto& id : node.inputs) {
        const auto part = id ? find(*id) : std::nullopt;
        if (!part || part->scalar) return std::nullopt;
        result.numbers.insert(result.numbers.end(), part->numbers.begin(), part->numbers.end());
    }
    return result;
}

bool PartialShapes::evaluate(const OperatorNode& node, const ShapeOf& shape_of) {
    if (node.outputs.size() != 1 || !node.outputs[0]) return false;
    auto numbers = compute(node, shape_of);
    if (!numbers) return false;
    values_[*node.outputs[0]] = std::move(*numbers);
    return true;
}

std::shared_ptr<const Tensor> PartialShapes::constant(ValueId id) const {
    const auto found = values_.find(id);
    if (found == values_.end()) return nullptr;
    std::vector<std::int64_t> numbers;
    for (const Number& number : found->second.numbers) {
        if (number.rows) return nullptr;
        numbers.push_back(number.value);
    }
    const Shape shape =
        found->second.scalar ? Shape{} : Shape{static_cast<std::int64_t>(numbers.size())};
    return std::make_shared<const Tensor>(
        Tensor{DataType::i64, shape, Buffer::copy_of(std::as_bytes(std::span(numbers)))});
}

std::optional<std::vector<std::int64_t>> PartialShapes::reshape_target(ValueId id) const {
    const auto found = values_.find(id);
    if (found == values_.end() || found->second.scalar) return std::nullopt;
    std::vector<std::int64_t> target;
    for (const Number& number : found->second.numbers) {
        if (number.rows && !target.empty()) return std::nullopt;
        target.push_back(number.rows ? 0 : number.value);
    }
    return target;
}

}  // namespace bunch
