#include "daemon/device_table.h"

namespace bunch {

std::string_view name_of(DeviceState state) {
    switch (state) {
        case DeviceState::starting:
            return "starting";
        case DeviceState::up:
            return "up";
        case DeviceState::down:
            return "down";
        case DeviceState::failed:
            return "failed";
    }
    return "unknown";
}

}  // namespace bunch
