#include "bench/replay/scenario_of_trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_set>

namespace bunch::replay {
namespace {

using simulation::Curve;
using simulation::DeviceClass;
using simulation::RecordedRequest;
using simulation::Scenario;

/// The part of the requests that come before the policy has learnt what it needs.
constexpr double kWarmUp = 0.1;

/// A device as it was first seen, and what it ran.
struct Device {
    DeviceInfo info;
    std::map<ModelId, std::uint32_t> limits;  ///< rows of a batch, by model
    std::vector<std::pair<TimePoint, TimePoint>> outages;
    TimePoint lost_at = kNever;
};

/// What of a trace matters for a simulation.
class Reading {
  public:
    Status read(const trace::File& file);

    SchedulerConfig config;
    std::map<DeviceId, Device> devices;
    std::map<ModelId, std::map<std::string, LearntCurve>> curves;  ///< by class
    std::vector<std::pair<TimePoint, Ticket>> requests;
    TimePoint begin = kNever;
    TimePoint end;
    std::uint64_t cancelled = 0;
    std::uint64_t left_out = 0;

  private:
    void take(TimePoint at, const trace::Configure& event);
    void take(TimePoint at, const trace::Submit& event);
    void take(TimePoint at, const trace::DeviceUp& event);
    void take(TimePoint at, const trace::InstanceUp& event);
    void take(TimePoint at, const trace::Recall& event);
    void take(TimePoint, const trace::Cancel&) { ++cancelled; }
    void take(TimePoint at, const trace::DeviceLost& event) { lose(at, event.device); }
    void take(TimePoint at, const trace::DeviceGone& event) { lose(at, event.device); }
    void take(TimePoint, const trace::Snapshot& event);
    void take(TimePoint, const trace::Live&) { in_snapshot_ = false; }
    template <typename Other>
    void take(TimePoint, const Other&) {}
    void lose(TimePoint at, DeviceId device);

    bool in_snapshot_ = false;
    std::unordered_set<std::uint64_t> seen_;  ///< calls
};

void Reading::take(TimePoint, const trace::Configure& event) {
    config = event.config;
}

void Reading::take(TimePoint at, const trace::Submit& event) {
    // A snapshot in the middle repeats calls that are known.
    if (!seen_.insert(event.ticket.call.value).second && in_snapshot_) return;
    requests.emplace_back(at, event.ticket);
}

void Reading::take(TimePoint at, const trace::DeviceUp& event) {
    Device& device = devices[event.device.device];
    if (device.lost_at != kNever) device.outages.emplace_back(device.lost_at, at);
    device.lost_at = kNever;
    if (device.info.lanes.empty()) device.info = event.device;
}

void Reading::take(TimePoint, const trace::InstanceUp& event) {
    if (event.instance.state == InstanceState::expected) return;
    devices[event.instance.device].limits[event.instance.model] = event.instance.max_batch_rows;
}

void Reading::take(TimePoint, const trace::Recall& event) {
    for (const LearntCurve& curve : event.curves) curves[curve.model][curve.device_class] = curve;
}

void Reading::take(TimePoint, const trace::Snapshot& event) {
    if (begin == kNever) left_out = event.left_out;
    in_snapshot_ = true;
}

void Reading::lose(TimePoint at, DeviceId id) {
    Device& device = devices[id];
    if (device.lost_at == kNever) device.lost_at = at;
}

Status Reading::read(const trace::File& file) {
    trace::Reader reader(file.slots);
    for (;;) {
        BUNCH_ASSIGN_OR_RETURN(const std::optional<trace::Event> event, reader.next());
        if (!event) return ok_status();
        std::visit([&](const auto& what) { take(event->at, what); }, event->what);
        if (in_snapshot_) continue;
        begin = std::min(begin, event->at);
        end = std::max(end, event->at);
    }
}

/// Puts a reading into the simulator's terms.
class Translation {
  public:
    explicit Translation(Reading& reading) : from_(reading) {}

    Result<TracedScenario> translate();

  private:
    void take_models();
    void take_tenants();
    void take_devices();
    void take_requests();
    std::vector<Curve> curves_of(const Device& device) const;
    DeviceClass& class_of(const Device& device, std::vector<Curve> curves);
    void note(std::string text) { to_.notes.push_back(std::move(text)); }

    Reading& from_;
    TracedScenario to_;
    std::map<ModelId, std::uint32_t> models_;
    std::map<TenantId, std::uint32_t> tenants_;
};

void Translation::take_models() {
    for (const ModelPolicy& policy : from_.config.models) {
        models_[policy.model] = static_cast<std::uint32_t>(to_.scenario.models.size());
        simulation::SimulatedModel model;
        model.name = policy.name;
        model.objective = policy.objective;
        model.mix = 1;
        model.max_queued_rows = policy.max_queued_rows;
        to_.scenario.models.push_back(std::move(model));
    }
}

void Translation::take_tenants() {
    for (const TenantPolicy& policy : from_.config.tenants) {
        tenants_[policy.tenant] = static_cast<std::uint32_t>(to_.scenario.tenants.size());
        to_.scenario.tenants.push_back(
            {policy.name, policy.weight, 1, false, policy.rows_per_second, policy.burst_rows});
    }
    if (to_.scenario.tenants.empty()) to_.scenario.tenants.push_back({.name = "default"});
}

std::vector<Curve> Translation::curves_of(const Device& device) const {
    std::vector<Curve> curves;
    for (const auto& [model, limit] : device.limits) {
        const auto index = models_.find(model);
        const auto learnt = from_.curves.find(model);
        if (index == models_.end() || learnt == from_.curves.end()) continue;
        const auto curve = learnt->second.find(device.info.device_class);
        if (curve == learnt->second.end()) continue;
        const LearntCurve& known = curve->second;
        curves.push_back(
            {index->second, std::max(known.fixed, 0.0), std::max(known.per_row, 1e-9),
             known.per_row > 0 ? std::max(known.per_row_contended, 0.0) / known.per_row : 0,
             std::max(limit, 1u)});
    }
    return curves;
}

DeviceClass& Translation::class_of(const Device& device, std::vector<Curve> curves) {
    const auto same = [&](const DeviceClass& one) {
        return one.name == device.info.device_class && one.lanes == device.info.lanes.size() &&
               one.slots == device.info.slots_per_lane &&
               std::equal(one.curves.begin(), one.curves.end(), curves.begin(), curves.end(),
                          [](const Curve& a, const Curve& b) {
                              return a.model == b.model && a.max_rows == b.max_rows;
                          });
    };
    auto& classes = to_.scenario.classes;
    const auto found = std::find_if(classes.begin(), classes.end(), same);
    if (found != classes.end()) return *found;
    DeviceClass& one = classes.emplace_back();
    one.name = device.info.device_class;
    one.devices = 0;
    one.lanes = static_cast<std::uint32_t>(device.info.lanes.size());
    one.slots = device.info.slots_per_lane;
    double gather = 0;
    double transfer = 0;
    for (const auto& [model, by_class] : from_.curves) {
        const auto curve = by_class.find(one.name);
        if (curve == by_class.end()) continue;
        one.noise = std::clamp(curve->second.deviation, one.noise, 1.0);
        gather = std::max(gather, curve->second.gather_per_row);
        transfer = std::max(transfer, curve->second.transfer_per_row);
    }
    one.gather_per_row = from_seconds(std::min(gather, 1.0));
    one.transfer_per_row = from_seconds(std::min(transfer, 1.0));
    one.curves = std::move(curves);
    return one;
}

void Translation::take_devices() {
    for (auto& [id, device] : from_.devices) {
        if (device.info.lanes.empty()) continue;
        std::vector<Curve> curves = curves_of(device);
        if (curves.empty()) {
            note(fmt::format("device {} is left out: nothing was learnt of it", id.value));
            continue;
        }
        DeviceClass& one = class_of(device, std::move(curves));
        if (device.lost_at != kNever) device.outages.emplace_back(device.lost_at, from_.end);
        for (const auto& [lost, back] : device.outages)
            one.outages.push_back({one.devices, lost - from_.begin, back - from_.begin});
        ++one.devices;
    }
}

void Translation::take_requests() {
    std::set<std::uint32_t> runnable;
    for (const DeviceClass& one : to_.scenario.classes)
        for (const Curve& curve : one.curves)
            runnable.insert(static_cast<std::uint32_t>(curve.model));
    std::map<std::string, std::uint64_t> dropped;
    for (const auto& [at, ticket] : from_.requests) {
        const auto model = models_.find(ticket.model);
        if (model == models_.end() || runnable.count(model->second) == 0) {
            ++dropped[model == models_.end() ? "?" : to_.scenario.models[model->second].name];
            continue;
        }
        const auto tenant = tenants_.find(ticket.tenant);
        RecordedRequest request;
        request.at = std::max(at, from_.begin) - from_.begin;
        request.model = model->second;
        request.tenant = tenant == tenants_.end() ? 0 : tenant->second;
        request.client = ticket.client;
        request.rows = std::max(ticket.rows, 1u);
        if (ticket.deadline != kNever)
            request.timeout = std::max(ticket.deadline - at, Duration(1));
        request.priority = ticket.priority;
        request.late_ok = ticket.late_ok;
        to_.scenario.recorded.push_back(request);
    }
    std::stable_sort(to_.scenario.recorded.begin(), to_.scenario.recorded.end(),
                     [](const auto& a, const auto& b) { return a.at < b.at; });
    for (const auto& [name, count] : dropped)
        note(fmt::format("{} requests of model '{}' are left out: its run time was never learnt",
                         count, name));
}

Result<TracedScenario> Translation::translate() {
    take_models();
    take_tenants();
    take_devices();
    take_requests();
    Scenario& scenario = to_.scenario;
    if (scenario.recorded.empty())
        return invalid_argument(
            "the trace has no requests for models whose run times were learnt (fetch it while "
            "the daemon works)");
    if (from_.cancelled > 0)
        note(fmt::format("{} requests were cancelled; here they run", from_.cancelled));
    if (from_.left_out > 0)
        note(fmt::format("{} requests that were open at the start have no place in the trace",
                         from_.left_out));
    scenario.name = "trace";
    scenario.title = "as recorded";
    scenario.measure = simulation::Measure::kept;
    scenario.warm_up = kWarmUp;
    scenario.span = scenario.recorded.back().at + Duration(1);
    return std::move(to_);
}

}  // namespace

Result<TracedScenario> scenario_of(const trace::File& file) {
    Reading reading;
    BUNCH_RETURN_IF_ERROR(reading.read(file));
    return Translation(reading).translate();
}

}  // namespace bunch::replay
