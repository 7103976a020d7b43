#include "daemon/status_report.h"

namespace bunch {
namespace {

double seconds(const Counter& nanoseconds) {
    return static_cast<double>(nanoseconds.value()) * 1e-9;
}

void fill(const ServedDevice& device, v1::Device& report) {
    report.set_name(device.name);
    report.set_backend(device.backend);
    report.set_device_class(device.device_class);
    report.set_state(std::string(name_of(device.state)));
    report.set_lanes(device.lanes);
    report.set_slots_per_lane(device.slots_per_lane);
    report.set_restarts(device.restarts);
    report.set_message(device.message);
    double all = 0;
    for (const Counter& state : device.metrics->states) all += seconds(state);
    report.set_lane_seconds(all);
    report.set_compute_seconds(
        seconds(device.metrics->states[static_cast<std::size_t>(LaneState::compute)]));
    report.set_useful_seconds(seconds(device.metrics->useful));
}

void fill(const ServedModel& model, const QueueStats& queue, const ModelMetrics& metrics,
          v1::Model& report) {
    report.set_name(model.spec.name);
    report.set_version(model.spec.version);
    report.set_state(std::string(name_of(model.state)));
    report.set_message(model.message);
    report.set_queued_requests(queue.queued_calls);
    report.set_queued_rows(queue.queued_rows);
    if (model.spec.objective) report.set_objective_seconds(to_seconds(*model.spec.objective));
    report.set_max_batch_rows(model.spec.max_batch_rows);
    report.set_served(model.served);
    report.set_failed(model.failed);
    report.set_rows(metrics.rows.value());
    report.set_batches(model.batches);
    report.set_precision(std::string(name_of(model.spec.precision)));
}

}  // namespace

v1::StatusResponse status_report(const ServerState& server, const ModelTable& models,
                                 const DeviceTable& devices, const Scheduler& scheduler,
                                 const std::vector<ModelMetrics*>& metrics) {
    v1::StatusResponse report;
    report.set_name(server.name);
    report.set_version(BUNCH_VERSION);
    report.set_uptime_seconds(to_seconds(now() - server.started));
    report.set_ready(server.ready);
    report.set_draining(server.draining);
    for (const ServedDevice& device : devices) fill(device, *report.add_devices());
    for (const ServedModel& model : models.all()) {
        auto& entry = *report.add_models();
        fill(model, scheduler.stats(model.id), *metrics[model.id.value], entry);
        for (const std::uint32_t device : model.loaded_on) entry.add_devices(devices[device].name);
    }
    return report;
}

}  // namespace bunch
