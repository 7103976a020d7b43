/// Whether a reconfigurable device should hold another image. Loading one takes as long as many
/// runs, so it is done rarely and only for work that nobody else gets done as soon.
#pragma once

#include "core/time.h"

namespace bunch {

/// Work is in seconds of one lane of the device.
struct SwapCase {
    Duration held_for{};          ///< since the present image was loaded
    Duration load_time{};         ///< of the other image
    double work_of_resident = 0;  ///< that waits for models of the present image
    double work_of_other = 0;     ///< that waits for a model of the other image
    /// Seconds that other devices need for what waits now for that model and what goes before it;
    /// infinite if there are none. And by how many that grows in a second.
    double others_need = 0;
    double growth = 0;
    /// The part of their time that the remaining devices of the class would be busy, 1 or more if
    /// they could not take over what this one does.
    double load_without = 1;
};

inline bool swap_pays(const SwapCase& now) {
    constexpr int kDwell = 4;             // times the load: at most a fifth of the time is lost
    constexpr double kSpareAbove = 0.95;  // of load_without: this device is missed
    constexpr double kSpareNeed = 0.25;   // of the load: when a device that nobody misses may go
    const double load = to_seconds(now.load_time);
    if (now.work_of_other <= 0 || now.held_for < kDwell * now.load_time) return false;
    if (now.load_without < kSpareAbove)
        return now.others_need + kDwell * load * now.growth > kSpareNeed * load;
    return now.work_of_other > now.work_of_resident && now.others_need + load * now.growth > load;
}

}  // namespace bunch
