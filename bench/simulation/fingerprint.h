/// A number over all decisions of a run: two runs that decide the same at the same times have the
/// same one.
#pragma once

#include <cstdint>
#include <variant>

#include "core/time.h"
#include "scheduler/decision.h"

namespace bunch::simulation {

class Fingerprint {
  public:
    void add(TimePoint at, const Decision& decision) {
        mix(static_cast<std::uint64_t>(at.time_since_epoch().count()));
        mix(decision.index());
        if (const auto* dispatch = std::get_if<Dispatch>(&decision)) {
            mix(dispatch->batch.lane.value);
            mix(dispatch->batch.model.value);
            for (const Slice& slice : dispatch->batch.slices) {
                mix(slice.call.value);
                mix(std::uint64_t{slice.first_row} << 32 | slice.rows);
            }
        } else if (const auto* reject = std::get_if<Reject>(&decision)) {
            mix(reject->call.value);
            mix(static_cast<std::uint64_t>(reject->reason));
        } else {
            mix(std::get<Load>(decision).device.value);
            mix(std::get<Load>(decision).model.value);
        }
    }

    std::uint64_t value() const { return value_; }

  private:
    /// Fowler, Noll and Vo's hash with words in place of bytes, and a shift against its weak
    /// lower bits.
    void mix(std::uint64_t word) {
        value_ = (value_ ^ word) * 0x100000001b3u;
        value_ ^= value_ >> 29;
    }

    std::uint64_t value_ = 0xcbf29ce484222325u;
};

}  // namespace bunch::simulation
