/// A model ready to run on CPU cores: plans for a few numbers of rows, out of which every batch up
/// to the limit is put together, and sessions, which run them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backends/cpu/execution.h"
#include "backends/cpu/plan.h"
#include "backends/cpu/planner.h"
#include "backends/graph/graph.h"
#include "core/model.h"
#include "core/result.h"
#include "core/tensor.h"

namespace bunch::cpu {

struct ProgramOptions {
    PlannerOptions planner;
    /// Rows of the largest plan, of which there is one for the whole model; 0: chosen by its size,
    /// and if that pays, the part with small images and large weights runs on more rows than the
    /// part before it.
    std::int64_t micro_rows = 0;
    unsigned threads = 1;  ///< of a lane: one row of a large model is spread over them
    bool timed = false;    ///< convolutions without a choice are timed, see conv_timing.h
    ConvChoices choices;   ///< made before
};

/// Plans that run the same part of a model for different numbers of rows.
struct Stage {
    std::size_t first = 0;  ///< in Program::plans(); its plans follow each other, largest first
    std::vector<std::size_t> input_row_bytes, output_row_bytes;
};

/// Immutable; any thread.
class Program {
  public:
    /// `graph` is simplified or not, as the caller likes. Prepares everything for batches of up to
    /// `max_rows` rows; uses one thread and leaves the calling thread set so. Errors name the node.
    static Result<std::shared_ptr<const Program>> prepare(const Graph& graph,
                                                          std::uint32_t max_rows,
                                                          const ProgramOptions& options = {});

    const ModelSignature& signature() const { return signature_; }
    std::uint32_t max_rows() const { return max_rows_; }
    /// Of all stages. In each largest first; the last is for one row, unless the first takes any
    /// number.
    std::span<const Plan> plans() const { return plans_; }
    /// One, or two that follow each other.
    std::span<const Stage> stages() const { return stages_; }
    /// A plan for one row that is spread over the threads of a lane; null if the model is too small
    /// for that to pay.
    const Plan* wide_plan() const { return wide_plan_ ? &*wide_plan_ : nullptr; }
    /// What was chosen before and by timing.
    const ConvChoices& choices() const { return choices_; }
    /// Layers in floats though the model has integers for them: a sentence for each.
    const std::vector<std::string>& in_floats() const { return in_floats_; }
    /// Rows that go through all stages together.
    std::size_t chunk_rows() const { return chunk_rows_; }
    std::size_t weight_bytes() const { return weight_bytes_; }
    /// Bytes that each session takes.
    std::size_t session_bytes() const { return arena_bytes_ + scratch_bytes_ + between_bytes_; }
    /// Bytes of what the first stage hands to the second.
    std::size_t between_bytes() const { return between_bytes_; }
    std::size_t arena_bytes() const { return arena_bytes_; }
    std::size_t scratch_bytes() const { return scratch_bytes_; }

  private:
    Program() = default;

    Status add_wide_plan(const Graph& graph, WeightCache& weights, const ProgramOptions& given);
    void note_memory(const Plan& plan);
    Status add_stage(const Graph& graph, std::int64_t rows, WeightCache& weights,
                     const ProgramOptions& given);

    ModelSignature signature_;
    std::uint32_t max_rows_ = 1;
    ConvChoices choices_;
    std::vector<Plan> plans_;
    std::vector<Stage> stages_;
    std::optional<Plan> wide_plan_;
    std::vector<std::string> in_floats_;
    std::size_t chunk_rows_ = 1;
    std::size_t weight_bytes_ = 0, arena_bytes_ = 0, scratch_bytes_ = 0, between_bytes_ = 0;
};

/// One lane's memory for a program. One thread at a time.
class Session {
  public:
    /// Memory is touched here, so that the first batch does not pay for it. `spreads`: single rows
    /// run by the wide plan, if there is one.
    static Result<std::unique_ptr<Session>> open(std::shared_ptr<const Program> program,
                                                 bool spreads = false);

    /// Runs one batch. Views follow the signature and carry equal rows, at most max_rows(). Checks
    /// types, shapes and sizes: `invalid_argument` names the tensor.
    Status run(std::span<const ConstTensorView> inputs, std::span<const TensorView> outputs);

    /// From now on times the steps of each plan, as step_times() gives them: by plan and step, the
    /// wide plan last.
    void record_times();
    const std::vector<std::vector<Duration>>& step_times() const { return times_; }

  private:
    Session(std::shared_ptr<const Program> program, bool spreads);

    Status check(std::span<const ConstTensorView> inputs, std::span<const TensorView> outputs,
                 std::int64_t& rows) const;
    /// Moves `inputs` and `outputs` on by `rows` rows.
    Status run_stage(const Stage& stage, std::size_t rows, std::vector<const std::byte*>& inputs,
                     std::vector<std::byte*>& outputs);
    Status run_rows(std::size_t rows);
    Status run_wide();

    // shared_ptr: a model may be unloaded while another lane still has its session.
    std::shared_ptr<const Program> program_;
    Weights arena_, scratch_, between_;
    std::vector<Execution> executions_;  ///< by plan
    std::optional<Execution> wide_;
    std::vector<const std::byte*> inputs_, between_inputs_;
    std::vector<std::byte*> outputs_, between_outputs_;
    std::vector<std::vector<Duration>> times_;
};

}  // namespace bunch::cpu
