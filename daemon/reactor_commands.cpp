// What the main thread tells the reactor: devices and models that come and go, the end.
#include <algorithm>
#include <utility>

#include "core/check.h"
#include "daemon/reactor.h"
#include "daemon/signatures.h"
#include "monitoring/log.h"
#include "protocol/zmq_frames.h"

namespace bunch {

void Reactor::take_commands(TimePoint at) {
    commands_.take_all(incoming_);
    for (Command& command : incoming_) std::visit([&](auto& one) { on(at, one); }, command);
}

void Reactor::on(TimePoint at, DeviceOpened& command) {
    ServedDevice& device = devices_[command.device.value];
    lanes_.remove(at, device.id);
    device.state = DeviceState::up;
    device.life = command.life;
    device.images.clear();
    device.message.clear();
    device.device_class = command.description.device_class;
    device.lanes = static_cast<std::uint32_t>(command.lanes.size());
    device.slots_per_lane = command.lanes.front()->slots();
    device.slot_bytes = command.lanes.front()->slot_bytes();
    device.metrics->up.set(1);
    device.metrics->lanes.set(device.lanes);
    device.metrics->arena_bytes.set(device.slot_bytes * device.slots_per_lane * device.lanes);
    DeviceInfo info;
    info.device = device.id;
    info.device_class = device.device_class;
    info.slots_per_lane = device.slots_per_lane;
    for (std::uint32_t i = 0; i < command.lanes.size(); ++i) {
        info.lanes.push_back(command.lanes[i]->id());
        lanes_.add(at, device.id, i, std::move(command.lanes[i]));
    }
    scheduler_.device_up(at, info);
    log::info("device_up", {{"device", device.name},
                            {"class", device.device_class},
                            {"lanes", device.lanes},
                            {"slots_per_lane", device.slots_per_lane}});
}

void Reactor::on(TimePoint at, InstanceOpened& command) {
    ServedModel& model = *models_.find(command.model);
    ServedDevice& device = devices_[command.device.value];
    ModelSignature& signature = command.loaded.signature;
    if (model.has_signature) take_names(model.spec.signature, signature);
    Result<Padding> padding = Padding::make(model.spec.padding, signature);
    Status status = padding.status();
    if (signature.inputs.size() > kMaxTensors || signature.outputs.size() > kMaxTensors) {
        status =
            unimplemented("it has more than " + std::to_string(kMaxTensors) + " inputs or outputs");
    } else if (model.has_signature) {
        // Padding goes by the names of extents.
        const std::string difference =
            difference_between(signature, model.spec.signature, !model.spec.padding.empty());
        if (!difference.empty())
            status =
                Status(StatusCode::failed_precondition,
                       "its tensors differ from those that another device loaded: " + difference);
    }
    if (!status.ok()) {
        InstanceRefused refused{command.device, command.model, status};
        on(at, refused);
        return;
    }
    model.spec.signature = std::move(signature);
    model.has_signature = true;
    model.refused_by.erase(device.id.value);
    model.has_shape_classes = has_shape_classes(model.spec.signature);
    model.padding = std::move(padding).value();
    model.shape_classes.add_device(command.loaded.max_batch_rows, device.slot_bytes);
    model.loaded_on.insert(device.id.value);
    const std::string& arithmetic = command.loaded.arithmetic;
    lanes_.add_instance(
        model.id, device.id,
        arithmetic.empty() ? std::string(name_of(model.spec.precision)) : arithmetic);
    InstanceInfo info{*instances_[model.id.value][device.id.value], model.id, device.id,
                      command.loaded.max_batch_rows};
    device.images.describe(model.id, command.loaded, info);
    scheduler_.instance_up(at, info);
    log::info("model_ready", {{"model", model.spec.name},
                              {"version", model.spec.version},
                              {"device", device.name},
                              {"max_batch_rows", command.loaded.max_batch_rows},
                              {"memory_bytes", command.loaded.memory_bytes}});
    update_model(model);
}

void Reactor::on(TimePoint at, InstanceRefused& command) {
    lose_model(at, *models_.find(command.model), devices_[command.device.value], command.status);
}

/// The device cannot run the model, until its runner is started again.
void Reactor::lose_model(TimePoint at, ServedModel& model, const ServedDevice& device,
                         const Status& status) {
    model.refused_by.insert(device.id.value);
    model.loaded_on.erase(device.id.value);
    model.message = "device '" + device.name + "': " + status.message();
    scheduler_.instance_down(at, *instances_[model.id.value][device.id.value]);
    log::error("model_refused", {{"model", model.spec.name},
                                 {"version", model.spec.version},
                                 {"device", device.name},
                                 {"reason", status.to_string()}});
    update_model(model);
}

void Reactor::on(TimePoint at, ImageLoaded& command) {
    ServedDevice& device = devices_[command.device.value];
    if (command.status.ok()) {
        device.metrics->image_loads.add();
        log::info("image_loaded", {{"device", device.name},
                                   {"model", models_.find(command.model)->spec.name},
                                   {"seconds", to_seconds(at - device.loading_since)}});
        for (const InstanceInfo& info : device.images.hold(command.model))
            scheduler_.instance_up(at, info);
        return;
    }
    for (const ModelId model : device.images.models_with(command.model))
        lose_model(at, *models_.find(model), device, command.status);
    for (const InstanceInfo& info : device.images.lose(command.model))
        scheduler_.instance_up(at, info);
}

void Reactor::on(TimePoint at, DeviceClosed& command) {
    ServedDevice& device = devices_[command.device.value];
    lanes_.remove(at, device.id);
    device.state = command.for_good ? DeviceState::failed : DeviceState::down;
    device.message = command.reason;
    device.metrics->up.set(0);
    for (Reading* reading :
         {&device.metrics->celsius, &device.metrics->watts, &device.metrics->hertz})
        reading->set(std::nullopt);
    if (command.for_good) {
        scheduler_.device_gone(at, device.id);
        log::error("device_failed", {{"device", device.name}, {"reason", command.reason}});
    } else {
        scheduler_.device_lost(at, device.id);
        ++device.restarts;
        device.metrics->restarts.add();
        log::warn(
            "device_lost",
            {{"device", device.name}, {"reason", command.reason}, {"restarts", device.restarts}});
    }
    for (ServedModel& model : models_.all()) {
        model.loaded_on.erase(device.id.value);
        if (command.for_good && instances_[model.id.value][device.id.value]) {
            model.refused_by.insert(device.id.value);
            model.message = "device '" + device.name + "': " + command.reason;
        }
        update_model(model);
    }
}

void Reactor::on(TimePoint, DeviceBroke& command) {
    const ServedDevice& device = devices_[command.device.value];
    device.metrics->faults[static_cast<std::size_t>(command.fault.kind)].add();
    log::error("device_fault", {{"device", device.name},
                                {"kind", name_of(command.fault.kind)},
                                {"down", command.fault.ends_runner},
                                {"reason", command.fault.message}});
}

void Reactor::on(TimePoint, DeviceSensed& command) {
    DeviceMetrics& metrics = *devices_[command.device.value].metrics;
    metrics.celsius.set(command.readings.celsius);
    metrics.watts.set(command.readings.watts);
    metrics.hertz.set(command.readings.hertz);
}

void Reactor::on(TimePoint, Heartbeat&) {
    notices_.post(HeartbeatBack{});
}

void Reactor::on(TimePoint at, Drain& command) {
    server_.draining = true;
    drain_until_ = command.until;
    next_tick_ = at;
    data_.drain();
    scheduler_.drain(at);
    update_readiness();
}

void Reactor::on(TimePoint, Stop&) {
    stopped_ = true;
}

void Reactor::update_model(ServedModel& model) {
    std::size_t configured = 0;
    for (const auto& instance : instances_[model.id.value]) configured += instance ? 1 : 0;
    if (!model.loaded_on.empty()) {
        model.state = ModelState::ready;
    } else if (model.refused_by.size() == configured) {
        model.state = ModelState::refused;
    } else {
        model.state = model.has_signature ? ModelState::unavailable : ModelState::loading;
    }
    if (model.state == ModelState::ready) model.message.clear();
    update_readiness();
}

void Reactor::update_readiness() {
    Health ready;
    std::size_t loading = 0;
    for (const ServedModel& model : models_.all()) {
        if (model.state == ModelState::loading) ++loading;
        if (model.state == ModelState::ready) continue;
        // A file that nothing can load stays so, and must not take the other models down with it.
        if (model.state != ModelState::refused || model.has_signature) ready.ok = false;
        ready.reasons.push_back("model '" + model.spec.name + "' is " +
                                std::string(name_of(model.state)) +
                                (model.message.empty() ? "" : ": " + model.message));
    }
    for (const ServedDevice& device : devices_) {
        if (device.state == DeviceState::failed)
            ready.reasons.push_back("device '" + device.name + "' failed: " + device.message);
        if (device.state == DeviceState::down)
            ready.reasons.push_back("device '" + device.name +
                                    "' is started again: " + device.message);
    }
    const bool serves_any =
        std::any_of(models_.all().begin(), models_.all().end(),
                    [](auto& model) { return model.state == ModelState::ready; });
    if (!serves_any) ready.ok = false;
    if (server_.draining) ready = {false, {"draining"}};
    server_.ready = ready.ok;
    health_.set_ready(std::move(ready));
    if (loading == 0 && !settled_) {
        settled_ = true;
        notices_.post(Settled{});
    }
}

}  // namespace bunch
