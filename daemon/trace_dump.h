/// Gives a trace away piece by piece, over the control endpoint: one at a time, so that what the
/// daemon keeps for it is bounded. Used by the reactor thread only.
#pragma once

#include <cstdint>
#include <optional>

#include "core/result.h"
#include "core/time.h"
#include "daemon/recorded_scheduler.h"
#include "protocol/bunch_status.pb.h"

namespace bunch {

class TraceDump {
  public:
    explicit TraceDump(RecordedScheduler& scheduler) : scheduler_(scheduler) {}

    /// A new dump, or a further piece of the one that is being read. failed_precondition: nothing
    /// is recorded; resource_exhausted: somebody else reads one; not_found: that dump is gone.
    Result<v1::TraceResponse> answer(TimePoint now, const v1::TraceRequest& request);

    /// Forgets a dump that nobody has read of for a while.
    void expire(TimePoint now);

  private:
    Result<v1::TraceResponse> begin(TimePoint now);
    v1::TraceResponse piece(TimePoint now, std::uint64_t offset);

    RecordedScheduler& scheduler_;
    std::uint64_t number_ = 0;
    std::optional<FrozenTrace> current_;
    TimePoint last_read_;
};

}  // namespace bunch
