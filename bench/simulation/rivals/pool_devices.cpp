// Which devices and models there are, and what runs on them costs.
#include <algorithm>
#include <limits>

#include "bench/simulation/rivals/pool.h"

namespace bunch::simulation {
namespace {

constexpr std::uint32_t kAllRows = std::numeric_limits<std::uint32_t>::max();

}  // namespace

Pool::Device& Pool::device_of(DeviceId id) {
    for (Device& device : devices_)
        if (device.id == id) return device;
    devices_.emplace_back();
    devices_.back().id = id;
    return devices_.back();
}

void Pool::configure(TimePoint at, const SchedulerConfig& config) {
    tick(at);
    for (const ModelPolicy& policy : config.models) {
        const auto [entry, is_new] =
            models_.try_emplace(policy.model.value, static_cast<Index>(lines_.size()));
        if (is_new) lines_.emplace_back();
        lines_[entry->second].policy = policy;
    }
    for (Device& device : devices_) refresh(device);
}

/// Brings the tables by model of a device and its class up to date.
void Pool::refresh(Device& device) {
    device.limits.assign(lines_.size(), 0);
    device.instances.resize(lines_.size());
    for (const InstanceInfo& instance : device.announced) {
        const Index model = model_of(instance.model);
        if (model == kNone || instance.state != InstanceState::ready) continue;
        const ModelPolicy& policy = lines_[model].policy;
        device.limits[model] =
            policy.batched ? std::min(instance.max_batch_rows, policy.max_batch_rows) : 1;
        device.instances[model] = instance.instance;
    }
    if (device.device_class == kNone) return;
    DeviceClass& device_class = classes_[device.device_class];
    device_class.curves.resize(lines_.size());
    device_class.limits.resize(lines_.size());
    for (Index model = 0; model < model_count(); ++model) {
        device_class.curves[model] = curve_of(device_class, lines_[model].policy);
        device_class.limits[model] = std::max(device_class.limits[model], device.limits[model]);
        if (device_class.limits[model] == 0) continue;
        lines_[model].in_objective =
            std::max(lines_[model].in_objective, device_class.curves[model].in_objective);
    }
}

Pool::Curve Pool::curve_of(const DeviceClass& device_class, const ModelPolicy& model) const {
    for (const Profile& profile : profiles_) {
        if (profile.model != model.model || profile.device_class != device_class.name) continue;
        const double others = settings_.contention * (device_class.lanes_per_device - 1);
        const double per_row = profile.per_row + profile.per_row_contended * others;
        const double factor = 1e9 * (1 + settings_.margin);
        Curve curve{factor * profile.fixed, factor * per_row, kAllRows};
        if (model.objective) {
            const double left = to_seconds(*model.objective) - profile.fixed;
            curve.in_objective =
                left < per_row
                    ? 0
                    : static_cast<std::uint32_t>(std::min<double>(left / per_row, kAllRows));
        }
        return curve;
    }
    return {0, 0, kAllRows};
}

void Pool::device_up(TimePoint at, const DeviceInfo& info) {
    tick(at);
    Device& device = device_of(info.device);
    lose_lanes(device);
    const auto same = std::find_if(classes_.begin(), classes_.end(),
                                   [&](const auto& one) { return one.name == info.device_class; });
    device.device_class = static_cast<Index>(same - classes_.begin());
    if (same == classes_.end()) {
        classes_.emplace_back();
        classes_.back().name = info.device_class;
    }
    device.slots = std::max(1u, std::min(settings_.slots, info.slots_per_lane));
    DeviceClass& device_class = classes_[device.device_class];
    device_class.lanes += static_cast<std::uint32_t>(info.lanes.size());
    device_class.lanes_per_device =
        std::max(device_class.lanes_per_device, static_cast<std::uint32_t>(info.lanes.size()));
    for (const LaneId id : info.lanes) {
        const Index lane = static_cast<Index>(lanes_.size());
        lanes_.push_back(
            {id, static_cast<Index>(&device - devices_.data()), device.device_class, now_, {}});
        device.lanes.push_back(lane);
        free_lanes_.push_back(lane);
    }
    refresh(device);
}

void Pool::lose_lanes(Device& device) {
    for (const Index lane : device.lanes) {
        for (const std::uint64_t number : lanes_[lane].flights) {
            Flight& flight = *flight_of(number);
            put_back(flight.model, flight.parts);
            end_flight(flight);
        }
        lanes_[lane].flights.clear();
        std::erase(free_lanes_, lane);
    }
    if (device.device_class != kNone)
        classes_[device.device_class].lanes -= static_cast<std::uint32_t>(device.lanes.size());
    device.lanes.clear();
}

void Pool::device_lost(TimePoint at, DeviceId id) {
    tick(at);
    Device& device = device_of(id);
    lose_lanes(device);
    // What it had comes back with instance_up().
    device.announced.clear();
    refresh(device);
}

void Pool::instance_up(TimePoint at, const InstanceInfo& instance) {
    tick(at);
    Device& device = device_of(instance.device);
    std::erase_if(device.announced,
                  [&](const InstanceInfo& one) { return one.model == instance.model; });
    device.announced.push_back(instance);
    refresh(device);
}

}  // namespace bunch::simulation
