#include "backends/wire/segments.h"

#include <limits>
#include <optional>
#include <string>

#include "core/check.h"
#include "core/tensor.h"

namespace bunch {
namespace {

constexpr std::uint64_t kAlignment = 64;

std::uint64_t round_up(std::uint64_t bytes) {
    return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

std::uint64_t round_down(std::uint64_t bytes) {
    return bytes / kAlignment * kAlignment;
}

/// Hands out bytes of a slot one after the other.
class Cursor {
  public:
    explicit Cursor(SlotRange range) : next_(range.offset), left_(round_down(range.bytes)) {}

    std::uint64_t left() const { return left_; }

    /// The offset of `bytes` bytes, or nothing when they do not fit.
    std::optional<std::uint64_t> take(std::uint64_t bytes) {
        if (bytes > left_) return std::nullopt;
        const std::uint64_t offset = next_;
        next_ += round_up(bytes);
        left_ -= round_up(bytes);
        return offset;
    }

  private:
    std::uint64_t next_;
    std::uint64_t left_;
};

Shape shape_at(const TensorSpec& tensor, bool batched, std::uint32_t rows) {
    return batched && tensor.shape.rank() > 0 ? tensor.shape.with_rows(rows) : tensor.shape;
}

Status does_not_fit(const TensorSpec& tensor, const Shape& shape, SlotRange range) {
    return resource_exhausted("tensor '" + tensor.name + "' of shape " + shape.to_string() +
                              " does not fit a slot of " + std::to_string(range.bytes) +
                              " bytes with the batch's other tensors");
}

Status place(const TensorSpec& tensor, const Shape& shape, SlotRange range, Cursor& cursor,
             Segment& segment) {
    const auto bytes = byte_size(tensor.type, shape);
    const auto offset = bytes ? cursor.take(*bytes) : std::nullopt;
    if (!offset) return does_not_fit(tensor, shape, range);
    segment = {kArenaRegion, *offset, *bytes, tensor.type, shape};
    return ok_status();
}

Status place_inputs(const ModelSignature& signature, std::uint32_t rows,
                    std::span<const Shape> shapes, SlotRange range, Cursor& cursor,
                    std::vector<Segment>& segments) {
    for (std::size_t i = 0; i < signature.inputs.size(); ++i) {
        const TensorSpec& tensor = signature.inputs[i];
        const Shape shape = shapes.empty() ? shape_at(tensor, signature.batched, rows) : shapes[i];
        if (shape.is_open() || !tensor.shape.admits(shape)) {
            return invalid_argument("input '" + tensor.name + "' has shape " + shape.to_string() +
                                    ", the model takes " + tensor.shape.to_string());
        }
        BUNCH_RETURN_IF_ERROR(place(tensor, shape, range, cursor, segments[i]));
    }
    return ok_status();
}

Status place_outputs(const ModelSignature& signature, std::uint32_t rows, SlotRange range,
                     Cursor& cursor, std::vector<Segment>& segments) {
    std::size_t open = 0;
    for (std::size_t i = 0; i < signature.outputs.size(); ++i) {
        const TensorSpec& tensor = signature.outputs[i];
        const Shape shape = shape_at(tensor, signature.batched, rows);
        if (shape.is_open()) {
            segments[i] = {kArenaRegion, 0, 0, tensor.type, shape};
            ++open;
        } else {
            BUNCH_RETURN_IF_ERROR(place(tensor, shape, range, cursor, segments[i]));
        }
    }
    if (open == 0) return ok_status();
    const std::uint64_t share = round_down(cursor.left() / open);
    for (std::size_t i = 0; i < segments.size(); ++i) {
        if (!segments[i].shape.is_open()) continue;
        if (share == 0) return does_not_fit(signature.outputs[i], segments[i].shape, range);
        segments[i].offset = *cursor.take(share);
        segments[i].bytes = share;
    }
    return ok_status();
}

}  // namespace

SlotRange slot_range(std::uint64_t arena_bytes, std::uint32_t slots, SlotId slot) {
    BUNCH_CHECK(slot.value < slots);
    const std::uint64_t share = round_down(arena_bytes / slots);
    return {share * slot.value, share};
}

Status lay_out(const ModelSignature& signature, std::uint32_t rows,
               std::span<const Shape> input_shapes, SlotRange range, BatchLayout& layout) {
    BUNCH_CHECK(input_shapes.empty() || input_shapes.size() == signature.inputs.size());
    layout.inputs.resize(signature.inputs.size());
    layout.outputs.resize(signature.outputs.size());
    Cursor cursor(range);
    BUNCH_RETURN_IF_ERROR(
        place_inputs(signature, rows, input_shapes, range, cursor, layout.inputs));
    return place_outputs(signature, rows, range, cursor, layout.outputs);
}

std::uint32_t rows_that_fit(const ModelSignature& signature, std::uint64_t slot_bytes) {
    BatchLayout layout;
    const auto fits = [&](std::uint32_t rows) {
        return lay_out(signature, rows, {}, {0, slot_bytes}, layout).code() !=
               StatusCode::resource_exhausted;
    };
    if (!signature.batched) return fits(1) ? 1 : 0;
    std::uint32_t most = 0;
    for (std::uint32_t bit = std::uint32_t{1} << 31; bit != 0; bit >>= 1) {
        if (fits(most | bit)) most |= bit;
    }
    return most;
}

}  // namespace bunch
