/// Which devices the daemon has, and what state each is in. Used by the reactor thread only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "core/time.h"
#include "daemon/image_table.h"
#include "monitoring/metrics.h"

namespace bunch {

enum class DeviceState : std::uint8_t {
    starting,  ///< its runner is not up yet
    up,
    down,    ///< its runner is gone and will be started again
    failed,  ///< it will not; see the message
};
std::string_view name_of(DeviceState state);

struct ServedDevice {
    DeviceId id;
    std::string name;
    std::string backend;
    std::string device_class;  ///< once its runner has said so
    DeviceState state = DeviceState::starting;
    std::string message;  ///< why it is not up
    std::uint32_t lanes = 0;
    std::uint32_t slots_per_lane = 0;
    std::uint64_t slot_bytes = 0;
    std::uint64_t restarts = 0;
    std::int64_t in_flight = 0;  ///< batches
    Duration batch_timeout{};
    std::uint64_t life = 0;  ///< see DeviceOpened
    ImageTable images;
    TimePoint loading_since;  ///< an image, while it is loaded
    DeviceMetrics* metrics = nullptr;
};

/// Index is DeviceId.
using DeviceTable = std::vector<ServedDevice>;

}  // namespace bunch
