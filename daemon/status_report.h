/// The whole daemon in one message, for `bunch status`.
#pragma once

#include <string>
#include <vector>

#include "core/time.h"
#include "daemon/device_table.h"
#include "daemon/model_table.h"
#include "protocol/bunch_status.pb.h"
#include "scheduler/scheduler.h"

namespace bunch {

/// What the daemon says of itself.
struct ServerState {
    std::string name;
    TimePoint started;
    bool ready = false;
    bool draining = false;
};

/// `metrics` is indexed by ModelId.
v1::StatusResponse status_report(const ServerState& server, const ModelTable& models,
                                 const DeviceTable& devices, const Scheduler& scheduler,
                                 const std::vector<ModelMetrics*>& metrics);

}  // namespace bunch
