/// How fast rows come: the newest few arrivals over the time that they took, so that the estimate
/// follows bursts at any scale of time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/time.h"

namespace bunch {

class ArrivalRate {
  public:
    void add(TimePoint at, std::uint32_t rows);

    /// Rows per second as of `at`; it falls while nothing comes. 0 until a few have come.
    double per_second(TimePoint at) const;

  private:
    static constexpr std::size_t kRemembered = 32;

    struct Arrival {
        TimePoint at;
        std::uint32_t rows = 0;
    };

    std::array<Arrival, kRemembered> arrivals_{};
    std::size_t next_ = 0;    ///< the oldest, to be replaced
    std::size_t count_ = 0;   ///< at most kRemembered
    std::uint64_t rows_ = 0;  ///< of all that are remembered
};

}  // namespace bunch
