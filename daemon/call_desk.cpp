#include "daemon/call_desk.h"

#include "core/check.h"
#include "core/rows.h"

namespace bunch {
namespace {

// Of one output of a call that ran in slices. Where the signature says how large outputs are, the
// frontend has refused such calls already.
constexpr std::uint64_t kMaxJoinedBytes = std::uint64_t{1} << 30;

/// `count` rows of a tensor from row `first` on, where they lie.
ConstTensorView rows_of(const ConstTensorView& tensor, std::uint32_t first, std::uint32_t count) {
    const std::size_t row = *tensor.shape.elements_per_row() * size_of(tensor.type);
    return {tensor.type, tensor.shape.with_rows(count),
            tensor.bytes.subspan(first * row, count * row)};
}

/// Time in a slot behind an earlier batch is waiting, so it counts as part of the queue.
void set_times(const BatchOutcome& outcome, Timeline& times) {
    const Duration in_slot = outcome.times.transfer_begin - outcome.gathered;
    times.dispatched = outcome.dispatched + in_slot;
    times.transferred = outcome.times.transfer_begin;
    times.compute_begin = outcome.times.compute_begin;
    times.compute_end = outcome.times.compute_end;
    times.returned = outcome.returned;
}

/// The slice's part of the batch's time on the device, in nanoseconds.
std::uint64_t compute_of(const Slice& slice, const BatchOutcome& outcome) {
    const Duration all = outcome.times.compute_end - outcome.times.compute_begin;
    return static_cast<std::uint64_t>(all.count()) * slice.rows / outcome.rows;
}

/// Adds a word to "one+another", unless it is there.
void note(std::string& list, std::string_view word) {
    if (("+" + list + "+").find("+" + std::string(word) + "+") != std::string::npos) return;
    if (!list.empty()) list += '+';
    list += word;
}

}  // namespace

CallDesk::CallDesk(CallSlab& slab, ModelTable& models, TenantTable& tenants, Metrics& metrics)
    : slab_(slab), models_(models), tenants_(tenants), daemon_metrics_(metrics.daemon()) {
    for (const ServedModel& model : models.all())
        model_metrics_.push_back(&metrics.model(model.spec.name, model.spec.version));
}

void CallDesk::deliver(const Slice& slice, std::uint32_t batch_row, const BatchOutcome& outcome) {
    OpenCall* open = slab_.find(slice.call);
    if (open == nullptr) {
        daemon_metrics_.drop_reply(DroppedReply::call_closed);
        return;
    }
    set_times(outcome, open->call.times);
    tenants_.metrics_of(open->call.tenant).compute.add(compute_of(slice, outcome));
    answer_.status = ok_status();
    answer_.device_class = outcome.device_class;
    answer_.precision = outcome.precision;
    answer_.outputs.clear();
    const ServedModel& model = *models_.find(open->call.model);
    if (slice.rows == open->call.rows && !model.padding.cuts_outputs()) {
        const bool batched = model.spec.signature.batched;
        for (const ConstTensorView& output : outcome.outputs)
            answer_.outputs.push_back(batched ? rows_of(output, batch_row, slice.rows) : output);
        answer(slice.call, *open);
        return;
    }
    if (!collect(*open, slice, batch_row, outcome)) {
        fail(slice.call, internal_error("the device gave parts of this request outputs of "
                                        "different shapes, which cannot be joined"));
        return;
    }
    note(open->device_classes, outcome.device_class);
    note(open->precisions, outcome.precision);
    open->rows_left -= slice.rows;
    if (open->rows_left > 0) return;
    answer_.device_class = open->device_classes;
    answer_.precision = open->precisions;
    for (const Tensor& output : open->outputs) answer_.outputs.push_back(output.view());
    answer(slice.call, *open);
}

/// Copies the slice's rows, cut back where they were padded, to the call's own outputs. False if
/// one is too large, or the rows do not fit those of the slices before: a model may
/// leave extents of its outputs open, and then it is the runner that says them, batch by batch.
bool CallDesk::collect(OpenCall& open, const Slice& slice, std::uint32_t batch_row,
                       const BatchOutcome& outcome) {
    const Padding& padding = models_.find(open.call.model)->padding;
    const auto wanted = [&](std::size_t i) {
        return padding.cut(i, outcome.outputs[i].shape.with_rows(open.call.rows), open.call.inputs);
    };
    if (open.outputs.empty()) {
        for (std::size_t i = 0; i < outcome.outputs.size(); ++i) {
            const ConstTensorView& output = outcome.outputs[i];
            const Shape shape = wanted(i);
            const auto bytes = byte_size(output.type, shape);
            if (!bytes || *bytes > kMaxJoinedBytes) return false;
            open.outputs.push_back({output.type, shape, Buffer::allocate(*bytes)});
        }
    }
    for (std::size_t i = 0; i < outcome.outputs.size(); ++i) {
        if (open.outputs[i].shape != wanted(i)) return false;
        scatter(outcome.outputs[i], batch_row, slice.rows, open.outputs[i].view(), slice.first_row);
    }
    return true;
}

void CallDesk::answer(CallId id, OpenCall& open) {
    Call& call = open.call;
    Frontend& frontend = *frontends_[call.origin.frontend];
    frontend.answer(call, answer_);
    record(frontend, open, answer_.status.code());
    ServedModel& model = *models_.find(call.model);
    ++(answer_.status.ok() ? model.served : model.failed);
    slab_.close(id);
}

void CallDesk::fail(CallId id, const Status& status) {
    OpenCall* open = slab_.find(id);
    if (open == nullptr) return;
    answer_.status = status;
    answer_.outputs.clear();
    answer_.device_class = answer_.precision = {};
    answer(id, *open);
}

void CallDesk::forget(CallId id) {
    OpenCall* open = slab_.find(id);
    if (open == nullptr) return;
    Frontend& frontend = *frontends_[open->call.origin.frontend];
    frontend.forget(open->call);
    record(frontend, *open, StatusCode::cancelled);
    slab_.close(id);
}

void CallDesk::record(const Frontend& frontend, OpenCall& open, StatusCode outcome) {
    Call& call = open.call;
    call.times.answered = now();
    metrics_of(call.model).record(call.times, frontend.protocol(), outcome, call.rows);
    tenants_.metrics_of(call.tenant).record(outcome, call.rows, open.input_bytes);
    ServedModel& model = *models_.find(call.model);
    if (model.has_shape_classes) model.shape_classes.release(call.shape_class);
}

}  // namespace bunch
