/// Everything that daemon and runner say to each other. This file, not a C++ interface, is what a
/// runner must agree with the daemon on; every message begins with its kind and kWireVersion.
///
/// A runner may be broken or hostile, so a decoder checks every count, length, enumerator and
/// extent, and reports what is wrong as invalid_argument. What only the receiver can know (is this
/// slot in use, does this segment lie in my arena) the receiver checks.
///
/// Control channel, daemon to runner: OpenLane, Load, Unload, Activate, Ping, Stop; back: Hello or
/// Refused first of all, then LaneOpened, Loaded, Activated, Pong, and Fault at any time. Lane
/// channel: RunBatch there, BatchDone back, and nothing else. Lanes are opened before the first
/// model is loaded; a runner without lanes only tries whether a model could be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "backends/wire/device.h"
#include "backends/wire/segments.h"
#include "core/ids.h"
#include "core/model.h"
#include "core/result.h"

namespace bunch::wire {

/// Changes whenever the meaning or layout of a message does.
inline constexpr std::uint16_t kWireVersion = 4;

/// Bounds of what a message may hold.
inline constexpr std::uint32_t kMaxTensors = 64;  ///< inputs of a model; outputs likewise
inline constexpr std::uint32_t kMaxLanes = 256;
inline constexpr std::uint32_t kMaxSlots = 64;
inline constexpr std::uint32_t kMaxNameBytes = 1024;
inline constexpr std::uint32_t kMaxTextBytes = 4096;  ///< paths; longer reasons are cut

/// The runner offers its device.
struct Hello {
    DeviceDescription device;
    friend bool operator==(const Hello&, const Hello&) = default;
};

/// The runner cannot offer a device on this host, and will not on another try; it ends with 78.
struct Refused {
    std::string reason;
    friend bool operator==(const Refused&, const Refused&) = default;
};

/// Comes with two descriptors: the runner's end of the lane channel, and the arena.
struct OpenLane {
    std::uint32_t index = 0;
    std::uint32_t slots = 1;
    std::uint64_t arena_bytes = 0;
    friend bool operator==(const OpenLane&, const OpenLane&) = default;
};

struct LaneOpened {
    std::uint32_t index = 0;
    Status status;
    friend bool operator==(const LaneOpened&, const LaneOpened&) = default;
};

/// Of `spec` only name, version, path, signature, precision, numerics and max_batch_rows travel.
struct Load {
    ModelId model;
    ModelSpec spec;
};

/// `loaded` means something only if `status` is ok. Then it holds a usable signature: at least one
/// input and one output, all inputs and all outputs of different names, and with `batched` every
/// first extent open.
struct Loaded {
    ModelId model;
    Status status;
    LoadedModel loaded;
    friend bool operator==(const Loaded&, const Loaded&) = default;
};

struct Unload {
    ModelId model;
    friend bool operator==(const Unload&, const Unload&) = default;
};

/// Make the image of this model, which is loaded, the one that the device holds. Nothing is on any
/// lane until the answer.
struct Activate {
    ModelId model;
    friend bool operator==(const Activate&, const Activate&) = default;
};

struct Activated {
    ModelId model;
    Status status;
    friend bool operator==(const Activated&, const Activated&) = default;
};

/// The device broke. A runner whose device is of no use then waits to be ended.
struct Fault {
    DeviceFault fault;
    friend bool operator==(const Fault&, const Fault&) = default;
};

struct Ping {
    std::uint64_t number = 0;
    friend bool operator==(const Ping&, const Ping&) = default;
};

struct Pong {
    std::uint64_t number = 0;
    DeviceReadings readings{};
    friend bool operator==(const Pong&, const Pong&) = default;
};

/// End with exit code 0.
struct Stop {
    friend bool operator==(const Stop&, const Stop&) = default;
};

using ControlMessage = std::variant<Hello, Refused, OpenLane, LaneOpened, Load, Loaded, Unload,
                                    Ping, Pong, Stop, Activate, Activated, Fault>;

/// Replaces `out`. Fails with invalid_argument if the message is above one of the bounds.
Status encode(const ControlMessage& message, std::vector<std::byte>& out);

Result<ControlMessage> decode_control(std::span<const std::byte> bytes);

/// Run this batch. The runner may touch the segments from now until its BatchDone.
struct RunBatch {
    BatchId batch;
    SlotId slot;
    ModelId model;
    std::vector<Segment> inputs;
    std::vector<Segment> outputs;
    friend bool operator==(const RunBatch&, const RunBatch&) = default;
};

/// The batch is through and the segments are the daemon's again.
struct BatchDone {
    BatchId batch;
    SlotId slot;
    Status status;
    std::vector<Shape> output_shapes;  ///< in the order of the signature; empty on failure
    DeviceTimes times;
    friend bool operator==(const BatchDone&, const BatchDone&) = default;
};

/// These two are on the path of every batch: a reused `out` takes no memory anew. At most
/// kMaxTensors inputs, outputs or shapes: more is our own bug.
void encode(const RunBatch& message, std::vector<std::byte>& out);
void encode(const BatchDone& message, std::vector<std::byte>& out);

/// `into` is overwritten whole on success and of no use on failure.
Status decode(std::span<const std::byte> bytes, RunBatch& into);
Status decode(std::span<const std::byte> bytes, BatchDone& into);

}  // namespace bunch::wire
