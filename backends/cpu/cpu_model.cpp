#include "backends/cpu/cpu_model.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <utility>

#include "backends/cpu/accuracy.h"
#include "backends/cpu/model_probe.h"
#include "backends/cpu/plan_cache.h"
#include "backends/cpu/slow_layers.h"
#include "backends/cpu/team_session.h"
#include "backends/cpu/threads.h"
#include "backends/graph/integer_layers.h"
#include "backends/graph/lowering.h"
#include "backends/graph/passes.h"
#include "monitoring/log.h"

namespace bunch::cpu {
namespace {

class PlannedSession final : public ModelSession {
  public:
    PlannedSession(std::shared_ptr<const Program> program, std::unique_ptr<Session> session)
        : program_(std::move(program)), session_(std::move(session)) {}

    void record_times() override { session_->record_times(); }
    std::vector<LayerTime> layer_times() const override;

    Status run(std::span<const ConstTensorView> inputs, std::span<const TensorView> outputs,
               std::vector<Shape>& output_shapes) override {
        BUNCH_RETURN_IF_ERROR(session_->run(inputs, outputs));
        output_shapes.clear();
        for (const TensorView& output : outputs) output_shapes.push_back(output.shape);
        return ok_status();
    }

  private:
    // shared_ptr: the program is also the session's.
    std::shared_ptr<const Program> program_;
    std::unique_ptr<Session> session_;
};

std::vector<LayerTime> PlannedSession::layer_times() const {
    std::vector<LayerTime> layers;
    const auto& times = session_->step_times();
    for (std::size_t p = 0; p < times.size(); ++p)
        for (std::size_t s = 0; s < times[p].size(); ++s) {
            const bool wide = p == program_->plans().size();
            const Plan& plan = wide ? *program_->wide_plan() : program_->plans()[p];
            if (times[p][s] == Duration{}) continue;
            std::string rows = " x" + std::to_string(plan.rows);
            if (wide) rows += " on " + std::to_string(plan.threads) + " threads";
            layers.push_back({description_of(plan.steps[s]) + rows, times[p][s]});
        }
    return layers;
}

class InterpretedSession final : public ModelSession {
  public:
    InterpretedSession(std::shared_ptr<const CpuModel> model,
                       std::unique_ptr<Interpreter> interpreter)
        : model_(std::move(model)), interpreter_(std::move(interpreter)) {}

    Status run(std::span<const ConstTensorView> inputs, std::span<const TensorView> outputs,
               std::vector<Shape>& output_shapes) override;

    void record_times() override;
    std::vector<LayerTime> layer_times() const override { return layers_; }

  private:
    Status check_rows(std::span<const ConstTensorView> inputs) const;
    Status copy_output(std::size_t o, std::int64_t rows, const ConstTensorView& made,
                       const TensorView& wanted) const;

    // shared_ptr: the interpreter points into it, and a model may be unloaded while a lane runs.
    std::shared_ptr<const CpuModel> model_;
    std::unique_ptr<Interpreter> interpreter_;
    std::vector<LayerTime> layers_;
};

void InterpretedSession::record_times() {
    interpreter_->observe([this](const Interpreter::NodeRun& run) {
        const Shape shape = run.outputs.empty() ? Shape() : run.outputs[0].view.shape;
        const std::string layer =
            run.node.spec.label + " " + shape.to_string() + "  " + run.implementation;
        for (LayerTime& known : layers_)
            if (known.layer == layer) {
                known.time += run.time;
                return;
            }
        layers_.push_back({layer, run.time});
    });
}

Status InterpretedSession::check_rows(std::span<const ConstTensorView> inputs) const {
    if (!model_->signature().batched) return ok_status();
    for (const ConstTensorView& input : inputs)
        if (input.shape.rank() == 0 || input.shape[0] < 1 || input.shape[0] != inputs[0].shape[0] ||
            input.shape[0] > static_cast<std::int64_t>(model_->max_rows()))
            return invalid_argument("a batch has an input of shape " + input.shape.to_string() +
                                    " where each has the same rows, at most " +
                                    std::to_string(model_->max_rows()));
    return ok_status();
}

Status InterpretedSession::copy_output(std::size_t o, std::int64_t rows,
                                       const ConstTensorView& made,
                                       const TensorView& wanted) const {
    const TensorSpec& spec = model_->signature().outputs[o];
    const bool batched = model_->signature().batched;
    if (made.type != spec.type || !spec.shape.admits(made.shape) ||
        (batched && made.shape[0] != rows))
        return internal_error("output '" + spec.name + "' became " +
                              std::string(name_of(made.type)) + made.shape.to_string() +
                              "; at load it was " + std::string(name_of(spec.type)) +
                              spec.shape.to_string());
    if (made.bytes.size() > wanted.bytes.size())
        return resource_exhausted("output '" + spec.name + "' of shape " + made.shape.to_string() +
                                  " needs " + std::to_string(made.bytes.size()) +
                                  " bytes; there is room for " +
                                  std::to_string(wanted.bytes.size()));
    std::copy(made.bytes.begin(), made.bytes.end(), wanted.bytes.begin());
    return ok_status();
}

Status InterpretedSession::run(std::span<const ConstTensorView> inputs,
                               std::span<const TensorView> outputs,
                               std::vector<Shape>& output_shapes) {
    const std::size_t wanted = model_->signature().outputs.size();
    if (outputs.size() != wanted)
        return invalid_argument("a batch has " + std::to_string(outputs.size()) +
                                " outputs; the model has " + std::to_string(wanted));
    BUNCH_RETURN_IF_ERROR(check_rows(inputs));
    BUNCH_ASSIGN_OR_RETURN(const std::vector<kernels::Held> made, interpreter_->run(inputs));
    output_shapes.clear();
    for (std::size_t o = 0; o < wanted; ++o) {
        const std::int64_t rows =
            inputs.empty() || inputs[0].shape.rank() == 0 ? 1 : inputs[0].shape[0];
        BUNCH_RETURN_IF_ERROR(copy_output(o, rows, made[o].view, outputs[o]));
        output_shapes.push_back(made[o].view.shape);
    }
    return ok_status();
}

std::uint64_t constant_bytes(const OperatorGraph& graph) {
    std::uint64_t total = 0;
    for (const OperatorValue& value : graph.values)
        total += value.constant ? value.constant->buffer.size() : 0;
    return total;
}

}  // namespace

Result<std::shared_ptr<const CpuModel>> CpuModel::load(const std::string& path,
                                                       const CpuModelOptions& options) {
    use_one_thread();
    const auto model = std::make_shared<CpuModel>();
    BUNCH_ASSIGN_OR_RETURN(model->operators_, read_operator_graph(path));
    if (!model->operators_.not_finite.empty())
        log::warn("model_weights_not_finite", {{"file", path},
                                               {"tensor", model->operators_.not_finite.front()},
                                               {"tensors", model->operators_.not_finite.size()}});
    BUNCH_RETURN_IF_ERROR(model->prepare(path, options).with_context(path));
    return std::shared_ptr<const CpuModel>(model);
}

namespace {

// What is known of the model's convolutions; a cache that does not work costs time, not the model.
std::optional<PlanCache> open_cache(const std::string& folder, const std::string& model) {
    if (folder.empty()) return std::nullopt;
    Result<PlanCache> cache = PlanCache::open(folder, model);
    if (cache.ok()) return std::move(cache).value();
    log::warn("plan_cache_unusable", {{"reason", cache.status().message()}});
    return std::nullopt;
}

}  // namespace

Status CpuModel::prepare_planned(const Graph& graph, const std::string& path,
                                 const CpuModelOptions& options) {
    ProgramOptions chosen = options.program;
    chosen.planner.precision = options.precision;
    chosen.threads = options.threads;
    const std::optional<PlanCache> cache = open_cache(options.plan_cache, path);
    if (cache) {
        chosen.timed = true;
        chosen.choices = cache->load();
    }
    BUNCH_ASSIGN_OR_RETURN(program_, Program::prepare(graph, options.max_rows, chosen));
    for (const std::string& layer : slow_layers(*program_))
        log::warn("layer_is_slow",
                  {{"file", path},
                   {"layer", layer},
                   {"reason", "oneDNN has only its reference implementation for it here"}});
    if (cache && program_->choices() != chosen.choices) {
        const Status stored = cache->store(program_->choices());
        if (!stored.ok()) log::warn("plan_cache_unusable", {{"reason", stored.message()}});
    }
    return ok_status();
}

// Layers that the file quantises run on integers; where that cannot be, the log says why.
Status CpuModel::prepare_integers(Graph& graph, const std::string& path,
                                  const CpuModelOptions& options) {
    const IntegerLayers layers = find_integer_layers(graph);
    if (layers.found == 0 && !layers.in_floats.empty())
        return unimplemented("no layer can run in int8; " + layers.in_floats.front());
    if (layers.found == 0)
        return unimplemented(
            "precision int8 needs a file whose layers stand between QuantizeLinear and "
            "DequantizeLinear (QDQ), which this one has not; quantise it first, for example with "
            "quantize_static() of onnxruntime.quantization in its QDQ format, or use f32 or bf16");
    BUNCH_RETURN_IF_ERROR(prepare_planned(graph, path, options));
    for (const auto* sentences : {&layers.in_floats, &program_->in_floats()})
        for (const std::string& sentence : *sentences)
            log::warn("layer_not_in_int8", {{"file", path}, {"reason", sentence}});
    return ok_status();
}

// The same model in f32: node by node as the standard has it where values are rounded to grids.
Result<std::unique_ptr<ModelSession>> CpuModel::open_exact(const Graph& graph,
                                                           const CpuModelOptions& options) const {
    if (options.precision == Precision::int8) {
        BUNCH_ASSIGN_OR_RETURN(auto interpreter,
                               Interpreter::prepare(operators_, options.interpreter));
        return std::unique_ptr<ModelSession>(
            std::make_unique<InterpretedSession>(shared_from_this(), std::move(interpreter)));
    }
    ProgramOptions exact = options.program;
    exact.planner.precision = Precision::f32;
    exact.timed = false;
    BUNCH_ASSIGN_OR_RETURN(auto program, Program::prepare(graph, options.max_rows, exact));
    BUNCH_ASSIGN_OR_RETURN(std::unique_ptr<Session> session, Session::open(program));
    return std::unique_ptr<ModelSession>(
        std::make_unique<PlannedSession>(std::move(program), std::move(session)));
}

Status CpuModel::check_accuracy(const Graph& graph, const CpuModelOptions& options) {
    BUNCH_ASSIGN_OR_RETURN(const auto exact, open_exact(graph, options));
    BUNCH_ASSIGN_OR_RETURN(const auto reduced, open());
    BUNCH_ASSIGN_OR_RETURN(deviation_,
                           deviation_between(graph, signature_, max_rows_, *exact, *reduced));
    if (deviation_ <= options.max_deviation) return ok_status();
    std::array<char, 160> text{};
    std::snprintf(
        text.data(), text.size(),
        "in %s its outputs differ from those in f32 by %.2g of the largest; max_deviation "
        "allows %.2g",
        std::string(name_of(options.precision)).c_str(), deviation_, options.max_deviation);
    return invalid_argument(text.data());
}

Status CpuModel::prepare(const std::string& path, const CpuModelOptions& options) {
    const bool reduced = options.precision != Precision::f32;
    const bool integers = options.precision == Precision::int8;
    BUNCH_RETURN_IF_ERROR(check_precision(options.precision));
    if (options.planned) {
        Result<Graph> graph = lower(operators_, integers);
        Status status = graph.status();
        if (status.ok()) {
            simplify(*graph, {.fold_before = options.precision != Precision::bf16});
            status = integers ? prepare_integers(*graph, path, options)
                              : prepare_planned(*graph, path, options);
        }
        if (status.ok()) {
            signature_ = program_->signature();
            max_rows_ = program_->max_rows();
            if (reduced) BUNCH_RETURN_IF_ERROR(check_accuracy(*graph, options));
            for (OperatorValue& value : operators_.values) {
                value.constant.reset();
                value.quantised.reset();
            }
            return ok_status();
        }
        if (integers && graph.ok()) return status;
        why_not_planned_ = status.message();
    } else {
        why_not_planned_ = "not asked for";
    }
    if (reduced)
        return unimplemented(
            "precision " + std::string(name_of(options.precision)) +
            " needs a model with a plan, which this one has not: " + why_not_planned_);
    interpreter_ = options.interpreter;
    BUNCH_ASSIGN_OR_RETURN(ModelProbe probe, probe_model(operators_, interpreter_));
    signature_ = std::move(probe.signature);
    why_not_batched_ = std::move(probe.why_not_batched);
    bytes_per_row_ = probe.bytes_per_row;
    max_rows_ = signature_.batched ? std::max(options.max_rows, 1U) : 1U;
    return ok_status();
}

std::uint64_t CpuModel::memory_bytes(std::uint64_t sessions) const {
    if (program_ != nullptr) return program_->weight_bytes() + sessions * program_->session_bytes();
    return constant_bytes(operators_) + sessions * bytes_per_row_ * max_rows_;
}

Result<std::unique_ptr<ModelSession>> CpuModel::open_one(bool spreads) const {
    if (program_ != nullptr) {
        BUNCH_ASSIGN_OR_RETURN(std::unique_ptr<Session> session, Session::open(program_, spreads));
        return std::unique_ptr<ModelSession>(
            std::make_unique<PlannedSession>(program_, std::move(session)));
    }
    BUNCH_ASSIGN_OR_RETURN(std::unique_ptr<Interpreter> interpreter,
                           Interpreter::prepare(operators_, interpreter_));
    return std::unique_ptr<ModelSession>(
        std::make_unique<InterpretedSession>(shared_from_this(), std::move(interpreter)));
}

Result<std::unique_ptr<ModelSession>> CpuModel::open(Team* team) const {
    if (team == nullptr || team->size() == 1) return open_one(false);
    // Where the size of a row's outputs is not known, nobody can say where the next row's begin.
    const auto& outputs = signature_.outputs;
    const bool splits = signature_.batched &&
                        std::all_of(outputs.begin(), outputs.end(), [](const TensorSpec& output) {
                            return output.shape.elements_per_row().has_value();
                        });
    if (!splits) return open_one(true);
    std::vector<std::unique_ptr<ModelSession>> sessions;
    for (unsigned worker = 0; worker < team->size(); ++worker) {
        BUNCH_ASSIGN_OR_RETURN(std::unique_ptr<ModelSession> session, open_one(false));
        sessions.push_back(std::move(session));
    }
    BUNCH_ASSIGN_OR_RETURN(std::unique_ptr<ModelSession> whole, open_one(true));
    return make_team_session(*team, std::move(whole), std::move(sessions),
                             program_ != nullptr ? program_->chunk_rows() : max_rows_);
}

}  // namespace bunch::cpu
