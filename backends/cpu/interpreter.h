/// Runs an OperatorGraph node by node, for tensors of any shape: the way for models that the
/// planner has no form for. Heavy operators run on oneDNN (fast_kernels.h), some nodes as one
/// (fused_nodes.h), the rest as plain loops (backends/kernels).
///
/// Not for: blocked layouts, or sharing weights between lanes; docs/decisions says what that costs
/// and what comes next.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backends/graph/operator_graph.h"
#include "backends/kernels/kernel.h"
#include "core/result.h"
#include "core/tensor.h"
#include "core/time.h"

namespace bunch::cpu {

struct InterpreterOptions {
    std::uint64_t memory_limit = std::uint64_t{8} << 30;  ///< bytes that one run may hold
    bool fast = true;   ///< oneDNN where it has a form; without, plain loops (for tests)
    bool fused = true;  ///< nodes that can run as one do; without, each is seen by itself
};

/// One thread at a time.
class Interpreter {
  public:
    /// What became of one node in one run.
    struct NodeRun {
        const OperatorNode& node;
        Duration time;
        std::span<const kernels::Held> outputs;
        const std::string& implementation;  ///< "loop", or what oneDNN calls it
    };
    /// Told after each node, for profiles.
    using Observer = std::function<void(const NodeRun& run)>;

    /// `graph` outlives it. Errors name the node whose form has no kernel.
    static Result<std::unique_ptr<Interpreter>> prepare(const OperatorGraph& graph,
                                                        const InterpreterOptions& options = {});

    /// Runs `inputs`, in the graph's order, with extents as the model declares them where these are
    /// fixed. The outputs live until the next run, or longer while their keeper is held.
    Result<std::vector<kernels::Held>> run(std::span<const ConstTensorView> inputs);

    void observe(Observer observer) { observer_ = std::move(observer); }

    /// The most bytes that computed tensors took at a time so far.
    std::uint64_t peak_bytes() const { return memory_.peak(); }

  private:
    /// A node ready to run.
    struct Step {
        const OperatorNode* node = nullptr;
        kernels::Kernel kernel;  ///< none for an If
        std::vector<std::vector<Step>> branches;
        std::vector<ValueId> done;  ///< values that nobody reads after this
    };

    Interpreter(const OperatorGraph& graph, const InterpreterOptions& options)
        : graph_(graph), memory_(options.memory_limit), values_(graph.values.size()) {}

    Status prepare_nodes(std::span<const OperatorNode> nodes, const InterpreterOptions& options,
                         std::vector<Step>& steps);
    Result<Step> prepare_node(const OperatorNode& node, const InterpreterOptions& options);
    void find_last_uses();
    Status check_input(const OperatorInput& input, const ConstTensorView& given) const;
    Status run_steps(std::span<const Step> steps);
    Status run_step(const Step& step);
    Status run_if(const Step& step);

    const OperatorGraph& graph_;
    kernels::Memory memory_;
    std::vector<kernels::Held> values_;  ///< by index in the graph
    std::vector<std::size_t> uses_;      ///< of values, by index
    std::deque<OperatorNode> fused_;     ///< what steps point to that is not in the graph
    std::vector<Step> steps_;
    Observer observer_;
};

}  // namespace bunch::cpu
