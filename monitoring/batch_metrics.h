/// The numbers of batches: how large they were and why, how long they took, and how well that was
/// predicted. Written by the reactor, as all of metrics.h.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/time.h"
#include "monitoring/cells.h"

namespace bunch {

struct DeviceMetrics;

/// Why a batch had no more rows, as the scheduler said.
enum class Closing : std::uint8_t { limit, deadline, share, queue, waited, alone };
inline constexpr std::size_t kClosings = 6;
std::string_view name_of(Closing closing);

/// A batch that ran well.
struct BatchRun {
    std::uint32_t rows = 0;
    Duration compute{};
    Duration predicted{};  ///< zero: nothing was known
    Closing closing = Closing::queue;
};

/// Of one model on one device.
struct BatchMetrics {
    explicit BatchMetrics(DeviceMetrics& on);

    /// The useful time of the device grows by what the rows would have taken at the best rate (rows
    /// per second of compute) that this model has reached on it so far.
    void record(const BatchRun& run);

    Histogram rows;
    std::array<Counter, kClosings> closed_batches, closed_rows;

  private:
    DeviceMetrics& device_;
    double best_per_row_ = 0;  ///< nanoseconds; 0: none yet
};

/// Of one model on one class of devices.
struct ClassMetrics {
    ClassMetrics();

    void record(const BatchRun& run);

    Histogram error;  ///< thousandths: actual compute time over predicted
    Counter rows;     ///
    Counter compute;  ///< nanoseconds
    Counter useful;   ///< nanoseconds that the rows would have taken at the best rate seen

  private:
    double best_per_row_ = 0;
};

}  // namespace bunch
