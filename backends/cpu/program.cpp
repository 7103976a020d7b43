#include "backends/cpu/program.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "backends/cpu/threads.h"

namespace bunch::cpu {
namespace {

constexpr std::int64_t kMaxMicroRows = 256;
// What one node may read and write per plan: more falls out of a core's caches. ResNet-50 (6.4 MB a
// row) so runs image by image, which docs/CPU.md shows to be no slower than 32 at once.
constexpr std::size_t kActivationBudget = std::size_t{4} << 20;

// Bytes of what the busiest node reads and writes for one row.
std::size_t activation_bytes(const Graph& graph) {
    std::size_t most = 1;
    for (const Node& node : graph.nodes) {
        std::size_t bytes = 0;
        const auto add = [&](ValueId id) {
            const Value& value = graph.at(id);
            const Shape shape = value.carries_rows() ? value.shape.with_rows(1) : value.shape;
            if (!value.constant) bytes += byte_size(value.type, shape).value_or(0);
        };
        for (const ValueId id : node.inputs) add(id);
        add(node.output);
        most = std::max(most, bytes);
    }
    return most;
}

// The largest power of two that keeps activations within the budget.
std::int64_t choose_micro_rows(const Graph& graph) {
    const std::size_t fitting = kActivationBudget / activation_bytes(graph);
    std::int64_t rows = 1;
    while (rows * 2 <= static_cast<std::int64_t>(fitting) && rows * 2 <= kMaxMicroRows) rows *= 2;
    return rows;
}

std::size_t row_bytes_of(const TensorSpec& tensor, bool batched) {
    const Shape shape = batched ? tensor.shape.with_rows(1) : tensor.shape;
    return static_cast<std::size_t>(byte_size(tensor.type, shape).value_or(0));
}

}  // namespace

Result<std::shared_ptr<const Program>> Program::prepare(const Graph& graph, std::uint32_t max_rows,
                                                        const ProgramOptions& options) {
    use_one_thread();
    std::shared_ptr<Program> program(new Program);
    BUNCH_ASSIGN_OR_RETURN(program->signature_, signature_of(graph));
    const bool batched = program->signature_.batched;
    program->max_rows_ = batched ? std::max(max_rows, 1U) : 1U;
    std::int64_t rows = 1;
    if (batched) {
        const std::int64_t micro =
            options.micro_rows > 0 ? options.micro_rows : choose_micro_rows(graph);
        while (rows * 2 <= std::min<std::int64_t>(micro, program->max_rows_)) rows *= 2;
    }
    WeightCache weights(dnnl::engine(dnnl::engine::kind::cpu, 0));
    for (; rows >= 1; rows /= 2) {
        BUNCH_ASSIGN_OR_RETURN(Plan plan, make_plan(graph, rows, weights, options.planner));
        program->arena_bytes_ = std::max(program->arena_bytes_, plan.arena_bytes);
        program->scratch_bytes_ = std::max(program->scratch_bytes_, plan.scratch_bytes);
        program->plans_.push_back(std::move(plan));
        if (program->plans_.back().any_rows) break;
    }
    program->weight_bytes_ = weights.memory_bytes();
    for (const Step& step : program->plans_.front().steps)
        if (const auto* mlp = std::get_if<MlpStep>(&step))
            program->weight_bytes_ += mlp->mlp->memory_bytes();
    return std::shared_ptr<const Program>(std::move(program));
}

Session::Session(std::shared_ptr<const Program> program)
    : program_(std::move(program)),
      arena_(program_->arena_bytes()),
      scratch_(program_->scratch_bytes()) {
    if (arena_.size() > 0) std::memset(arena_.address(), 0, arena_.size());
    if (scratch_.size() > 0) std::memset(scratch_.address(), 0, scratch_.size());
    for (const Plan& plan : program_->plans())
        executions_.emplace_back(plan, static_cast<std::byte*>(arena_.address()),
                                 static_cast<std::byte*>(scratch_.address()));
    const ModelSignature& signature = program_->signature();
    for (const TensorSpec& tensor : signature.inputs)
        input_row_bytes_.push_back(row_bytes_of(tensor, signature.batched));
    for (const TensorSpec& tensor : signature.outputs)
        output_row_bytes_.push_back(row_bytes_of(tensor, signature.batched));
    inputs_.resize(signature.inputs.size());
    outputs_.resize(signature.outputs.size());
}

Result<std::unique_ptr<Session>> Session::open(std::shared_ptr<const Program> program) {
    try {
        return std::unique_ptr<Session>(new Session(std::move(program)));
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
    if (inputs.size() != signature.inputs.size() || outputs.size() != signature.outputs.size())
        return invalid_argument("a batch has " + std::to_string(inputs.size()) + " inputs and " +
                                std::to_string(outputs.size()) + " outputs; the model has " +
                                std::to_string(signature.inputs.size()) + " and " +
                                std::to_string(signature.outputs.size()));
    for (std::size_t i = 0; i < inputs.size(); ++i)
        BUNCH_RETURN_IF_ERROR(check_view(signature.inputs[i], inputs[i], signature.batched,
                                         input_row_bytes_[i], rows));
    for (std::size_t i = 0; i < outputs.size(); ++i)
        BUNCH_RETURN_IF_ERROR(check_view(signature.outputs[i], outputs[i], signature.batched,
                                         output_row_bytes_[i], rows));
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
    for (std::size_t i = 0; i < executions_.size(); ++i) executions_[i].record(&times_[i]);
}

// 13 rows run as 8 + 4 + 1.
Status Session::run_rows(std::size_t rows) {
    std::size_t plan = 0;
    while (rows > 0) {
        const Plan& chosen = program_->plans()[plan];
        const std::size_t part = chosen.any_rows ? rows : static_cast<std::size_t>(chosen.rows);
        if (part > rows) {
            ++plan;
            continue;
        }
        BUNCH_RETURN_IF_ERROR(executions_[plan].run(part, inputs_, outputs_));
        for (std::size_t i = 0; i < inputs_.size(); ++i) inputs_[i] += part * input_row_bytes_[i];
        for (std::size_t i = 0; i < outputs_.size(); ++i)
            outputs_[i] += part * output_row_bytes_[i];
        rows -= part;
    }
    return ok_status();
}

}  // namespace bunch::cpu
