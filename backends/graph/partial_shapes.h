/// Arithmetic on shapes while a model is lowered: what Shape, Gather, Concat and their like compute
/// where all but the number of rows is known.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "backends/graph/operator_graph.h"

namespace bunch {

/// Integers, one dimension at most, of which some stand for the number of rows.
class PartialShapes {
  public:
    using ShapeOf = std::function<std::optional<Shape>(ValueId)>;

    explicit PartialShapes(const OperatorGraph& operators) : operators_(operators) {}

    /// Whether `node` is such arithmetic; if so its output is remembered. `shape_of` gives shapes
    /// of computed tensors with kAnyExtent for rows.
    bool evaluate(const OperatorNode& node, const ShapeOf& shape_of);

    /// The value of `id` as a tensor if it was evaluated and holds no number of rows; else null.
    std::shared_ptr<const Tensor> constant(ValueId id) const;

    /// The target of a Reshape: 0, "as the input has it", for rows in front. Nothing if unknown.
    std::optional<std::vector<std::int64_t>> reshape_target(ValueId id) const;

  private:
    struct Number {
        std::int64_t value = 0;
        bool rows = false;
    };
    struct Numbers {
        std::vector<Number> numbers;
        bool scalar = false;
    };

    std::optional<Numbers> find(ValueId id) const;
    std::optional<Numbers> compute(const OperatorNode& node, const ShapeOf& shape_of) const;
    std::optional<Numbers> gather(const OperatorNode& node, const Numbers& from) const;
    std::optional<Numbers> slice(const OperatorNode& node, const Numbers& from) const;

    const OperatorGraph& operators_;
    std::map<ValueId, Numbers> values_;
};

}  // namespace bunch
