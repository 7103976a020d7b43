/// The daemon's end of one lane of a device: its channel, its arena, and which batch is in which
/// slot. Made by RunnerHost, then owned by the reactor. Knows nothing of calls: whoever uses it
/// fills the views of a batch and reads its outputs.
///
/// A lane runs its batches in the order in which they were sent, so of the batches that are with a
/// lane which dies, only the oldest can have started: batches().front().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "backends/wire/arena.h"
#include "backends/wire/channel.h"
#include "backends/wire/device.h"
#include "backends/wire/messages.h"
#include "backends/wire/segments.h"
#include "core/ids.h"
#include "core/model.h"
#include "core/result.h"
#include "core/tensor.h"
#include "core/time.h"

namespace bunch {

/// A batch that may be filled in. Views lie in the slot and are valid until its release().
struct BatchInputs {
    SlotId slot;
    std::span<const TensorView> inputs;  ///< in the order of the signature
};

/// A batch that came back. Views lie in the slot and are valid until its release().
struct BatchReport {
    BatchId batch;
    SlotId slot;
    ModelId model;
    Status status;
    std::span<const ConstTensorView> outputs;  ///< in the order of the signature; empty on failure
    DeviceTimes times;                         ///< ordered, and between run() and receive()
};

class LaneLink {
  public:
    /// `slots` between 1 and kMaxSlots.
    LaneLink(LaneId id, Channel channel, Arena arena, std::uint32_t slots);

    LaneId id() const { return id_; }

    /// For poll: readable means receive() has something to say.
    int fd() const { return channel_.fd(); }

    std::uint32_t slots() const { return static_cast<std::uint32_t>(slots_.size()); }

    /// Slots that begin() could take now.
    std::uint32_t free_slots() const { return free_; }

    /// Bytes of one slot.
    std::uint64_t slot_bytes() const;

    /// Takes a free slot (there must be one) for a batch. The signature is that of LoadedModel and
    /// is read here only. `input_shapes` in order, empty: the signature's with `rows` rows; a model
    /// that is not batched and has open extents needs them. `resource_exhausted` or
    /// `invalid_argument` as lay_out() says; then no slot is taken.
    Result<BatchInputs> begin(BatchId batch, ModelId model, const ModelSignature& signature,
                              std::uint32_t rows, std::span<const Shape> input_shapes = {});

    /// Sends a batch that begin() made, its inputs now filled in. Never blocks. Any failure means
    /// that the lane is lost.
    Status run(SlotId slot, TimePoint now);

    /// The next batch that came back, or nothing. A failure means that the lane is lost: the runner
    /// is gone, or broke the rules. A batch that failed is a report with a failed status.
    Result<std::optional<BatchReport>> receive(TimePoint now);

    /// Gives the slot of a report (or of a batch that was begun and never run) back.
    void release(SlotId slot);

    /// Batches that were sent and are not back, oldest first.
    std::span<const BatchId> batches() const { return batches_; }

    /// Keeps the mapping of reported outputs alive beyond this object, for answers that are still
    /// being sent from it when the lane is lost.
    std::shared_ptr<const Arena> arena() const { return arena_; }

  private:
    enum class SlotState : std::uint8_t { free, filling, running, reported };
    struct Slot {
        SlotState state = SlotState::free;
        wire::RunBatch message;
        TimePoint sent;
        std::vector<TensorView> inputs;
        std::vector<ConstTensorView> outputs;
    };

    Status check(const wire::BatchDone& done) const;
    BatchReport report(Slot& slot, TimePoint now);

    LaneId id_;
    Channel channel_;
    std::shared_ptr<const Arena> arena_;  // shared: see arena()
    std::vector<Slot> slots_;
    std::uint32_t free_;
    std::vector<BatchId> batches_;
    BatchLayout layout_;
    wire::BatchDone done_;
    std::vector<std::byte> outgoing_;
    Packet incoming_;
};

}  // namespace bunch
