/// A model as its file has it: operators by name, in an order in which they can run, with all that
/// is constant already computed. What cpu/interpreter runs as it stands, and what lowering.h turns
/// into a Graph where it can.
///
/// Not for: fusing or planning anything; that is graph.h and passes.h.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backends/graph/graph.h"
#include "backends/kernels/node_spec.h"
#include "core/result.h"
#include "core/tensor.h"

namespace bunch {

/// One tensor of an OperatorGraph.
struct OperatorValue {
    std::string name;
    /// shared_ptr: kernels keep constants that they pass on. Null: computed, or an input.
    std::shared_ptr<const Tensor> constant;
    /// Its elements, and its shape, depend on the elements of the inputs. A shape that depends on
    /// the inputs' shapes only is the same for all requests of equal shapes.
    bool from_data = false;
    bool shape_from_data = false;
    /// Of a constant that DequantizeLinear made of integers: these.
    std::shared_ptr<const QuantisedConstant> quantised = {};
};

/// An input of the model as declared.
struct OperatorInput {
    ValueId value;
    DataType type = DataType::f32;
    Shape shape;                            ///< kAnyExtent where open
    std::vector<std::string> extent_names;  ///< of open extents: equal names, equal extents
};

struct OperatorNode;

/// One way an If can go: its nodes, and the values that become the outputs of the If.
struct OperatorBranch {
    std::vector<OperatorNode> nodes;
    std::vector<ValueId> results;
};

struct OperatorNode {
    kernels::NodeSpec spec;
    std::vector<std::optional<ValueId>> inputs;
    std::vector<std::optional<ValueId>> outputs;
    std::vector<OperatorBranch> branches;  ///< of an If: then, else. Empty for all others
};

struct OperatorGraph {
    std::vector<OperatorValue> values;
    std::vector<OperatorNode> nodes;
    std::vector<OperatorInput> inputs;
    std::vector<ValueId> outputs;
    std::vector<std::string> not_finite;  ///< constants with NaN or infinity: allowed, worth a word

    OperatorValue& at(ValueId id) { return values[id.value]; }
    const OperatorValue& at(ValueId id) const { return values[id.value]; }
};

/// The model in the file at `path`. Tensors outside the file are read from its folder and below
/// only. Errors begin with `path`, and name node or tensor and the reason.
Result<OperatorGraph> read_operator_graph(const std::filesystem::path& path);

/// The same from bytes; `folder` is where external tensors may lie, empty: nowhere.
/// `fold_limit` bounds the bytes that constants may grow to when computed.
Result<OperatorGraph> parse_operator_graph(std::span<const std::byte> bytes,
                                           const std::filesystem::path& folder,
                                           std::uint64_t fold_limit = std::uint64_t{1} << 28);

}  // namespace bunch
