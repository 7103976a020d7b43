/// Every key of every section, with its range and how it is read. To add a setting: a field in
/// config.h, a line in schema.cpp, a paragraph in docs/CONFIGURATION.md and bunchd.toml.
#pragma once

#include <span>

#include "config/config.h"
#include "config/reader.h"

namespace bunch {

std::span<const Field<ServerConfig>> server_fields();
std::span<const Field<LimitsConfig>> limits_fields();
std::span<const Field<LogConfig>> log_fields();
std::span<const Field<RestartConfig>> restart_fields();
std::span<const Field<SchedulerSettings>> scheduler_fields();
std::span<const Field<TraceConfig>> trace_fields();
std::span<const Field<TenantConfig>> tenant_fields();
std::span<const Field<DeviceConfig>> device_fields();
std::span<const Field<ModelSpec>> model_fields();
std::span<const Field<ModelTwin>> twin_fields();     ///< of a model
std::span<const Field<TensorSpec>> tensor_fields();  ///< of a model's inputs and outputs

}  // namespace bunch
