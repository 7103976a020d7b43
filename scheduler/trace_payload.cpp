#include "scheduler/trace_payload.h"

#include <cstring>
#include <string>
#include <type_traits>
#include <utility>

namespace bunch::trace {
namespace {

// The fewest bytes that one takes, with empty texts: so that a file cannot announce more elements
// than it has bytes for.
constexpr std::size_t kLeastModel = 39;
constexpr std::size_t kLeastTenant = 32;
constexpr std::size_t kLeastCurve = 76;

class Writer {
  public:
    template <typename T>
    void number(T value) {
        static_assert(std::is_arithmetic_v<T>);
        const auto* bytes = reinterpret_cast<const std::byte*>(&value);
        bytes_.insert(bytes_.end(), bytes, bytes + sizeof(value));
    }
    void text(const std::string& value) {
        number(static_cast<std::uint32_t>(value.size()));
        const auto* bytes = reinterpret_cast<const std::byte*>(value.data());
        bytes_.insert(bytes_.end(), bytes, bytes + value.size());
    }
    std::vector<std::byte> take() { return std::move(bytes_); }

  private:
    std::vector<std::byte> bytes_;
};

/// Reads of what is not there give zeros and are remembered.
class Bytes {
  public:
    explicit Bytes(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}

    template <typename T>
    T number() {
        T value{};
        if (has(sizeof(value))) std::memcpy(&value, take(sizeof(value)), sizeof(value));
        return value;
    }
    bool flag() { return number<std::uint8_t>() != 0; }
    std::string text() {
        const auto size = number<std::uint32_t>();
        if (!has(size)) return {};
        return {reinterpret_cast<const char*>(take(size)), size};
    }
    /// The number of elements that follow, each of at least `least` bytes.
    std::uint32_t count(std::size_t least) {
        const auto elements = number<std::uint32_t>();
        return has(elements * least) ? elements : 0;
    }
    bool is_whole() const { return good_ && at_ == bytes_.size(); }

  private:
    bool has(std::size_t size) {
        good_ = good_ && size <= bytes_.size() - at_;
        return good_;
    }
    const std::byte* take(std::size_t size) {
        return bytes_.data() + std::exchange(at_, at_ + size);
    }

    std::vector<std::byte> bytes_;
    std::size_t at_ = 0;
    bool good_ = true;
};

void write(const ModelPolicy& model, Writer& to) {
    to.number(model.model.value);
    to.text(model.name);
    to.number(model.objective ? model.objective->count() : std::int64_t{-1});
    to.number(model.max_batch_rows);
    to.number(model.max_rows_per_request);
    to.number(model.max_queued_rows);
    to.number(model.max_queued_bytes);
    to.number(static_cast<std::uint8_t>(model.batched));
    to.number(static_cast<std::uint8_t>(model.numerics));
    to.number(static_cast<std::uint8_t>(model.keeps_client_order));
}

ModelPolicy read_model(Bytes& from) {
    ModelPolicy model;
    model.model = ModelId{from.number<std::uint32_t>()};
    model.name = from.text();
    const auto objective = from.number<std::int64_t>();
    if (objective >= 0) model.objective = Duration(objective);
    model.max_batch_rows = from.number<std::uint32_t>();
    model.max_rows_per_request = from.number<std::uint32_t>();
    model.max_queued_rows = from.number<std::uint32_t>();
    model.max_queued_bytes = from.number<std::uint64_t>();
    model.batched = from.flag();
    model.numerics = static_cast<Numerics>(from.number<std::uint8_t>() % 3);
    model.keeps_client_order = from.flag();
    return model;
}

void write_fields(const Configure& event, Writer& to) {
    to.number(event.config.unavailable_after.count());
    to.number(event.config.minimum_share);
    to.number(static_cast<std::uint32_t>(event.config.models.size()));
    for (const ModelPolicy& model : event.config.models) write(model, to);
    to.number(static_cast<std::uint32_t>(event.config.tenants.size()));
    for (const TenantPolicy& tenant : event.config.tenants) {
        to.number(tenant.tenant.value);
        to.text(tenant.name);
        to.number(tenant.weight);
        to.number(tenant.rows_per_second);
        to.number(tenant.burst_rows);
    }
}

void read_fields(Bytes& from, Configure& event) {
    event.config.unavailable_after = Duration(from.number<std::int64_t>());
    event.config.minimum_share = from.number<double>();
    for (std::uint32_t left = from.count(kLeastModel); left > 0; --left)
        event.config.models.push_back(read_model(from));
    for (std::uint32_t left = from.count(kLeastTenant); left > 0; --left) {
        TenantPolicy& tenant = event.config.tenants.emplace_back();
        tenant.tenant = TenantId{from.number<std::uint32_t>()};
        tenant.name = from.text();
        tenant.weight = from.number<double>();
        tenant.rows_per_second = from.number<double>();
        tenant.burst_rows = from.number<double>();
    }
}

void write_fields(const DeviceUp& event, Writer& to) {
    to.number(event.device.device.value);
    to.text(event.device.device_class);
    to.number(event.device.slots_per_lane);
    to.number(static_cast<std::uint32_t>(event.device.lanes.size()));
    for (const LaneId lane : event.device.lanes) to.number(lane.value);
}

void read_fields(Bytes& from, DeviceUp& event) {
    event.device.device = DeviceId{from.number<std::uint32_t>()};
    event.device.device_class = from.text();
    event.device.slots_per_lane = from.number<std::uint32_t>();
    for (std::uint32_t left = from.count(4); left > 0; --left)
        event.device.lanes.push_back(LaneId{from.number<std::uint32_t>()});
}

/// The numbers of a curve, in their order on disk.
template <typename Curve, typename Visit>
void for_each_number(Curve& curve, Visit visit) {
    visit(curve.fixed);
    visit(curve.per_row);
    visit(curve.per_row_contended);
    visit(curve.upper_factor);
    visit(curve.deviation);
    visit(curve.gather_per_row);
    visit(curve.transfer_per_row);
    visit(curve.smallest_rows);
    visit(curve.largest_rows);
}

void write_fields(const Recall& event, Writer& to) {
    to.number(static_cast<std::uint32_t>(event.curves.size()));
    for (const LearntCurve& curve : event.curves) {
        to.number(curve.model.value);
        to.text(curve.device_class);
        for_each_number(curve, [&](auto number) { to.number(number); });
        to.number(static_cast<std::uint32_t>(curve.corrections.size()));
        for (const double correction : curve.corrections) to.number(correction);
    }
}

void read_fields(Bytes& from, Recall& event) {
    for (std::uint32_t left = from.count(kLeastCurve); left > 0; --left) {
        LearntCurve& curve = event.curves.emplace_back();
        curve.model = ModelId{from.number<std::uint32_t>()};
        curve.device_class = from.text();
        for_each_number(curve, [&](auto& to) { to = from.number<std::decay_t<decltype(to)>>(); });
        for (std::uint32_t more = from.count(sizeof(double)); more > 0; --more)
            curve.corrections.push_back(from.number<double>());
    }
}

template <typename T>
std::vector<std::byte> bytes_of(const T& event) {
    Writer writer;
    write_fields(event, writer);
    return writer.take();
}

template <typename T>
bool read_all(std::vector<std::byte> bytes, T& event) {
    Bytes from(std::move(bytes));
    read_fields(from, event);
    return from.is_whole();
}

}  // namespace

std::vector<std::byte> payload_of(const Configure& event) {
    return bytes_of(event);
}
std::vector<std::byte> payload_of(const DeviceUp& event) {
    return bytes_of(event);
}
std::vector<std::byte> payload_of(const Recall& event) {
    return bytes_of(event);
}

bool read_payload(std::vector<std::byte> bytes, Configure& event) {
    return read_all(std::move(bytes), event);
}
bool read_payload(std::vector<std::byte> bytes, DeviceUp& event) {
    return read_all(std::move(bytes), event);
}
bool read_payload(std::vector<std::byte> bytes, Recall& event) {
    return read_all(std::move(bytes), event);
}

}  // namespace bunch::trace
