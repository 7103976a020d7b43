/// A model file ready to run on CPU cores, whichever way: planned for oneDNN and the fused loops
/// where all of it has a planned form, else node by node. What the backend and `bunch model` share.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backends/cpu/interpreter.h"
#include "backends/cpu/program.h"
#include "backends/cpu/team.h"
#include "backends/graph/operator_graph.h"
#include "core/model.h"
#include "core/result.h"

namespace bunch::cpu {

/// Time spent in one layer: a step of a plan, or a node.
struct LayerTime {
    std::string layer;  ///< label, shape of what it makes as far as known, implementation
    Duration time{};
};

/// One lane's memory for a model. One thread at a time.
class ModelSession {
  public:
    virtual ~ModelSession() = default;

    /// Runs one batch. Views follow the signature; those of outputs have room for it, and
    /// `output_shapes` is set to what was made of it.
    virtual Status run(std::span<const ConstTensorView> inputs, std::span<const TensorView> outputs,
                       std::vector<Shape>& output_shapes) = 0;

    /// From now on keeps the time of each layer, summed over runs. Costs two looks at the clock
    /// per layer.
    virtual void record_times() = 0;
    /// In the order in which they run.
    virtual std::vector<LayerTime> layer_times() const = 0;
};

struct CpuModelOptions {
    std::uint32_t max_rows = 32;
    unsigned threads = 1;  ///< of a session
    ProgramOptions program;
    Precision precision = Precision::f32;
    /// A model in reduced precision that differs more from itself in f32 is refused; see
    /// accuracy.h.
    double max_deviation = 0.02;
    std::string plan_cache;  ///< folder of plan_cache.h: convolutions are timed once; empty: never
    bool planned = true;     ///< without, node by node even where a plan is possible (for tests)
    InterpreterOptions interpreter;
};

/// Immutable; any thread. Sessions keep it alive.
class CpuModel : public std::enable_shared_from_this<CpuModel> {
  public:
    /// Errors name file, node and reason.
    static Result<std::shared_ptr<const CpuModel>> load(const std::string& path,
                                                        const CpuModelOptions& options);

    const ModelSignature& signature() const { return signature_; }
    std::uint32_t max_rows() const { return max_rows_; }
    /// Bytes that the model takes with `sessions` sessions; for what runs node by node an estimate.
    std::uint64_t memory_bytes(std::uint64_t sessions) const;

    /// `team`: the threads that it runs on, options.threads of them, which outlive the session;
    /// null: the thread that calls.
    Result<std::unique_ptr<ModelSession>> open(Team* team = nullptr) const;

    const OperatorGraph& operators() const { return operators_; }
    /// Null if the model runs node by node; then why_not_planned() says why.
    const Program* program() const { return program_.get(); }
    const std::string& why_not_planned() const { return why_not_planned_; }
    /// From itself in f32, as found at the load; 0 in f32.
    double deviation() const { return deviation_; }
    /// Empty where rows of different requests may share a batch.
    const std::string& why_not_batched() const { return why_not_batched_; }
    const InterpreterOptions& interpreter_options() const { return interpreter_; }

  private:
    Result<std::unique_ptr<ModelSession>> open_one(bool spreads) const;
    Status prepare(const std::string& path, const CpuModelOptions& options);
    Status prepare_planned(const Graph& graph, const std::string& path,
                           const CpuModelOptions& options);
    Status prepare_integers(Graph& graph, const std::string& path, const CpuModelOptions& options);
    Result<std::unique_ptr<ModelSession>> open_exact(const Graph& graph,
                                                     const CpuModelOptions& options) const;
    Status check_accuracy(const Graph& graph, const CpuModelOptions& options);

    OperatorGraph operators_;  ///< without constants once planned: the program has its own
    ModelSignature signature_;
    std::uint32_t max_rows_ = 1;
    std::shared_ptr<const Program> program_;
    InterpreterOptions interpreter_;
    std::string why_not_planned_, why_not_batched_;
    std::uint64_t bytes_per_row_ = 0;
    double deviation_ = 0;
};

}  // namespace bunch::cpu
