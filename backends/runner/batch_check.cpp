#include "backends/runner/batch_check.h"

#include <optional>
#include <string>

namespace bunch {
namespace {

Status wrong(const TensorSpec& tensor, const std::string& what) {
    return invalid_argument("tensor '" + tensor.name + "' of a batch " + what);
}

/// `rows` is set by the first tensor of a batched model, and kept by the others.
Status check_segment(const Segment& segment, const TensorSpec& tensor, bool batched,
                     std::uint64_t arena_bytes, std::optional<std::int64_t>& rows) {
    if (segment.region != kArenaRegion || segment.offset % 64 != 0 || segment.bytes > arena_bytes ||
        segment.offset > arena_bytes - segment.bytes)
        return wrong(tensor, "does not lie in the lane's arena");
    if (segment.type != tensor.type || !tensor.shape.admits(segment.shape)) {
        return wrong(tensor, "has shape " + segment.shape.to_string() + ", the model's is " +
                                 tensor.shape.to_string());
    }
    if (!batched) return ok_status();
    if (!rows) rows = segment.shape[0];
    if (segment.shape[0] != *rows) return wrong(tensor, "has other rows than the one before it");
    return ok_status();
}

Status check_tensors(const std::vector<Segment>& segments, const std::vector<TensorSpec>& tensors,
                     bool batched, std::uint64_t arena_bytes, std::optional<std::int64_t>& rows) {
    if (segments.size() != tensors.size()) {
        return invalid_argument("a batch has " + std::to_string(segments.size()) +
                                " tensors where the model has " + std::to_string(tensors.size()));
    }
    for (std::size_t i = 0; i < segments.size(); ++i)
        BUNCH_RETURN_IF_ERROR(check_segment(segments[i], tensors[i], batched, arena_bytes, rows));
    return ok_status();
}

}  // namespace

Status check_batch(const wire::RunBatch& batch, const LoadedModel& model,
                   std::uint64_t arena_bytes) {
    const ModelSignature& signature = model.signature;
    std::optional<std::int64_t> rows;
    BUNCH_RETURN_IF_ERROR(
        check_tensors(batch.inputs, signature.inputs, signature.batched, arena_bytes, rows));
    BUNCH_RETURN_IF_ERROR(
        check_tensors(batch.outputs, signature.outputs, signature.batched, arena_bytes, rows));
    for (std::size_t i = 0; i < batch.inputs.size(); ++i) {
        if (byte_size(batch.inputs[i].type, batch.inputs[i].shape) != batch.inputs[i].bytes)
            return wrong(signature.inputs[i], "has a size that its shape does not give");
    }
    if (signature.batched && (*rows < 1 || *rows > std::int64_t{model.max_batch_rows})) {
        return invalid_argument("a batch has " + std::to_string(*rows) +
                                " rows, the model was loaded for 1 to " +
                                std::to_string(model.max_batch_rows));
    }
    return ok_status();
}

Status check_completion(const wire::RunBatch& batch, const Completion& completion) {
    if (!completion.status.ok()) return completion.status;
    if (completion.output_shapes.size() != batch.outputs.size())
        return internal_error("the backend gave a batch a wrong number of outputs");
    for (std::size_t i = 0; i < batch.outputs.size(); ++i) {
        const Shape& shape = completion.output_shapes[i];
        const Segment& segment = batch.outputs[i];
        const auto bytes = byte_size(segment.type, shape);
        if (!bytes || !segment.shape.admits(shape)) {
            return internal_error("the backend gave output " + std::to_string(i) + " the shape " +
                                  shape.to_string() + ", asked for was " +
                                  segment.shape.to_string());
        }
        if (*bytes > segment.bytes) {
            return resource_exhausted("output " + std::to_string(i) + " of shape " +
                                      shape.to_string() + " does not fit the " +
                                      std::to_string(segment.bytes) +
                                      " bytes left in its slot: raise arena_bytes of the device");
        }
    }
    return ok_status();
}

}  // namespace bunch
