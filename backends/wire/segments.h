/// Where the tensors of a batch lie in a lane's arena. Pure arithmetic.
///
/// Each of a lane's slots owns an equal share of the arena, and a batch takes from its slot what
/// its actual rows need: inputs, then outputs, each at a multiple of 64 bytes. Nothing fragments,
/// and memory that no batch was large enough to touch is never taken from the system.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/data_type.h"
#include "core/ids.h"
#include "core/model.h"
#include "core/shape.h"

namespace bunch {

/// The region of a segment that lies in the lane's own arena. There are no others yet.
inline constexpr std::uint32_t kArenaRegion = 0;

/// One tensor of a batch. For an output, `bytes` is how much room it has, and extents that only the
/// run can tell are kAnyExtent.
struct Segment {
    std::uint32_t region = kArenaRegion;
    std::uint64_t offset = 0;  ///< from the start of the region; a multiple of 64
    std::uint64_t bytes = 0;
    DataType type = DataType::f32;
    Shape shape;

    friend bool operator==(const Segment&, const Segment&) = default;
};

/// Bytes [offset, offset + bytes) of an arena.
struct SlotRange {
    std::uint64_t offset = 0;
    std::uint64_t bytes = 0;
};

/// The share of `slot`, one of `slots`, in an arena of `arena_bytes`.
SlotRange slot_range(std::uint64_t arena_bytes, std::uint32_t slots, SlotId slot);

/// Both in the order of the signature. Reuse one: its vectors keep their memory.
struct BatchLayout {
    std::vector<Segment> inputs;
    std::vector<Segment> outputs;
};

/// Places a batch of `rows` rows into `range`. `input_shapes` are those of the inputs, in order;
/// empty: what the signature says with `rows` rows. Outputs with open extents share the room that
/// is left. `resource_exhausted` if the batch does not fit, `invalid_argument` if an input shape is
/// open or not admitted by the signature.
Status lay_out(const ModelSignature& signature, std::uint32_t rows,
               std::span<const Shape> input_shapes, SlotRange range, BatchLayout& layout);

/// The most rows of which inputs and outputs fit into `slot_bytes`; 0 if not even one does. For a
/// model that is not batched 1 or 0. Inputs with open extents besides the rows set no limit: then
/// lay_out() decides, batch by batch.
std::uint32_t rows_that_fit(const ModelSignature& signature, std::uint64_t slot_bytes);

}  // namespace bunch
