#include "monitoring/exposition.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <utility>
#include <vector>

#include "monitoring/process.h"

namespace bunch {
namespace {

using Labels = std::vector<prometheus::ClientMetric::Label>;
using prometheus::MetricType;

constexpr double kSecondsPerNanosecond = 1e-9;

/// Families in the order in which they are begun.
class Page {
  public:
    void begin(MetricType type, const char* name, const char* help) {
        families_.push_back({name, help, type, {}});
    }

    void number(double value, Labels labels = {}) {
        prometheus::ClientMetric metric;
        metric.label = std::move(labels);
        if (families_.back().type == MetricType::Counter) {
            metric.counter.value = value;
        } else {
            metric.gauge.value = value;
        }
        families_.back().metric.push_back(std::move(metric));
    }
    void number(std::uint64_t value, Labels labels = {}) {
        number(static_cast<double>(value), std::move(labels));
    }

    /// `unit` is what one of the histogram's numbers is in the unit of the metric.
    void histogram(const Histogram& cells, double unit, Labels labels) {
        prometheus::ClientMetric metric;
        metric.label = std::move(labels);
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < cells.bounds().size(); ++i) {
            seen += cells.count(i);
            metric.histogram.bucket.push_back(
                {seen, static_cast<double>(cells.bounds()[i]) * unit});
        }
        metric.histogram.sample_count = seen + cells.count(cells.bounds().size());
        metric.histogram.sample_sum = cells.sum() * unit;
        families_.back().metric.push_back(std::move(metric));
    }

    std::string text() {
        std::erase_if(families_, [](const auto& family) { return family.metric.empty(); });
        return prometheus::TextSerializer().Serialize(families_);
    }

  private:
    std::vector<prometheus::MetricFamily> families_;
};

std::string text_of(std::string_view name) {
    return std::string(name);
}

void add_requests(Page& page, const MetricRegistry& all) {
    page.begin(MetricType::Histogram, "bunch_request_stage_seconds",
               "Time that calls spent in each step, of those that reached it.");
    for (const auto& [key, model] : all.models)
        for (std::size_t i = 0; i < kStages; ++i)
            page.histogram(model.stages[i], kSecondsPerNanosecond,
                           {{"model", key.first},
                            {"version", key.second},
                            {"stage", text_of(name_of(static_cast<Stage>(i)))}});
    page.begin(MetricType::Histogram, "bunch_request_seconds",
               "Time from the receipt of a call to its answer.");
    for (const auto& [key, model] : all.models)
        for (std::size_t i = 0; i < kProtocols; ++i)
            if (model.durations[i].total() != 0)
                page.histogram(model.durations[i], kSecondsPerNanosecond,
                               {{"model", key.first},
                                {"version", key.second},
                                {"protocol", text_of(name_of(static_cast<Protocol>(i)))}});
    page.begin(MetricType::Counter, "bunch_requests_total", "Calls that were closed, by outcome.");
    for (const auto& [key, model] : all.models)
        for (std::size_t i = 0; i < model.outcomes.size(); ++i)
            // "ok" always, so that a rate exists from the start.
            if (i == 0 || model.outcomes[i].value() != 0)
                page.number(model.outcomes[i].value(),
                            {{"model", key.first},
                             {"version", key.second},
                             {"outcome", text_of(name_of(static_cast<StatusCode>(i)))}});
}

void add_model_numbers(Page& page, const MetricRegistry& all) {
    const auto family = [&](MetricType type, const char* name, const char* help, auto cell) {
        page.begin(type, name, help);
        for (const auto& [key, model] : all.models)
            page.number((model.*cell).value(), {{"model", key.first}, {"version", key.second}});
    };
    family(MetricType::Counter, "bunch_rows_total", "Rows of calls that were answered well.",
           &ModelMetrics::rows);
    family(MetricType::Gauge, "bunch_queue_requests", "Calls that wait for a batch.",
           &ModelMetrics::queued_requests);
    family(MetricType::Gauge, "bunch_queue_rows", "Rows that wait for a batch.",
           &ModelMetrics::queued_rows);
    family(MetricType::Gauge, "bunch_queue_bytes", "Input bytes that wait for a batch.",
           &ModelMetrics::queued_bytes);
}

void add_tenants(Page& page, const MetricRegistry& all) {
    const auto family = [&](const char* name, const char* help, double unit, auto cell) {
        page.begin(MetricType::Counter, name, help);
        for (const auto& [tenant, metrics] : all.tenants)
            page.number(static_cast<double>((metrics.*cell).value()) * unit, {{"tenant", tenant}});
    };
    family("bunch_tenant_requests_total", "Calls of a tenant that were closed.", 1,
           &TenantMetrics::requests);
    family("bunch_tenant_rows_total", "Rows of a tenant that were answered well.", 1,
           &TenantMetrics::rows);
    family("bunch_tenant_bytes_total", "Input bytes of these rows.", 1, &TenantMetrics::bytes);
    family("bunch_tenant_device_seconds_total", "Compute time of a tenant's rows.",
           kSecondsPerNanosecond, &TenantMetrics::compute);
    page.begin(MetricType::Counter, "bunch_tenant_rejected_total",
               "Requests of a tenant refused, by reason.");
    for (const auto& [tenant, metrics] : all.tenants)
        for (std::size_t i = 0; i < kRejections; ++i)
            // The one that is a tenant's own always, so that a rate exists from the start.
            if (static_cast<Rejection>(i) == Rejection::quota || metrics.rejected[i].value() != 0)
                page.number(
                    metrics.rejected[i].value(),
                    {{"tenant", tenant}, {"reason", text_of(name_of(static_cast<Rejection>(i)))}});
}

void add_batches(Page& page, const MetricRegistry& all) {
    const auto labels = [](const auto& key) {
        return Labels{{"model", std::get<0>(key)},
                      {"version", std::get<1>(key)},
                      {"device", std::get<2>(key)}};
    };
    page.begin(MetricType::Histogram, "bunch_batch_rows", "Rows per batch.");
    for (const auto& [key, batch] : all.batches) page.histogram(batch.rows, 1, labels(key));
    page.begin(MetricType::Counter, "bunch_batches_total", "Batches that ran well.");
    for (const auto& [key, batch] : all.batches) page.number(batch.rows.total(), labels(key));
    const auto by_closing = [&](const char* name, const char* help, auto cells) {
        page.begin(MetricType::Counter, name, help);
        for (const auto& [key, batch] : all.batches)
            for (std::size_t i = 0; i < kClosings; ++i) {
                if (batch.closed_batches[i].value() == 0) continue;
                Labels with_reason = labels(key);
                with_reason.push_back({"reason", text_of(name_of(static_cast<Closing>(i)))});
                page.number((batch.*cells)[i].value(), std::move(with_reason));
            }
    };
    by_closing("bunch_batches_closed_total", "Batches that ran well, by why they had no more rows.",
               &BatchMetrics::closed_batches);
    by_closing("bunch_batches_closed_rows_total", "Rows of these batches.",
               &BatchMetrics::closed_rows);
}

void add_classes(Page& page, const MetricRegistry& all) {
    const auto labels = [](const auto& key) {
        return Labels{{"model", std::get<0>(key)},
                      {"version", std::get<1>(key)},
                      {"class", std::get<2>(key)}};
    };
    page.begin(MetricType::Histogram, "bunch_run_actual_over_predicted_ratio",
               "Compute time of batches over what was predicted, where something was.");
    for (const auto& [key, runs] : all.classes) page.histogram(runs.error, 1e-3, labels(key));
    const auto family = [&](const char* name, const char* help, double unit, auto cell) {
        page.begin(MetricType::Counter, name, help);
        for (const auto& [key, runs] : all.classes)
            page.number(static_cast<double>((runs.*cell).value()) * unit, labels(key));
    };
    family("bunch_run_rows_total", "Rows of batches that ran well.", 1, &ClassMetrics::rows);
    family("bunch_run_compute_seconds_total", "Compute time of these batches.",
           kSecondsPerNanosecond, &ClassMetrics::compute);
    family("bunch_run_useful_seconds_total",
           "Time that these rows would have taken at the best rate seen on the class.",
           kSecondsPerNanosecond, &ClassMetrics::useful);
}

void add_devices(Page& page, const MetricRegistry& all) {
    const auto labels = [](const auto& entry) {
        return Labels{{"device", entry.first}, {"backend", entry.second.backend}};
    };
    page.begin(MetricType::Counter, "bunch_device_state_seconds_total",
               "Time of a device's lanes by state; the states sum to lanes times elapsed time.");
    for (const auto& entry : all.devices)
        for (std::size_t i = 0; i < kLaneStates; ++i) {
            Labels with_state = labels(entry);
            with_state.push_back({"state", text_of(name_of(static_cast<LaneState>(i)))});
            page.number(
                static_cast<double>(entry.second.metrics.states[i].value()) * kSecondsPerNanosecond,
                std::move(with_state));
        }
    page.begin(MetricType::Counter, "bunch_device_useful_seconds_total",
               "Time that the rows run would have taken at the best rate seen.");
    for (const auto& entry : all.devices)
        page.number(
            static_cast<double>(entry.second.metrics.useful.value()) * kSecondsPerNanosecond,
            labels(entry));

    const auto family = [&](MetricType type, const char* name, const char* help, auto cell) {
        page.begin(type, name, help);
        for (const auto& entry : all.devices)
            page.number((entry.second.metrics.*cell).value(), labels(entry));
    };
    family(MetricType::Gauge, "bunch_device_up", "1 if the device takes work.", &DeviceMetrics::up);
    family(MetricType::Gauge, "bunch_device_lanes", "Batches the device can run at a time.",
           &DeviceMetrics::lanes);
    family(MetricType::Gauge, "bunch_device_batches_in_flight", "Batches with the device.",
           &DeviceMetrics::in_flight);
    family(MetricType::Gauge, "bunch_device_arena_bytes", "Shared memory of its lanes in use.",
           &DeviceMetrics::arena_bytes);
    family(MetricType::Counter, "bunch_runner_restarts_total", "Restarts of the device's runner.",
           &DeviceMetrics::restarts);
    family(MetricType::Counter, "bunch_device_image_loads_total",
           "How often the device was reconfigured.", &DeviceMetrics::image_loads);
    page.begin(MetricType::Counter, "bunch_device_faults_total",
               "What broke about the device, as its runner saw it.");
    for (const auto& entry : all.devices)
        for (std::size_t i = 0; i < kFaultKinds; ++i) {
            Labels with_kind = labels(entry);
            with_kind.push_back({"kind", text_of(name_of(static_cast<FaultKind>(i)))});
            page.number(entry.second.metrics.faults[i].value(), std::move(with_kind));
        }
}

/// What sensors say; devices without them are left out.
void add_readings(Page& page, const MetricRegistry& all) {
    const auto family = [&](const char* name, const char* help, auto reading) {
        page.begin(MetricType::Gauge, name, help);
        for (const auto& [device, entry] : all.devices)
            if (const auto value = (entry.metrics.*reading).value())
                page.number(*value, {{"device", device}, {"backend", entry.backend}});
    };
    family("bunch_device_temperature_celsius", "Of the device's chip.", &DeviceMetrics::celsius);
    family("bunch_device_power_watts", "Of the device.", &DeviceMetrics::watts);
    family("bunch_device_clock_hertz", "That the device computes with.", &DeviceMetrics::hertz);
}

void add_daemon(Page& page, const DaemonMetrics& daemon) {
    page.begin(MetricType::Counter, "bunch_rejected_total", "Requests refused, by reason.");
    for (std::size_t i = 0; i < kRejections; ++i)
        page.number(daemon.rejected[i].value(),
                    {{"reason", text_of(name_of(static_cast<Rejection>(i)))}});
    page.begin(MetricType::Counter, "bunch_replies_dropped_total",
               "Answers that could not be delivered, by reason.");
    for (std::size_t i = 0; i < kDroppedReplies; ++i)
        page.number(daemon.dropped_replies[i].value(),
                    {{"reason", text_of(name_of(static_cast<DroppedReply>(i)))}});
    page.begin(MetricType::Gauge, "bunch_open_calls", "Calls that are not answered yet.");
    page.number(daemon.open_calls.value());
    page.begin(MetricType::Gauge, "bunch_open_bytes", "Bytes that open calls hold.");
    page.number(daemon.open_bytes.value());
    page.begin(MetricType::Gauge, "bunch_clients", "Clients that are known.");
    page.number(daemon.clients.value());
    page.begin(MetricType::Gauge, "bunch_build_info", "Always 1; the version is the label.");
    page.number(1.0, {{"version", BUNCH_VERSION}});
}

void add_process(Page& page) {
    const ProcessUsage usage = read_process_usage();
    page.begin(MetricType::Gauge, "process_open_fds", "Open descriptors.");
    page.number(usage.open_descriptors);
    page.begin(MetricType::Gauge, "process_max_fds", "Descriptors the process may have open.");
    page.number(usage.max_descriptors);
    page.begin(MetricType::Gauge, "process_resident_memory_bytes", "Resident memory.");
    page.number(usage.resident_bytes);
    page.begin(MetricType::Counter, "process_cpu_seconds_total", "User and system time.");
    page.number(usage.cpu_seconds);
    page.begin(MetricType::Gauge, "process_start_time_seconds", "Start, in seconds since 1970.");
    page.number(usage.start_time_seconds);
}

}  // namespace

std::string exposition(const MetricRegistry& registry) {
    Page page;
    {
        const std::lock_guard lock(registry.mutex);
        add_requests(page, registry);
        add_model_numbers(page, registry);
        add_tenants(page, registry);
        add_batches(page, registry);
        add_classes(page, registry);
        add_devices(page, registry);
        add_readings(page, registry);
    }
    add_daemon(page, registry.daemon);
    add_process(page);
    return page.text();
}

}  // namespace bunch
