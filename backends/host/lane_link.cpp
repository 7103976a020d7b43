#include "backends/host/lane_link.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/check.h"

namespace bunch {
namespace {

/// Puts a runner's timestamps between two of our own, each not before the one above it: they end
/// up in metrics and in the cost model, whatever the runner says.
DeviceTimes within(const DeviceTimes& times, TimePoint first, TimePoint last) {
    DeviceTimes sane;
    sane.transfer_begin = std::clamp(times.transfer_begin, first, last);
    sane.compute_begin = std::clamp(times.compute_begin, sane.transfer_begin, last);
    sane.compute_end = std::clamp(times.compute_end, sane.compute_begin, last);
    sane.transfer_end = std::clamp(times.transfer_end, sane.compute_end, last);
    return sane;
}

}  // namespace

LaneLink::LaneLink(LaneId id, Channel channel, Arena arena, std::uint32_t slots)
    : id_(id),
      channel_(std::move(channel)),
      arena_(std::make_shared<const Arena>(std::move(arena))),
      slots_(slots),
      free_(slots) {
    BUNCH_CHECK(slots >= 1 && slots <= wire::kMaxSlots);
    batches_.reserve(slots);
}

std::uint64_t LaneLink::slot_bytes() const {
    return slot_range(arena_->bytes().size(), slots(), SlotId{0}).bytes;
}

Result<BatchInputs> LaneLink::begin(BatchId batch, ModelId model, const ModelSignature& signature,
                                    std::uint32_t rows, std::span<const Shape> input_shapes) {
    const auto free = std::find_if(slots_.begin(), slots_.end(),
                                   [](const Slot& slot) { return slot.state == SlotState::free; });
    BUNCH_CHECK(free != slots_.end());
    Slot& slot = *free;
    const SlotId id{static_cast<std::uint32_t>(free - slots_.begin())};
    const SlotRange range = slot_range(arena_->bytes().size(), slots(), id);
    BUNCH_RETURN_IF_ERROR(lay_out(signature, rows, input_shapes, range, layout_));
    slot.message.batch = batch;
    slot.message.slot = id;
    slot.message.model = model;
    std::swap(slot.message.inputs, layout_.inputs);
    std::swap(slot.message.outputs, layout_.outputs);
    slot.inputs.clear();
    for (const Segment& segment : slot.message.inputs) {
        slot.inputs.push_back(
            {segment.type, segment.shape, arena_->bytes().subspan(segment.offset, segment.bytes)});
    }
    slot.state = SlotState::filling;
    --free_;
    return BatchInputs{id, slot.inputs};
}

Status LaneLink::run(SlotId id, TimePoint now) {
    Slot& slot = slots_.at(id.value);
    BUNCH_CHECK(slot.state == SlotState::filling);
    encode(slot.message, outgoing_);
    BUNCH_RETURN_IF_ERROR(channel_.send(outgoing_));
    slot.sent = now;
    slot.state = SlotState::running;
    batches_.push_back(slot.message.batch);
    return ok_status();
}

Status LaneLink::check(const wire::BatchDone& done) const {
    const auto broken = [](const std::string& what) {
        return invalid_argument("the runner answered a batch wrongly: " + what);
    };
    if (done.slot.value >= slots_.size())
        return broken("its slot " + std::to_string(done.slot.value) + " does not exist");
    const Slot& slot = slots_[done.slot.value];
    if (slot.state != SlotState::running || slot.message.batch != done.batch) {
        return broken("batch " + std::to_string(done.batch.value) + " is not in slot " +
                      std::to_string(done.slot.value));
    }
    if (!done.status.ok()) return ok_status();
    const std::vector<Segment>& outputs = slot.message.outputs;
    if (done.output_shapes.size() != outputs.size()) {
        return broken("it has " + std::to_string(done.output_shapes.size()) + " outputs, not " +
                      std::to_string(outputs.size()));
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        const Shape& shape = done.output_shapes[i];
        const auto bytes = byte_size(outputs[i].type, shape);
        if (shape.is_open() || !outputs[i].shape.admits(shape) || !bytes ||
            *bytes > outputs[i].bytes) {
            return broken("output " + std::to_string(i) + " has shape " + shape.to_string() +
                          ", asked for was " + outputs[i].shape.to_string() + " in " +
                          std::to_string(outputs[i].bytes) + " bytes");
        }
    }
    return ok_status();
}

BatchReport LaneLink::report(Slot& slot, TimePoint now) {
    slot.outputs.clear();
    for (std::size_t i = 0; done_.status.ok() && i < done_.output_shapes.size(); ++i) {
        const Segment& segment = slot.message.outputs[i];
        const std::uint64_t bytes = *byte_size(segment.type, done_.output_shapes[i]);
        slot.outputs.emplace_back(segment.type, done_.output_shapes[i],
                                  arena_->bytes().subspan(segment.offset, bytes));
    }
    slot.state = SlotState::reported;
    std::erase(batches_, slot.message.batch);
    return {done_.batch,  done_.slot,   slot.message.model,
            done_.status, slot.outputs, within(done_.times, slot.sent, std::max(now, slot.sent))};
}

Result<std::optional<BatchReport>> LaneLink::receive(TimePoint now) {
    BUNCH_ASSIGN_OR_RETURN(const Received received, channel_.receive(incoming_));
    if (received == Received::nothing) return std::optional<BatchReport>();
    if (received == Received::closed) return unavailable("the runner has closed the lane");
    BUNCH_RETURN_IF_ERROR(decode(incoming_.bytes(), done_));
    BUNCH_RETURN_IF_ERROR(check(done_));
    return std::optional<BatchReport>(report(slots_[done_.slot.value], now));
}

void LaneLink::release(SlotId id) {
    Slot& slot = slots_.at(id.value);
    BUNCH_CHECK(slot.state == SlotState::filling || slot.state == SlotState::reported);
    slot.state = SlotState::free;
    ++free_;
}

}  // namespace bunch
