/// The text that /metrics serves: names, help and labels of every cell in metrics.h, written by
/// prometheus-cpp's serializer, which only exposition.cpp knows.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>

#include "monitoring/metrics.h"

namespace bunch {

/// The cells behind a Metrics. The maps only grow, so references into them stay valid; the mutex
/// is for the maps, the cells need none.
struct MetricRegistry {
    struct Device {
        std::string backend;
        DeviceMetrics metrics;
    };

    mutable std::mutex mutex;
    DaemonMetrics daemon;
    std::map<std::pair<std::string, std::string>, ModelMetrics> models;  ///< by name, version
    std::map<std::string, TenantMetrics> tenants;                        ///< by name
    std::map<std::string, Device> devices;                               ///< by name
    using Key = std::tuple<std::string, std::string, std::string>;
    std::map<Key, BatchMetrics> batches;  ///< by model, version and device
    std::map<Key, ClassMetrics> classes;  ///< by model, version and device class
};

/// Everything in the Prometheus text format 0.0.4, with the process's own metrics. Any thread.
std::string exposition(const MetricRegistry& registry);

}  // namespace bunch
