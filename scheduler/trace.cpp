#include "scheduler/trace.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>

#include "scheduler/trace_payload.h"

namespace bunch::trace {
namespace {

static_assert(std::endian::native == std::endian::little, "slots are copied as they lie");
static_assert(sizeof(Slot) == 64);

constexpr std::uint64_t kMagic = 0x3143525448434e42;  // "BNCHTRC1": the last digit is the version
constexpr std::size_t kHeadWords = 2;                 // time; kind and small fields
constexpr std::size_t kHeadBytes = sizeof(Slot) - kHeadWords * sizeof(std::uint64_t);

template <typename T, typename... Kinds>
constexpr std::size_t index_in(std::type_identity<std::variant<Kinds...>>) {
    std::size_t index = 0;
    static_cast<void>(((std::is_same_v<T, Kinds> ? false : (++index, true)) && ...));
    return index;
}
template <typename T>
constexpr std::uint64_t kKind = index_in<T>(std::type_identity<What>());

std::uint64_t pair_of(std::uint32_t low, std::uint32_t high) {
    return std::uint64_t{high} << 32 | low;
}
std::uint32_t low_of(std::uint64_t word) {
    return static_cast<std::uint32_t>(word);
}
std::uint32_t high_of(std::uint64_t word) {
    return static_cast<std::uint32_t>(word >> 32);
}
std::uint64_t word_of(Duration span) {
    return static_cast<std::uint64_t>(span.count());
}
std::uint64_t word_of(TimePoint at) {
    return word_of(at.time_since_epoch());
}
Duration duration_of(std::uint64_t word) {
    return Duration(static_cast<std::int64_t>(word));
}
TimePoint time_of(std::uint64_t word) {
    return TimePoint(duration_of(word));
}

/// The second word of a slot: kind, two small numbers and a count.
template <typename T>
std::uint64_t head_of(std::uint8_t a = 0, std::uint8_t b = 0, std::uint32_t count = 0) {
    return kKind<T> | std::uint64_t{a} << 8 | std::uint64_t{b} << 16 | std::uint64_t{count} << 32;
}
std::uint8_t first_of(const Slot& slot) {
    return static_cast<std::uint8_t>(slot.words[1] >> 8);
}
std::uint8_t second_of(const Slot& slot) {
    return static_cast<std::uint8_t>(slot.words[1] >> 16);
}

// ---- what takes more than one slot: bytes behind the head.

template <typename T>
void append_long(TimePoint at, const T& event, std::vector<Slot>& slots) {
    const std::vector<std::byte> payload = payload_of(event);
    std::span<const std::byte> left = payload;
    Slot head;
    head.words[0] = word_of(at);
    head.words[1] = head_of<T>(0, 0, static_cast<std::uint32_t>(left.size()));
    const std::size_t in_head = std::min(left.size(), kHeadBytes);
    std::memcpy(&head.words[kHeadWords], left.data(), in_head);
    slots.push_back(head);
    for (left = left.subspan(in_head); !left.empty();) {
        const std::size_t size = std::min(left.size(), sizeof(Slot));
        std::memcpy(slots.emplace_back().words.data(), left.data(), size);
        left = left.subspan(size);
    }
}

/// The bytes behind the head of slots[0]; nothing if there are not as many.
std::optional<std::vector<std::byte>> bytes_behind(std::span<const Slot> slots) {
    const std::size_t size = high_of(slots[0].words[1]);
    const std::size_t room = kHeadBytes + (slots.size() - 1) * sizeof(Slot);
    if (size > room) return std::nullopt;
    const auto* begin = reinterpret_cast<const std::byte*>(&slots[0].words[kHeadWords]);
    return std::vector<std::byte>(begin, begin + size);
}

template <typename T>
Result<T> read_long(std::span<const Slot> slots, std::size_t& used) {
    auto bytes = bytes_behind(slots);
    if (!bytes) return invalid_argument("announces more bytes than follow");
    used = 1 + (std::max(bytes->size(), kHeadBytes) - kHeadBytes + sizeof(Slot) - 1) / sizeof(Slot);
    T event;
    if (!read_payload(std::move(*bytes), event))
        return invalid_argument("has fields that do not fill its bytes");
    return event;
}

// ---- what takes one slot.

Submit read_submit(const Slot& slot) {
    const auto& words = slot.words;
    Ticket ticket;
    ticket.call = CallId{words[2]};
    ticket.client = ClientId{words[3]};
    ticket.deadline = time_of(words[4]);
    ticket.bytes = words[5];
    ticket.model = ModelId{low_of(words[6])};
    ticket.tenant = TenantId{high_of(words[6])};
    ticket.rows = low_of(words[7]);
    ticket.shape_class = high_of(words[7]);
    ticket.priority = first_of(slot);
    ticket.late_ok = second_of(slot) != 0;
    return {ticket};
}

Result<What> read_instance(const Slot& slot) {
    const auto& words = slot.words;
    if (first_of(slot) > static_cast<std::uint8_t>(InstanceState::loadable))
        return invalid_argument("has an instance in no known state");
    InstanceInfo info;
    info.instance = InstanceId{low_of(words[2])};
    info.model = ModelId{high_of(words[2])};
    info.device = DeviceId{low_of(words[3])};
    info.max_batch_rows = high_of(words[3]);
    info.image = low_of(words[4]);
    info.load_time = duration_of(words[5]);
    info.state = static_cast<InstanceState>(first_of(slot));
    return What(InstanceUp{info});
}

Result<What> read_done(const Slot& slot) {
    const auto& words = slot.words;
    if (first_of(slot) > static_cast<std::uint8_t>(StatusCode::unauthenticated))
        return invalid_argument("has a status of no known code");
    return What(BatchDone{BatchId{words[2]},
                          {static_cast<StatusCode>(first_of(slot)), duration_of(words[3]),
                           duration_of(words[4]), duration_of(words[5])}});
}

template <typename T>
Result<What> widened(Result<T> event) {
    if (!event.ok()) return event.status();
    return What(std::move(*event));
}

/// The event that begins with slots[0], and how many it takes.
Result<What> read_event(std::span<const Slot> slots, std::size_t& used) {
    const Slot& slot = slots[0];
    const std::uint32_t number = low_of(slot.words[2]);
    used = 1;
    switch (slot.words[1] & 0xff) {
        case kKind<Configure>:
            return widened(read_long<Configure>(slots, used));
        case kKind<Submit>:
            return What(read_submit(slot));
        case kKind<Cancel>:
            return What(Cancel{CallId{slot.words[2]}});
        case kKind<DeviceUp>:
            return widened(read_long<DeviceUp>(slots, used));
        case kKind<DeviceLost>:
            return What(DeviceLost{DeviceId{number}});
        case kKind<DeviceGone>:
            return What(DeviceGone{DeviceId{number}});
        case kKind<InstanceUp>:
            return read_instance(slot);
        case kKind<InstanceDown>:
            return What(InstanceDown{InstanceId{number}});
        case kKind<BatchStarted>:
            return What(BatchStarted{BatchId{slot.words[2]}});
        case kKind<BatchDone>:
            return read_done(slot);
        case kKind<LaneLost>:
            return What(LaneLost{LaneId{number}});
        case kKind<Drain>:
            return What(Drain{});
        case kKind<Recall>:
            return widened(read_long<Recall>(slots, used));
        case kKind<Decide>:
            return What(Decide{high_of(slot.words[1]), slot.words[2]});
        case kKind<Snapshot>:
            return What(Snapshot{slot.words[2]});
        case kKind<Live>:
            return What(Live{});
        default:
            return invalid_argument("is of no known kind");
    }
}

}  // namespace

Slot encode(TimePoint at, const Ticket& ticket) {
    return {{word_of(at), head_of<Submit>(ticket.priority, ticket.late_ok ? 1 : 0),
             ticket.call.value, ticket.client.value, word_of(ticket.deadline), ticket.bytes,
             pair_of(ticket.model.value, ticket.tenant.value),
             pair_of(ticket.rows, ticket.shape_class)}};
}
Slot encode(TimePoint at, const Cancel& event) {
    return {{word_of(at), head_of<Cancel>(), event.call.value}};
}
Slot encode(TimePoint at, const DeviceLost& event) {
    return {{word_of(at), head_of<DeviceLost>(), event.device.value}};
}
Slot encode(TimePoint at, const DeviceGone& event) {
    return {{word_of(at), head_of<DeviceGone>(), event.device.value}};
}
Slot encode(TimePoint at, const InstanceUp& event) {
    const InstanceInfo& info = event.instance;
    return {{word_of(at), head_of<InstanceUp>(static_cast<std::uint8_t>(info.state)),
             pair_of(info.instance.value, info.model.value),
             pair_of(info.device.value, info.max_batch_rows), info.image, word_of(info.load_time)}};
}
Slot encode(TimePoint at, const InstanceDown& event) {
    return {{word_of(at), head_of<InstanceDown>(), event.instance.value}};
}
Slot encode(TimePoint at, const BatchStarted& event) {
    return {{word_of(at), head_of<BatchStarted>(), event.batch.value}};
}
Slot encode(TimePoint at, BatchId done, const RunReport& report) {
    return {{word_of(at), head_of<BatchDone>(static_cast<std::uint8_t>(report.code)), done.value,
             word_of(report.gather), word_of(report.transfer), word_of(report.compute)}};
}
Slot encode(TimePoint at, const LaneLost& event) {
    return {{word_of(at), head_of<LaneLost>(), event.lane.value}};
}
Slot encode(TimePoint at, const Drain&) {
    return {{word_of(at), head_of<Drain>()}};
}
Slot encode(TimePoint at, const Decide& event) {
    return {{word_of(at), head_of<Decide>(0, 0, event.decisions), event.fingerprint}};
}
Slot encode(TimePoint at, const Snapshot& event) {
    return {{word_of(at), head_of<Snapshot>(), event.left_out}};
}
Slot encode(TimePoint at, const Live&) {
    return {{word_of(at), head_of<Live>()}};
}

void append(const Event& event, std::vector<Slot>& slots) {
    std::visit(
        [&]<typename T>(const T& what) {
            if constexpr (std::is_same_v<T, Configure> || std::is_same_v<T, DeviceUp> ||
                          std::is_same_v<T, Recall>) {
                append_long(event.at, what, slots);
            } else if constexpr (std::is_same_v<T, Submit>) {
                slots.push_back(encode(event.at, what.ticket));
            } else if constexpr (std::is_same_v<T, BatchDone>) {
                slots.push_back(encode(event.at, what.batch, what.report));
            } else {
                slots.push_back(encode(event.at, what));
            }
        },
        event.what);
}

namespace {

/// Fowler, Noll and Vo's hash with words in place of bytes, and a shift against its weak lower
/// bits.
class Hash {
  public:
    void mix(std::uint64_t word) {
        value_ = (value_ ^ word) * 0x100000001b3u;
        value_ ^= value_ >> 29;
    }
    void mix(const Dispatch& dispatch) {
        const Batch& batch = dispatch.batch;
        mix(batch.id.value);
        mix(pair_of(batch.model.value, batch.instance.value));
        mix(pair_of(batch.lane.value, batch.rows));
        mix(static_cast<std::uint64_t>(dispatch.closed_by));
        mix(word_of(dispatch.predicted_run));
        for (const Slice& slice : batch.slices) {
            mix(slice.call.value);
            mix(pair_of(slice.first_row, slice.rows));
        }
    }
    void mix(const Reject& reject) {
        mix(reject.call.value);
        mix(pair_of(static_cast<std::uint32_t>(reject.status.code()),
                    static_cast<std::uint32_t>(reject.reason)));
    }
    void mix(const Load& load) { mix(pair_of(load.model.value, load.device.value)); }
    std::uint64_t value() const { return value_; }

  private:
    std::uint64_t value_ = 0xcbf29ce484222325u;
};

}  // namespace

std::uint64_t fingerprint_of(std::span<const Decision> decisions) {
    Hash hash;
    for (const Decision& decision : decisions) {
        hash.mix(std::uint64_t{decision.index()});
        std::visit([&](const auto& one) { hash.mix(one); }, decision);
    }
    return hash.value();
}

Result<std::optional<Event>> Reader::next() {
    if (next_ == slots_.size()) return std::optional<Event>();
    std::size_t used = 0;
    Result<What> what = read_event(slots_.subspan(next_), used);
    if (!what.ok())
        return invalid_argument("slot " + std::to_string(next_) + " " + what.status().message());
    Event event{time_of(slots_[next_].words[0]), std::move(*what)};
    next_ += used;
    return std::optional<Event>(std::move(event));
}

Slot encode(const Header& header) {
    return {
        {kMagic, header.seed, header.events_before, static_cast<std::uint64_t>(header.since_1970)}};
}

Result<File> parse_file(std::span<const std::byte> bytes) {
    Slot first;
    if (bytes.size() < sizeof(Slot))
        return invalid_argument("it has " + std::to_string(bytes.size()) +
                                " bytes, a trace has at least 64");
    std::memcpy(&first, bytes.data(), sizeof(Slot));
    constexpr std::uint64_t kVersion = std::uint64_t{0xff} << 56;
    if ((first.words[0] & ~kVersion) != (kMagic & ~kVersion))
        return invalid_argument("it does not begin as a trace does");
    if (first.words[0] != kMagic)
        return invalid_argument("it is a trace of another version; use the bunch of its daemon");
    if (bytes.size() % sizeof(Slot) != 0)
        return invalid_argument("it was cut: " + std::to_string(bytes.size()) +
                                " bytes are no whole number of slots of 64");
    File file;
    file.header = {first.words[1], first.words[2], static_cast<std::int64_t>(first.words[3])};
    file.slots.resize(bytes.size() / sizeof(Slot) - 1);
    std::memcpy(file.slots.data(), bytes.data() + sizeof(Slot), bytes.size() - sizeof(Slot));
    return file;
}

}  // namespace bunch::trace
