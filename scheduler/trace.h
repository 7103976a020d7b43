/// What the scheduler was told and what it decided, as slots of 64 bytes: so that an incident can
/// be replayed. A pure codec: no files, no clock. Who keeps the slots is daemon/trace_ring.h, who
/// plays them is bench/replay.
///
/// An event takes one slot; configurations, devices and learnt curves take as many more as their
/// bytes need. Slots are words in the byte order of x86 and ARM, and hold no tensor data.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "core/call.h"
#include "core/result.h"
#include "core/time.h"
#include "scheduler/decision.h"
#include "scheduler/events.h"

namespace bunch::trace {

struct alignas(64) Slot {
    std::array<std::uint64_t, 8> words{};

    friend bool operator==(const Slot&, const Slot&) = default;
};

// The functions of Scheduler with their arguments.
struct Configure {
    SchedulerConfig config;
};
struct Submit {
    Ticket ticket;
};
struct Cancel {
    CallId call;
};
struct DeviceUp {
    DeviceInfo device;
};
struct DeviceLost {
    DeviceId device;
};
struct DeviceGone {
    DeviceId device;
};
struct InstanceUp {
    InstanceInfo instance;
};
struct InstanceDown {
    InstanceId instance;
};
struct BatchStarted {
    BatchId batch;
};
struct BatchDone {
    BatchId batch;
    RunReport report;
};
struct LaneLost {
    LaneId lane;
};
struct Drain {};
struct Recall {
    std::vector<LearntCurve> curves;
};

/// decide() was called, and gave this many decisions with this fingerprint_of().
struct Decide {
    std::uint32_t decisions = 0;
    std::uint64_t fingerprint = 0;
};

/// Up to Live there follow events that did not happen, but stand for the state at this moment,
/// which may be the last one of the trace: the configuration, what was learnt, devices, instances,
/// and a Submit for each open call, at the time of its arrival. `left_out` open calls had no place.
struct Snapshot {
    std::uint64_t left_out = 0;
};
struct Live {};

/// The index is the event's number on disk: add at the end only.
using What = std::variant<Configure, Submit, Cancel, DeviceUp, DeviceLost, DeviceGone, InstanceUp,
                          InstanceDown, BatchStarted, BatchDone, LaneLost, Drain, Recall, Decide,
                          Snapshot, Live>;

struct Event {
    TimePoint at;
    What what;
};

// What takes one slot. Nothing allocates.
Slot encode(TimePoint at, const Ticket& submitted);
Slot encode(TimePoint at, const Cancel& event);
Slot encode(TimePoint at, const DeviceLost& event);
Slot encode(TimePoint at, const DeviceGone& event);
Slot encode(TimePoint at, const InstanceUp& event);
Slot encode(TimePoint at, const InstanceDown& event);
Slot encode(TimePoint at, const BatchStarted& event);
Slot encode(TimePoint at, BatchId done, const RunReport& report);
Slot encode(TimePoint at, const LaneLost& event);
Slot encode(TimePoint at, const Drain& event);
Slot encode(TimePoint at, const Decide& event);
Slot encode(TimePoint at, const Snapshot& event);
Slot encode(TimePoint at, const Live& event);

/// Any event, appended.
void append(const Event& event, std::vector<Slot>& slots);

/// A number over all that the decisions say but the texts of statuses: equal decisions have equal
/// ones.
std::uint64_t fingerprint_of(std::span<const Decision> decisions);

/// Reads events one after the other.
class Reader {
  public:
    /// The slots must outlive the reader.
    explicit Reader(std::span<const Slot> slots) : slots_(slots) {}

    /// Nothing at the end. invalid_argument names the slot and what is wrong with it; nothing can
    /// be read after that.
    Result<std::optional<Event>> next();

  private:
    std::span<const Slot> slots_;
    std::size_t next_ = 0;
};

/// What a file says of itself.
struct Header {
    std::uint64_t seed = 0;           ///< of the scheduler
    std::uint64_t events_before = 0;  ///< that are not in it; 0: it begins with the daemon
    /// What to add to a time of the trace for nanoseconds since 1970.
    std::int64_t since_1970 = 0;

    friend bool operator==(const Header&, const Header&) = default;
};

struct File {
    Header header;
    std::vector<Slot> slots;
};

/// A file is a slot with the header, and then the events' slots.
Slot encode(const Header& header);
Result<File> parse_file(std::span<const std::byte> bytes);

}  // namespace bunch::trace
