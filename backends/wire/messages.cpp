#include "backends/wire/messages.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <set>
#include <string_view>
#include <utility>

#include "backends/wire/channel.h"
#include "backends/wire/encoding.h"
#include "core/check.h"

namespace bunch::wire {
namespace {

// The index in ControlMessage, then the two of a lane.
enum class Kind : std::uint16_t {
    hello,
    refused,
    open_lane,
    lane_opened,
    load,
    loaded,
    unload,
    ping,
    pong,
    stop,
    activate,
    activated,
    fault,
    run_batch,
    batch_done,
};
constexpr Duration kMaxLoadTime = std::chrono::hours(1);

static_assert(std::variant_size_v<ControlMessage> == static_cast<std::size_t>(Kind::run_batch));

// ---- parts of messages ----

void put(Writer& w, const Status& status) {
    w.number(status.code());
    w.text(std::string_view(status.message()).substr(0, kMaxTextBytes));
}

Status get_status(Reader& r) {
    const auto code = r.number_up_to<std::uint8_t>(16, "a status code is none");
    std::string message = r.text(kMaxTextBytes);
    if (code == 0) return ok_status();
    return {static_cast<StatusCode>(code), std::move(message)};
}

/// A reading is its bits; one that there is not, those of a NaN.
void put(Writer& w, const std::optional<double>& reading) {
    w.number(
        std::bit_cast<std::uint64_t>(reading.value_or(std::numeric_limits<double>::quiet_NaN())));
}

std::optional<double> get_reading(Reader& r) {
    const auto reading = std::bit_cast<double>(r.number<std::uint64_t>());
    if (std::isnan(reading)) return std::nullopt;
    if (!std::isfinite(reading)) r.fail("a reading is not finite");
    return reading;
}

void put(Writer& w, const Shape& shape) {
    w.number(static_cast<std::uint8_t>(shape.rank()));
    for (const std::int64_t extent : shape.extents()) w.number(extent);
}

Shape get_shape(Reader& r) {
    std::array<std::int64_t, kMaxRank> extents{};
    const auto rank = r.number_up_to<std::uint8_t>(kMaxRank, "a shape has too many dimensions");
    for (std::size_t i = 0; i < rank; ++i) extents[i] = r.number<std::int64_t>();
    const auto shape = Shape::from(std::span(extents).first(rank));
    if (!shape) r.fail("a shape has a negative extent");
    return shape.value_or(Shape());
}

DataType get_type(Reader& r) {
    const auto number = r.number<std::uint8_t>();
    if (is_data_type(number)) return static_cast<DataType>(number);
    r.fail("a data type is none");
    return DataType::f32;
}

void put(Writer& w, const std::vector<TensorSpec>& tensors) {
    w.number(static_cast<std::uint32_t>(tensors.size()));
    for (const TensorSpec& tensor : tensors) {
        w.text(tensor.name);
        w.number(tensor.type);
        put(w, tensor.shape);
        w.number(static_cast<std::uint8_t>(tensor.dimensions.size()));
        for (const std::string& name : tensor.dimensions) w.text(name);
    }
}

std::vector<TensorSpec> get_tensors(Reader& r) {
    const auto count = r.number_up_to<std::uint32_t>(kMaxTensors, "a model has too many tensors");
    std::vector<TensorSpec> tensors;
    for (std::uint32_t i = 0; i < count && !r.failed(); ++i) {
        TensorSpec& tensor = tensors.emplace_back();
        tensor.name = r.text(kMaxNameBytes);
        tensor.type = get_type(r);
        tensor.shape = get_shape(r);
        const auto names = r.number_up_to<std::uint8_t>(kMaxRank, "a shape has too many names");
        if (names != 0 && names != tensor.shape.rank())
            r.fail("a shape has other than one name for each extent");
        for (std::uint8_t n = 0; n < names && !r.failed(); ++n)
            tensor.dimensions.push_back(r.text(kMaxNameBytes));
    }
    return tensors;
}

bool get_flag(Reader& r) {
    return r.number_up_to<std::uint8_t>(1, "a truth value is neither 0 nor 1") == 1;
}

void put(Writer& w, const ModelSignature& signature) {
    w.number(static_cast<std::uint8_t>(signature.batched));
    put(w, signature.inputs);
    put(w, signature.outputs);
}

ModelSignature get_signature(Reader& r) {
    ModelSignature signature;
    signature.batched = get_flag(r);
    signature.inputs = get_tensors(r);
    signature.outputs = get_tensors(r);
    return signature;
}

void put(Writer& w, const std::vector<Segment>& segments) {
    BUNCH_CHECK(segments.size() <= kMaxTensors);
    w.number(static_cast<std::uint32_t>(segments.size()));
    for (const Segment& segment : segments) {
        w.number(segment.region);
        w.number(segment.offset);
        w.number(segment.bytes);
        w.number(segment.type);
        put(w, segment.shape);
    }
}

void get_segments(Reader& r, std::vector<Segment>& segments) {
    segments.resize(r.number_up_to<std::uint32_t>(kMaxTensors, "a batch has too many tensors"));
    for (Segment& segment : segments) {
        segment.region = r.number<std::uint32_t>();
        segment.offset = r.number<std::uint64_t>();
        segment.bytes = r.number<std::uint64_t>();
        segment.type = get_type(r);
        segment.shape = get_shape(r);
    }
}

void put(Writer& w, TimePoint time) {
    w.number(std::int64_t{time.time_since_epoch().count()});
}

TimePoint get_time(Reader& r) {
    return TimePoint(Duration(r.number<std::int64_t>()));
}

// ---- bodies of control messages ----

void put_body(Writer& w, const Hello& m) {
    w.text(m.device.device_class);
    w.number(m.device.lanes);
    w.number(m.device.slots_per_lane);
    w.number(m.device.memory_bytes);
}

void get_body(Reader& r, Hello& m) {
    m.device.device_class = r.text(kMaxNameBytes);
    m.device.lanes = r.number_up_to<std::uint32_t>(kMaxLanes, "a device has too many lanes");
    m.device.slots_per_lane = r.number_up_to<std::uint32_t>(kMaxSlots, "a lane has too many slots");
    m.device.memory_bytes = r.number<std::uint64_t>();
    if (m.device.device_class.empty()) r.fail("the device class is empty");
    if (m.device.lanes == 0 || m.device.slots_per_lane == 0)
        r.fail("a device has no lanes or no slots");
}

void put_body(Writer& w, const Refused& m) {
    w.text(std::string_view(m.reason).substr(0, kMaxTextBytes));
}

void get_body(Reader& r, Refused& m) {
    m.reason = r.text(kMaxTextBytes);
}

void put_body(Writer& w, const OpenLane& m) {
    w.number(m.index);
    w.number(m.slots);
    w.number(m.arena_bytes);
}

void get_body(Reader& r, OpenLane& m) {
    m.index = r.number_up_to<std::uint32_t>(kMaxLanes - 1, "a lane's index is too large");
    m.slots = r.number_up_to<std::uint32_t>(kMaxSlots, "a lane has too many slots");
    m.arena_bytes = r.number<std::uint64_t>();
    if (m.slots == 0) r.fail("a lane has no slots");
}

void put_body(Writer& w, const LaneOpened& m) {
    w.number(m.index);
    put(w, m.status);
}

void get_body(Reader& r, LaneOpened& m) {
    m.index = r.number_up_to<std::uint32_t>(kMaxLanes - 1, "a lane's index is too large");
    m.status = get_status(r);
}

void put_body(Writer& w, const Load& m) {
    w.number(m.model.value);
    w.text(m.spec.name);
    w.text(m.spec.version);
    w.text(m.spec.path);
    put(w, m.spec.signature);
    w.number(m.spec.precision);
    w.number(m.spec.numerics);
    w.number(m.spec.max_batch_rows);
}

void get_body(Reader& r, Load& m) {
    m.model.value = r.number<std::uint32_t>();
    m.spec.name = r.text(kMaxNameBytes);
    m.spec.version = r.text(kMaxNameBytes);
    m.spec.path = r.text(kMaxTextBytes);
    m.spec.signature = get_signature(r);
    m.spec.precision =
        static_cast<Precision>(r.number_up_to<std::uint8_t>(2, "a precision is none"));
    m.spec.numerics = static_cast<Numerics>(r.number_up_to<std::uint8_t>(2, "a numerics is none"));
    m.spec.max_batch_rows = r.number<std::uint32_t>();
    if (m.spec.max_batch_rows == 0) r.fail("a model may have no rows");
}

void put_body(Writer& w, const Loaded& m) {
    w.number(m.model.value);
    put(w, m.status);
    put(w, m.loaded.signature);
    w.number(m.loaded.max_batch_rows);
    w.number(m.loaded.memory_bytes);
    w.text(m.loaded.arithmetic);
    w.text(m.loaded.image);
    w.number(static_cast<std::uint8_t>(m.loaded.resident));
    w.number(std::int64_t{m.loaded.load_time.count()});
}

bool are_told_apart(const std::vector<TensorSpec>& tensors) {
    std::set<std::string_view> names;
    return std::all_of(tensors.begin(), tensors.end(),
                       [&](const TensorSpec& tensor) { return names.insert(tensor.name).second; });
}

bool is_usable(const ModelSignature& signature) {
    if (signature.inputs.empty() || signature.outputs.empty()) return false;
    if (!are_told_apart(signature.inputs) || !are_told_apart(signature.outputs)) return false;
    if (!signature.batched) return true;
    const auto counts_rows = [](const TensorSpec& tensor) {
        return tensor.shape.rank() > 0 && tensor.shape[0] == kAnyExtent;
    };
    return std::all_of(signature.inputs.begin(), signature.inputs.end(), counts_rows) &&
           std::all_of(signature.outputs.begin(), signature.outputs.end(), counts_rows);
}

void get_body(Reader& r, Loaded& m) {
    m.model.value = r.number<std::uint32_t>();
    m.status = get_status(r);
    m.loaded.signature = get_signature(r);
    m.loaded.max_batch_rows = r.number<std::uint32_t>();
    m.loaded.memory_bytes = r.number<std::uint64_t>();
    m.loaded.arithmetic = r.text(kMaxNameBytes);
    m.loaded.image = r.text(kMaxNameBytes);
    m.loaded.resident = get_flag(r);
    m.loaded.load_time = Duration(r.number<std::int64_t>());
    if (!m.status.ok()) return;
    if (m.loaded.image.empty() && !m.loaded.resident)
        r.fail("a model without an image is not here");
    if (m.loaded.load_time < Duration{} || m.loaded.load_time > kMaxLoadTime)
        r.fail("a load takes an impossible time");
    if (!is_usable(m.loaded.signature)) r.fail("a loaded model's signature is not usable");
    if (m.loaded.max_batch_rows == 0) r.fail("a loaded model may have no rows");
}

void put_body(Writer& w, const Unload& m) {
    w.number(m.model.value);
}

void get_body(Reader& r, Unload& m) {
    m.model.value = r.number<std::uint32_t>();
}

void put_body(Writer& w, const Ping& m) {
    w.number(m.number);
}

void get_body(Reader& r, Ping& m) {
    m.number = r.number<std::uint64_t>();
}

void put_body(Writer& w, const Pong& m) {
    w.number(m.number);
    put(w, m.readings.celsius);
    put(w, m.readings.watts);
    put(w, m.readings.hertz);
}

void get_body(Reader& r, Pong& m) {
    m.number = r.number<std::uint64_t>();
    m.readings.celsius = get_reading(r);
    m.readings.watts = get_reading(r);
    m.readings.hertz = get_reading(r);
}

void put_body(Writer& w, const Activate& m) {
    w.number(m.model.value);
}

void get_body(Reader& r, Activate& m) {
    m.model.value = r.number<std::uint32_t>();
}

void put_body(Writer& w, const Activated& m) {
    w.number(m.model.value);
    put(w, m.status);
}

void get_body(Reader& r, Activated& m) {
    m.model.value = r.number<std::uint32_t>();
    m.status = get_status(r);
}

void put_body(Writer& w, const Fault& m) {
    w.number(m.fault.kind);
    w.number(static_cast<std::uint8_t>(m.fault.ends_runner));
    w.text(std::string_view(m.fault.message).substr(0, kMaxTextBytes));
}

void get_body(Reader& r, Fault& m) {
    m.fault.kind = static_cast<FaultKind>(
        r.number_up_to<std::uint8_t>(kFaultKinds - 1, "a fault is of no kind"));
    m.fault.ends_runner = get_flag(r);
    m.fault.message = r.text(kMaxTextBytes);
}

void put_body(Writer&, const Stop&) {}

void get_body(Reader&, Stop&) {}

// ---- heads and ends ----

void put_head(Writer& w, Kind kind) {
    w.number(kind);
    w.number(kWireVersion);
}

Status malformed(const char* why) {
    return invalid_argument(std::string("malformed message between daemon and runner: ") + why);
}

Status finish(Reader& r) {
    if (r.failed()) return malformed(r.why());
    if (!r.at_end()) return malformed("it is longer than its contents");
    return ok_status();
}

Result<Kind> get_head(Reader& r) {
    const auto kind = r.number<std::uint16_t>();
    const auto version = r.number<std::uint16_t>();
    if (r.failed()) return malformed(r.why());
    if (version != kWireVersion) {
        return invalid_argument("the other end speaks version " + std::to_string(version) +
                                " of the runner protocol, this one speaks version " +
                                std::to_string(kWireVersion) +
                                ": daemon and runner must be of one installation");
    }
    if (kind > static_cast<std::uint16_t>(Kind::batch_done)) return malformed("its kind is none");
    return static_cast<Kind>(kind);
}

Status expect(Reader& r, Kind wanted) {
    BUNCH_ASSIGN_OR_RETURN(const Kind kind, get_head(r));
    return kind == wanted ? ok_status() : malformed("this kind does not belong on a lane");
}

template <typename Message>
Result<ControlMessage> decode_body(Reader& r) {
    Message message;
    get_body(r, message);
    BUNCH_RETURN_IF_ERROR(finish(r));
    return ControlMessage(std::move(message));
}

/// The variant's alternatives are in the order of Kind, so its index picks the decoder.
template <std::size_t... Index>
Result<ControlMessage> decode_kind(Reader& r, std::size_t kind, std::index_sequence<Index...>) {
    using Decoder = Result<ControlMessage> (*)(Reader&);
    constexpr Decoder decoders[] = {
        &decode_body<std::variant_alternative_t<Index, ControlMessage>>...};
    return decoders[kind](r);
}

}  // namespace

Status encode(const ControlMessage& message, std::vector<std::byte>& out) {
    Writer w(out);
    put_head(w, static_cast<Kind>(message.index()));
    std::visit([&](const auto& body) { put_body(w, body); }, message);
    if (out.size() > kMaxPacketBytes) return invalid_argument("a message is longer than 64 KiB");
    // What the other end would refuse is refused here, by the same code.
    return decode_control(out).status();
}

Result<ControlMessage> decode_control(std::span<const std::byte> bytes) {
    Reader r(bytes);
    BUNCH_ASSIGN_OR_RETURN(const Kind kind, get_head(r));
    if (kind >= Kind::run_batch) return malformed("this kind belongs on a lane");
    return decode_kind(r, static_cast<std::size_t>(kind),
                       std::make_index_sequence<std::variant_size_v<ControlMessage>>());
}

void encode(const RunBatch& message, std::vector<std::byte>& out) {
    Writer w(out);
    put_head(w, Kind::run_batch);
    w.number(message.batch.value);
    w.number(message.slot.value);
    w.number(message.model.value);
    put(w, message.inputs);
    put(w, message.outputs);
}

void encode(const BatchDone& message, std::vector<std::byte>& out) {
    BUNCH_CHECK(message.output_shapes.size() <= kMaxTensors);
    Writer w(out);
    put_head(w, Kind::batch_done);
    w.number(message.batch.value);
    w.number(message.slot.value);
    put(w, message.status);
    w.number(static_cast<std::uint32_t>(message.output_shapes.size()));
    for (const Shape& shape : message.output_shapes) put(w, shape);
    put(w, message.times.transfer_begin);
    put(w, message.times.compute_begin);
    put(w, message.times.compute_end);
    put(w, message.times.transfer_end);
}

Status decode(std::span<const std::byte> bytes, RunBatch& into) {
    Reader r(bytes);
    BUNCH_RETURN_IF_ERROR(expect(r, Kind::run_batch));
    into.batch.value = r.number<std::uint64_t>();
    into.slot.value = r.number<std::uint32_t>();
    into.model.value = r.number<std::uint32_t>();
    get_segments(r, into.inputs);
    get_segments(r, into.outputs);
    return finish(r);
}

Status decode(std::span<const std::byte> bytes, BatchDone& into) {
    Reader r(bytes);
    BUNCH_RETURN_IF_ERROR(expect(r, Kind::batch_done));
    into.batch.value = r.number<std::uint64_t>();
    into.slot.value = r.number<std::uint32_t>();
    into.status = get_status(r);
    into.output_shapes.resize(
        r.number_up_to<std::uint32_t>(kMaxTensors, "a batch has too many outputs"));
    for (Shape& shape : into.output_shapes) shape = get_shape(r);
    into.times.transfer_begin = get_time(r);
    into.times.compute_begin = get_time(r);
    into.times.compute_end = get_time(r);
    into.times.transfer_end = get_time(r);
    return finish(r);
}

}  // namespace bunch::wire
