/// What an operator can set, with the default beside each field. Values only: load.h reads them
/// from a file and checks them; docs/CONFIGURATION.md explains each key.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/model.h"
#include "core/time.h"

namespace bunch {

inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;
inline constexpr std::uint64_t kGiB = 1024 * kMiB;

/// [server]: where the daemon listens and keeps things.
struct ServerConfig {
    std::string name = "bunchd";  ///< as clients and metrics see it
    std::vector<std::string> data_endpoints = {"ipc:///run/bunchd/data.sock"};
    std::vector<std::string> control_endpoints = {"ipc:///run/bunchd/control.sock"};
    std::string http_address = "127.0.0.1:8765";  ///< empty: no HTTP
    bool allow_remote = false;  ///< whether plain tcp may listen beyond this machine
    std::string runner_dir;     ///< absolute; empty: found from where the daemon is installed
    std::string state_dir = "/var/lib/bunchd";
    Duration drain_timeout = std::chrono::seconds(30);
};

/// [limits]: what clients may hold of the daemon's memory, all together or each.
struct LimitsConfig {
    std::uint32_t max_open_calls = 65536;
    std::uint64_t max_open_bytes = 2 * kGiB;
    std::uint64_t max_frame_bytes = 64 * kMiB;
    std::uint64_t max_message_bytes = 256 * kMiB;
    std::uint32_t max_frames_per_message = 64;
    std::uint64_t client_credit_bytes = 64 * kMiB;
    std::uint32_t max_clients = 4096;
    std::uint32_t gather_threads = 1;
    std::uint64_t gather_inline_bytes = 64 * kKiB;  ///< larger copies leave the reactor
};

/// [log]
struct LogConfig {
    std::string level = "info";  ///< "debug", "info", "warn" or "error"
};

/// [restart]: how a runner that died is started again.
struct RestartConfig {
    Duration initial_pause = std::chrono::milliseconds(100);
    Duration max_pause = std::chrono::seconds(30);
    /// Within `window`; then the device is failed. Enough to find a poisonous call in a batch of
    /// 256.
    std::uint32_t max_restarts = 10;
    Duration window = std::chrono::minutes(5);
};

/// [scheduler]: what holds for all models and tenants together.
struct SchedulerSettings {
    double minimum_share = 0.05;  ///< of a lane's time, for waiting calls of lower priority
};

/// [trace]: what the scheduler was told and decided lately, for `bunch trace`.
struct TraceConfig {
    std::uint32_t events = 262144;  ///< of 64 bytes each; 0: nothing is kept
};

/// [[tenant]]: one of those who share the devices.
struct TenantConfig {
    std::string name;
    double weight = 1;           ///< its share when all want more than there is
    double rows_per_second = 0;  ///< quota over all models; 0: none
    double burst_rows = 0;       ///< what may come at once; only with a quota, then at least 1
};

/// Requests that name no tenant, or one that is not configured, count as this one's.
inline constexpr const char* kDefaultTenant = "default";
inline constexpr std::size_t kMaxTenants = 200;

/// [[device]]: one runner process.
struct DeviceConfig {
    std::string name;
    std::string backend;                     ///< "cpu": started as bunch-runner-cpu
    std::uint32_t lanes = 0;                 ///< 0: as many as the backend suggests
    std::uint32_t slots = 0;                 ///< per lane; 0: as many as the backend suggests
    std::uint64_t arena_bytes = 256 * kMiB;  ///< per lane
    Duration batch_timeout = std::chrono::seconds(30);
    std::map<std::string, std::string> options;  ///< for the backend, which checks them
};

/// The whole file. Every model's `devices` names are of `devices` and never empty.
struct Config {
    ServerConfig server;
    LimitsConfig limits;
    LogConfig log;
    RestartConfig restart;
    SchedulerSettings scheduler;
    TraceConfig trace;
    std::vector<TenantConfig> tenants;
    std::vector<DeviceConfig> devices;
    std::vector<ModelSpec> models;
};

}  // namespace bunch
