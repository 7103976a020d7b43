#include "backends/cpu/execution.h"

#include <cstring>

#include "backends/cpu/threads.h"

namespace bunch::cpu {
namespace {

void* address_of(const Place& place, std::byte* arena, std::byte* scratch) {
    switch (place.kind) {
        case Place::Kind::arena:
            return arena + place.offset;
        case Place::Kind::scratch:
            return scratch;
        case Place::Kind::weights:
            return place.address;
        case Place::Kind::input:
        case Place::Kind::output:
            return DNNL_MEMORY_NONE;  // set for every run
    }
    return DNNL_MEMORY_NONE;
}

}  // namespace

Execution::Execution(const Plan& plan, std::byte* arena, std::byte* scratch)
    : plan_(&plan), arena_(arena), scratch_(scratch), stream_(plan.engine) {
    for (const Step& step : plan.steps)
        if (const auto* primitive = std::get_if<PrimitiveStep>(&step))
            bind(*primitive, arena, scratch);
}

// dnnl::primitive::execute() builds its arguments anew for every call; small layers would notice.
void Execution::bind(const PrimitiveStep& step, std::byte* arena, std::byte* scratch) {
    bound_.push_back({step.primitive.get(), arguments_.size(), step.arguments.size()});
    for (const Argument& argument : step.arguments) {
        const Place& place = argument.place;
        memories_.emplace_back(argument.desc, plan_->engine, address_of(place, arena, scratch));
        arguments_.push_back({argument.number, memories_.back().get()});
        if (place.kind == Place::Kind::input || place.kind == Place::Kind::output)
            externals_.push_back({memories_.size() - 1, place});
    }
}

const std::byte* Execution::source(const Place& place, std::span<const std::byte* const> inputs,
                                   std::span<std::byte* const> outputs) const {
    switch (place.kind) {
        case Place::Kind::input:
            return inputs[place.index];
        case Place::Kind::output:
            return outputs[place.index];
        case Place::Kind::weights:
            return static_cast<const std::byte*>(place.address);
        default:
            return arena_ + place.offset;
    }
}

void Execution::run_concat(const ConcatStep& step, std::span<const std::byte* const> inputs,
                           std::span<std::byte* const> outputs) const {
    std::size_t whole = 0, offset = 0;
    for (const ConcatStep::Source& piece : step.sources) whole += piece.bytes;
    auto* to = const_cast<std::byte*>(source(step.destination, inputs, outputs));
    for (const ConcatStep::Source& piece : step.sources) {
        const std::byte* from = source(piece.place, inputs, outputs);
        for (std::size_t i = 0; i < step.count; ++i)
            std::memcpy(to + i * whole + offset, from + i * piece.bytes, piece.bytes);
        offset += piece.bytes;
    }
}

void Execution::run_winograd(const WinogradStep& step, std::span<const std::byte* const> inputs,
                             std::span<std::byte* const> outputs) const {
    const auto* from = reinterpret_cast<const float*>(source(step.source, inputs, outputs));
    auto* to =
        reinterpret_cast<float*>(const_cast<std::byte*>(source(step.destination, inputs, outputs)));
    const auto run_part = [&](std::size_t part) {
        step.run(step.layer, from, to, step.parts[part],
                 reinterpret_cast<float*>(scratch_) + part * step.scratch_floats);
    };
    if (step.parts.size() == 1)
        run_part(0);
    else
        run_on_threads(static_cast<unsigned>(step.parts.size()), run_part);
}

Status Execution::run_step(const Step& step, std::size_t& next, std::size_t rows,
                           std::span<const std::byte* const> inputs,
                           std::span<std::byte* const> outputs) {
    if (const auto* mlp = std::get_if<MlpStep>(&step)) {
        auto* to = const_cast<std::byte*>(source(mlp->destination, inputs, outputs));
        mlp->mlp->run(reinterpret_cast<const float*>(source(mlp->source, inputs, outputs)),
                      reinterpret_cast<float*>(to),
                      mlp->carries_rows ? rows : static_cast<std::size_t>(mlp->rows));
        return ok_status();
    }
    if (const auto* conv = std::get_if<WinogradStep>(&step)) {
        run_winograd(*conv, inputs, outputs);
        return ok_status();
    }
    if (const auto* dense = std::get_if<StreamedStep>(&step)) {
        auto* to = const_cast<std::byte*>(source(dense->destination, inputs, outputs));
        dense->run(dense->layer,
                   reinterpret_cast<const float*>(source(dense->source, inputs, outputs)),
                   reinterpret_cast<float*>(to), static_cast<long>(dense->rows));
        return ok_status();
    }
    if (const auto* concat = std::get_if<ConcatStep>(&step)) {
        run_concat(*concat, inputs, outputs);
        return ok_status();
    }
    if (const auto* quantise = std::get_if<QuantiseStep>(&step)) {
        auto* to = const_cast<std::byte*>(source(quantise->destination, inputs, outputs));
        quantise->run(quantise->layer,
                      reinterpret_cast<const float*>(source(quantise->source, inputs, outputs)),
                      reinterpret_cast<unsigned char*>(to));
        return ok_status();
    }
    const Bound& bound = bound_[next++];
    const dnnl_status_t status =
        dnnl_primitive_execute(bound.primitive, stream_.get(), static_cast<int>(bound.count),
                               arguments_.data() + bound.first);
    if (status == dnnl_success) return ok_status();
    return internal_error(std::get<PrimitiveStep>(step).description +
                          ": oneDNN failed with status " + std::to_string(status));
}

Status Execution::run(std::size_t rows, std::span<const std::byte* const> inputs,
                      std::span<std::byte* const> outputs) {
    for (const External& external : externals_) {
        // oneDNN has no const handles; inputs are only read.
        auto* bytes = const_cast<std::byte*>(source(external.place, inputs, outputs));
        if (dnnl_memory_set_data_handle(memories_[external.memory].get(), bytes) != dnnl_success)
            return internal_error("oneDNN refused a tensor's memory");
    }
    std::size_t bound = 0;
    for (std::size_t i = 0; i < plan_->steps.size(); ++i) {
        const TimePoint begin = times_ != nullptr ? now() : TimePoint();
        BUNCH_RETURN_IF_ERROR(run_step(plan_->steps[i], bound, rows, inputs, outputs));
        if (times_ != nullptr) (*times_)[i] += now() - begin;
    }
    return ok_status();
}

}  // namespace bunch::cpu
