#include "bench/simulation/devices.h"

#include <utility>

#include "core/check.h"

namespace bunch::simulation {

Devices::Devices(const Scenario& scenario, std::uint64_t seed, TimePoint start, TimePoint from,
                 TimePoint until, EventQueue& events)
    : scenario_(scenario),
      seed_(seed),
      start_(start),
      from_(from),
      until_(until),
      events_(events),
      work_(scenario.classes.size()) {
    for (std::uint32_t c = 0; c < scenario.classes.size(); ++c) {
        const DeviceClass& one = scenario.classes[c];
        for (std::uint32_t d = 0; d < one.devices; ++d) {
            SimulatedDevice device;
            device.of_class = c;
            device.number = d;
            if (one.reconfiguration > Duration::zero())
                device.held = static_cast<std::uint32_t>(one.holds[d]);
            devices_.push_back(std::move(device));
        }
    }
}

const DeviceClass& Devices::class_of(std::uint32_t device) const {
    return scenario_.classes[devices_[device].of_class];
}

DeviceInfo Devices::bring_up(std::uint32_t index) {
    SimulatedDevice& device = devices_[index];
    const DeviceClass& one = class_of(index);
    DeviceInfo info{DeviceId{index}, one.name, {}, one.slots};
    device.lanes.clear();
    for (std::uint32_t l = 0; l < one.lanes; ++l) {
        const auto lane = static_cast<std::uint32_t>(lanes_.size());
        const std::uint64_t stream = std::uint64_t{index} << 32 | device.life << 16 | l;
        lanes_.push_back({index,
                          false,
                          false,
                          {},
                          {},
                          {},
                          Random(seed_, Purpose::runs, stream),
                          Random(seed_, Purpose::stalls, stream)});
        device.lanes.push_back(lane);
        info.lanes.push_back(LaneId{lane});
    }
    device.is_up = true;
    ++device.life;
    return info;
}

std::vector<InstanceInfo> Devices::instances_of(std::uint32_t index) const {
    const SimulatedDevice& device = devices_[index];
    const DeviceClass& one = class_of(index);
    std::vector<InstanceInfo> infos;
    for (const Curve& curve : one.curves) {
        InstanceInfo info;
        const auto model = static_cast<std::uint32_t>(curve.model);
        info.instance =
            InstanceId{index * static_cast<std::uint32_t>(scenario_.models.size()) + model};
        info.model = ModelId{model};
        info.device = DeviceId{index};
        info.max_batch_rows = curve.max_rows;
        if (device.held) {
            info.state = *device.held == model ? InstanceState::ready : InstanceState::loadable;
            info.image = model + 1;
            info.load_time = one.reconfiguration;
        }
        infos.push_back(info);
    }
    return infos;
}

std::vector<Batch> Devices::lose(std::uint32_t index) {
    SimulatedDevice& device = devices_[index];
    std::vector<Batch> lost;
    for (const std::uint32_t l : device.lanes) {
        SimulatedLane& lane = lanes_[l];
        lane.is_lost = true;
        for (Flight& flight : lane.flights) lost.push_back(std::move(flight.batch));
        lane.flights.clear();
    }
    device.is_up = false;
    device.running = 0;
    device.loading.reset();
    return lost;
}

bool Devices::take(TimePoint at, Dispatch&& dispatch) {
    Batch& batch = dispatch.batch;
    BUNCH_CHECK(batch.lane.value < lanes_.size());
    SimulatedLane& lane = lanes_[batch.lane.value];
    const SimulatedDevice& device = devices_[lane.device];
    const DeviceClass& one = class_of(lane.device);
    const Curve* curve = one.curve_of(batch.model.value);
    BUNCH_CHECK(!lane.is_lost && lane.flights.size() < one.slots && !device.loading);
    BUNCH_CHECK(curve != nullptr && batch.rows <= curve->max_rows);
    BUNCH_CHECK(!device.held || *device.held == batch.model.value);
    Flight flight;
    flight.gather = one.gather_per_row * batch.rows;
    flight.transfer = one.transfer_per_row * batch.rows;
    lane.gather_free = std::max(at, lane.gather_free) + flight.gather;
    lane.transfer_free = std::max(lane.gather_free, lane.transfer_free) + flight.transfer;
    flight.ready_at = lane.transfer_free;
    const std::uint32_t index = batch.lane.value;
    flight.batch = std::move(batch);
    lane.flights.push_back(std::move(flight));
    if (lane.flights.back().ready_at > at) {
        events_.add(lane.flights.back().ready_at, EventKind::ready, index);
        return false;
    }
    return start_if_ready(at, index);
}

bool Devices::start_if_ready(TimePoint at, std::uint32_t index) {
    SimulatedLane& lane = lanes_[index];
    if (lane.is_lost || lane.is_running || lane.flights.empty()) return false;
    if (lane.flights.front().ready_at > at) return false;
    start(at, index);
    return true;
}

void Devices::start(TimePoint at, std::uint32_t index) {
    SimulatedLane& lane = lanes_[index];
    SimulatedDevice& device = devices_[lane.device];
    Flight& flight = lane.flights.front();
    flight.other_busy_lanes = device.running++;
    lane.is_running = true;
    flight.started = at;
    flight.run = run_time(at, lane, flight);
    events_.add(at + flight.run, EventKind::done, index);
}

Duration Devices::run_time(TimePoint at, SimulatedLane& lane, const Flight& flight) {
    const DeviceClass& one = class_of(lane.device);
    const Curve& curve = *one.curve_of(flight.batch.model.value);
    double seconds = mean_run_seconds(curve, flight.batch.rows, flight.other_busy_lanes);
    for (auto change = one.changes.rbegin(); change != one.changes.rend(); ++change) {
        if (at < start_ + change->at) continue;
        seconds *= change->factor;
        break;
    }
    seconds *= lane.runs.lognormal(one.noise);
    if (lane.stalls.uniform() < one.stall_probability) seconds += to_seconds(one.stall_time);
    return std::max(Duration(1), from_seconds(seconds));
}

std::optional<Flight> Devices::finish(TimePoint at, std::uint32_t index) {
    SimulatedLane& lane = lanes_[index];
    if (lane.is_lost) return std::nullopt;
    SimulatedDevice& device = devices_[lane.device];
    Flight flight = std::move(lane.flights.front());
    lane.flights.erase(lane.flights.begin());
    lane.is_running = false;
    --device.running;
    count(at, device, flight);
    return flight;
}

void Devices::count(TimePoint at, const SimulatedDevice& device, const Flight& flight) {
    const Duration counted = std::min(at, until_) - std::max(flight.started, from_);
    if (counted <= Duration::zero()) return;
    const Curve& curve = *scenario_.classes[device.of_class].curve_of(flight.batch.model.value);
    const double full =
        mean_run_seconds(curve, curve.max_rows, flight.other_busy_lanes) / curve.max_rows;
    Work& work = work_[device.of_class];
    work.busy += to_seconds(counted);
    work.useful +=
        to_seconds(counted) * std::min(1.0, full * flight.batch.rows / to_seconds(flight.run));
    ++work.batches;
    work.rows += flight.batch.rows;
}

void Devices::begin_swap(TimePoint at, const Load& load) {
    BUNCH_CHECK(load.device.value < devices_.size());
    SimulatedDevice& device = devices_[load.device.value];
    BUNCH_CHECK(device.is_up && device.held && !device.loading);
    BUNCH_CHECK(class_of(load.device.value).curve_of(load.model.value) != nullptr);
    for (const std::uint32_t lane : device.lanes) BUNCH_CHECK(lanes_[lane].flights.empty());
    device.loading = load.model.value;
    device.loaded_at = at + class_of(load.device.value).reconfiguration;
    ++work_[device.of_class].swaps;
    events_.add(device.loaded_at, EventKind::swapped, load.device.value);
}

bool Devices::finish_swap(TimePoint at, std::uint32_t index) {
    SimulatedDevice& device = devices_[index];
    if (!device.loading || device.loaded_at != at) return false;
    device.held = device.loading;
    device.loading.reset();
    return true;
}

std::vector<ClassResult> Devices::results() const {
    std::vector<ClassResult> results;
    const double seconds = to_seconds(until_ - from_);
    for (std::size_t c = 0; c < scenario_.classes.size(); ++c) {
        const DeviceClass& one = scenario_.classes[c];
        const Work& work = work_[c];
        const double lane_seconds = seconds * one.devices * one.lanes;
        results.push_back({one.name, work.busy / lane_seconds, work.useful / lane_seconds,
                           work.batches, work.rows, work.swaps});
    }
    return results;
}

}  // namespace bunch::simulation
