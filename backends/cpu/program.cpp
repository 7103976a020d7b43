#include "backends/cpu/program.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <optional>
#include <utility>

#include "backends/cpu/conv_timing.h"
#include "backends/cpu/threads.h"
#include "backends/graph/split.h"

namespace bunch::cpu {
namespace {

constexpr std::int64_t kMaxMicroRows = 256;
// Multiplications for one row, about a millisecond: a thread that sleeps takes some microseconds to
// wake up, for each layer.
constexpr double kWorthThreads = 5e7;

/// How many rows run together.
struct Sizing {
    /// What one node may read and write per plan: more falls out of a core's caches. ResNet-50's
    /// first layers (6.4 MB a row) so run image by image.
    std::size_t budget;
    /// A second stage pays if it runs on so many times the rows of the first: its weights, which
    /// come from memory, are then read so much less often.
    std::int64_t worth_a_cut;
};
constexpr Sizing kFloats{std::size_t{4} << 20, 8};
// They compute four times as fast, so that the second-level cache counts.
constexpr Sizing kIntegers{std::size_t{5} << 19, 4};

std::size_t row_bytes_of(const Value& value) {
    const Shape shape = value.carries_rows() ? value.shape.with_rows(1) : value.shape;
    return static_cast<std::size_t>(byte_size(value.type, shape).value_or(0));
}

// Between layers; outside it is row_bytes_of().
std::size_t stored_bytes_of(const Value& value) {
    return row_bytes_of(value) / (value.grid ? size_of(value.type) : 1);
}

// Bytes of what the busiest of `nodes` reads and writes for one row.
std::size_t activation_bytes(const Graph& graph, std::span<const Node> nodes) {
    std::size_t most = 1;
    for (const Node& node : nodes) {
        std::size_t bytes = 0;
        for (const ValueId id : node.inputs)
            if (!graph.at(id).constant) bytes += stored_bytes_of(graph.at(id));
        most = std::max(most, bytes + stored_bytes_of(graph.at(node.output)));
    }
    return most;
}

// Multiplications of weights for one row.
double multiply_adds(const Graph& graph) {
    double sum = 0;
    for (const Node& node : graph.nodes) {
        if (node.inputs.size() < 2 || !graph.at(node.inputs[1]).constant) continue;
        const Shape& weights = graph.at(node.inputs[1]).shape;
        const auto outputs = static_cast<double>(row_bytes_of(graph.at(node.output)) / 4);
        if (std::holds_alternative<Conv>(node.op))
            sum += outputs * static_cast<double>(weights.elements().value_or(0)) /
                   static_cast<double>(weights[0]);
        else if (std::holds_alternative<Dense>(node.op))
            sum += outputs * static_cast<double>(weights[0]);
    }
    return sum;
}

// The largest power of two that keeps activations within the budget, and is at most `most`.
std::int64_t choose_micro_rows(std::size_t activation_bytes, std::int64_t most,
                               const Sizing& sizing) {
    const std::size_t fitting = sizing.budget / activation_bytes;
    std::int64_t rows = 1;
    while (rows * 2 <= static_cast<std::int64_t>(fitting) &&
           rows * 2 <= std::min(most, kMaxMicroRows))
        rows *= 2;
    return rows;
}

// Where to cut so that the rest can run on many times the rows of the beginning. Nothing if all of
// it can run on many, or no part.
std::optional<Cut> choose_cut(const Graph& graph, const Sizing& sizing) {
    const std::int64_t rows =
        choose_micro_rows(activation_bytes(graph, graph.nodes), kMaxMicroRows, sizing);
    if (rows >= sizing.worth_a_cut) return std::nullopt;
    for (const Cut& cut : cuts_of(graph)) {
        const auto nodes = std::span(graph.nodes).subspan(cut.node);
        if (choose_micro_rows(activation_bytes(graph, nodes), kMaxMicroRows, sizing) >=
            sizing.worth_a_cut * rows)
            return cut;
    }
    return std::nullopt;
}

}  // namespace

Status Program::add_stage(const Graph& graph, std::int64_t rows, WeightCache& weights,
                          const ProgramOptions& given) {
    Stage stage;
    stage.first = plans_.size();
    PlannerOptions options = given.planner;
    if (options.choices == nullptr) options.choices = &choices_;
    for (; rows >= 1; rows /= 2) {
        if (given.timed && options.precision == Precision::f32)
            BUNCH_RETURN_IF_ERROR(time_convolutions(graph, rows, choices_));
        BUNCH_ASSIGN_OR_RETURN(Plan plan, make_plan(graph, rows, weights, options));
        note_memory(plan);
        for (const std::string& sentence : plan.in_floats)
            if (std::find(in_floats_.begin(), in_floats_.end(), sentence) == in_floats_.end())
                in_floats_.push_back(sentence);
        plans_.push_back(std::move(plan));
        if (plans_.back().any_rows) break;
    }
    for (const ValueId id : graph.inputs)
        stage.input_row_bytes.push_back(row_bytes_of(graph.at(id)));
    for (const ValueId id : graph.outputs)
        stage.output_row_bytes.push_back(row_bytes_of(graph.at(id)));
    for (const Step& step : plans_[stage.first].steps)
        if (const auto* mlp = std::get_if<MlpStep>(&step))
            weight_bytes_ += mlp->mlp->memory_bytes();
    stages_.push_back(std::move(stage));
    return ok_status();
}

void Program::note_memory(const Plan& plan) {
    arena_bytes_ = std::max(arena_bytes_, plan.arena_bytes);
    scratch_bytes_ = std::max(scratch_bytes_, plan.scratch_bytes);
}

Status Program::add_wide_plan(const Graph& graph, WeightCache& weights,
                              const ProgramOptions& given) {
    if (given.threads < 2 || multiply_adds(graph) < kWorthThreads) return ok_status();
    PlannerOptions options = given.planner;
    if (options.choices == nullptr) options.choices = &choices_;
    options.threads = given.threads;
    use_threads(given.threads);
    Result<Plan> plan = make_plan(graph, 1, weights, options);
    use_one_thread();
    BUNCH_RETURN_IF_ERROR(plan.status());
    note_memory(*plan);
    wide_plan_ = std::move(plan).value();
    return ok_status();
}

Result<std::shared_ptr<const Program>> Program::prepare(const Graph& graph, std::uint32_t max_rows,
                                                        const ProgramOptions& options) {
    use_one_thread();
    std::shared_ptr<Program> program(new Program);
    program->choices_ = options.choices;
    BUNCH_ASSIGN_OR_RETURN(program->signature_, signature_of(graph));
    const bool batched = program->signature_.batched;
    program->max_rows_ = batched ? std::max(max_rows, 1U) : 1U;
    const auto most = static_cast<std::int64_t>(program->max_rows_);
    const bool asked = options.micro_rows > 0;
    const bool integers = options.planner.precision == Precision::int8;
    const Sizing& sizing = integers ? kIntegers : kFloats;
    const std::int64_t rows =
        asked ? static_cast<std::int64_t>(
                    std::bit_floor(static_cast<std::uint64_t>(std::min(options.micro_rows, most))))
              : choose_micro_rows(activation_bytes(graph, graph.nodes), most, sizing);
    WeightCache weights(dnnl::engine(dnnl::engine::kind::cpu, 0));
    std::optional<Cut> cut;
    if (batched && !asked) cut = choose_cut(graph, sizing);
    if (cut) {
        const std::span<const Node> nodes = graph.nodes;
        const Graph head = part_of(graph, nodes.first(cut->node), graph.inputs, {cut->value});
        const Graph tail = part_of(graph, nodes.subspan(cut->node), {cut->value}, graph.outputs);
        const std::int64_t tail_rows =
            choose_micro_rows(activation_bytes(tail, tail.nodes), most, sizing);
        BUNCH_RETURN_IF_ERROR(program->add_stage(head, rows, weights, options));
        BUNCH_RETURN_IF_ERROR(program->add_stage(tail, tail_rows, weights, options));
        program->chunk_rows_ = static_cast<std::size_t>(tail_rows);
        program->between_bytes_ = row_bytes_of(head.at(cut->value)) * program->chunk_rows_;
    } else {
        BUNCH_RETURN_IF_ERROR(program->add_stage(graph, rows, weights, options));
        program->chunk_rows_ = program->max_rows_;
    }
    BUNCH_RETURN_IF_ERROR(program->add_wide_plan(graph, weights, options));
    program->weight_bytes_ += weights.memory_bytes();
    return std::shared_ptr<const Program>(std::move(program));
}

Session::Session(std::shared_ptr<const Program> program, bool spreads)
    : program_(std::move(program)),
      arena_(program_->arena_bytes()),
      scratch_(program_->scratch_bytes()),
      between_(program_->between_bytes()) {
    for (const Weights* memory : {&arena_, &scratch_, &between_})
        if (memory->size() > 0) std::memset(memory->address(), 0, memory->size());
    for (const Plan& plan : program_->plans())
        executions_.emplace_back(plan, static_cast<std::byte*>(arena_.address()),
                                 static_cast<std::byte*>(scratch_.address()));
    if (const Plan* wide = program_->wide_plan(); wide != nullptr && spreads)
        wide_.emplace(*wide, static_cast<std::byte*>(arena_.address()),
                      static_cast<std::byte*>(scratch_.address()));
    inputs_.resize(program_->signature().inputs.size());
    outputs_.resize(program_->signature().outputs.size());
}

Result<std::unique_ptr<Session>> Session::open(std::shared_ptr<const Program> program,
                                               bool spreads) {
    try {
        return std::unique_ptr<Session>(new Session(std::move(program), spreads));
    } catch (const dnnl::error& error) {
        return internal_error(std::string("oneDNN cannot bind its memory: ") + error.what());
    } catch (const std::bad_alloc&) {
        return resource_exhausted("not enough memory for the activations of a lane");
    }
}

namespace {

template <typename View>
Status check_view(const TensorSpec& tensor, const View& view, bool batched, std::size_t row_bytes,
                  std::int64_t& rows) {
    const std::string label = "tensor '" + tensor.name + "'";
    if (view.type != tensor.type || !tensor.shape.admits(view.shape))
        return invalid_argument(label + " is " + std::string(name_of(view.type)) +
                                view.shape.to_string() + "; the model has " +
                                std::string(name_of(tensor.type)) + tensor.shape.to_string());
    const std::int64_t given = batched ? view.shape[0] : 1;
    if (rows < 0) rows = given;
    if (given != rows || given < 1 ||
        view.bytes.size() != row_bytes * static_cast<std::size_t>(rows))
        return invalid_argument(label + " has " + std::to_string(given) + " rows in " +
                                std::to_string(view.bytes.size()) + " bytes; the batch has " +
                                std::to_string(rows) + " rows of " + std::to_string(row_bytes));
    if (reinterpret_cast<std::uintptr_t>(view.bytes.data()) % alignof(float) != 0)
        return invalid_argument(label + " does not lie on a multiple of 4 bytes");
    return ok_status();
}

}  // namespace

Status Session::check(std::span<const ConstTensorView> inputs, std::span<const TensorView> outputs,
                      std::int64_t& rows) const {
    const ModelSignature& signature = program_->signature();
    const std::span<const Stage> stages = program_->stages();
    if (inputs.size() != signature.inputs.size() || outputs.size() != signature.outputs.size())
        return invalid_argument("a batch has " + std::to_string(inputs.size()) + " inputs and " +
                                std::to_string(outputs.size()) + " outputs; the model has " +
                                std::to_string(signature.inputs.size()) + " and " +
                                std::to_string(signature.outputs.size()));
    for (std::size_t i = 0; i < inputs.size(); ++i)
        BUNCH_RETURN_IF_ERROR(check_view(signature.inputs[i], inputs[i], signature.batched,
                                         stages.front().input_row_bytes[i], rows));
    for (std::size_t i = 0; i < outputs.size(); ++i)
        BUNCH_RETURN_IF_ERROR(check_view(signature.outputs[i], outputs[i], signature.batched,
                                         stages.back().output_row_bytes[i], rows));
    if (rows > static_cast<std::int64_t>(program_->max_rows()))
        return invalid_argument("a batch has " + std::to_string(rows) +
                                " rows; the model was prepared for " +
                                std::to_string(program_->max_rows()));
    return ok_status();
}

Status Session::run(std::span<const ConstTensorView> inputs, std::span<const TensorView> outputs) {
    std::int64_t rows = -1;
    BUNCH_RETURN_IF_ERROR(check(inputs, outputs, rows));
    for (std::size_t i = 0; i < inputs.size(); ++i) inputs_[i] = inputs[i].bytes.data();
    for (std::size_t i = 0; i < outputs.size(); ++i) outputs_[i] = outputs[i].bytes.data();
    return run_rows(static_cast<std::size_t>(rows));
}

void Session::record_times() {
    times_.clear();
    for (const Plan& plan : program_->plans()) times_.emplace_back(plan.steps.size(), Duration{});
    if (wide_) times_.emplace_back(program_->wide_plan()->steps.size(), Duration{});
    for (std::size_t i = 0; i < executions_.size(); ++i) executions_[i].record(&times_[i]);
    if (wide_) wide_->record(&times_.back());
}

// 13 rows run as 8 + 4 + 1.
Status Session::run_stage(const Stage& stage, std::size_t rows,
                          std::vector<const std::byte*>& inputs, std::vector<std::byte*>& outputs) {
    for (std::size_t plan = stage.first; rows > 0;) {
        const Plan& chosen = program_->plans()[plan];
        const std::size_t part = chosen.any_rows ? rows : static_cast<std::size_t>(chosen.rows);
        if (part > rows) {
            ++plan;
            continue;
        }
        BUNCH_RETURN_IF_ERROR(executions_[plan].run(part, inputs, outputs));
        for (std::size_t i = 0; i < inputs.size(); ++i)
            inputs[i] += part * stage.input_row_bytes[i];
        for (std::size_t i = 0; i < outputs.size(); ++i)
            outputs[i] += part * stage.output_row_bytes[i];
        rows -= part;
    }
    return ok_status();
}

Status Session::run_wide() {
    use_threads(program_->wide_plan()->threads);
    const Status status = wide_->run(1, inputs_, outputs_);
    use_one_thread();
    return status;
}

Status Session::run_rows(std::size_t rows) {
    if (rows == 1 && wide_) return run_wide();
    const std::span<const Stage> stages = program_->stages();
    if (stages.size() == 1) return run_stage(stages[0], rows, inputs_, outputs_);
    while (rows > 0) {
        const std::size_t chunk = std::min(rows, program_->chunk_rows());
        auto* between = static_cast<std::byte*>(between_.address());
        between_inputs_ = {between};
        between_outputs_ = {between};
        BUNCH_RETURN_IF_ERROR(run_stage(stages[0], chunk, inputs_, between_outputs_));
        BUNCH_RETURN_IF_ERROR(run_stage(stages[1], chunk, between_inputs_, outputs_));
        rows -= chunk;
    }
    return ok_status();
}

}  // namespace bunch::cpu
