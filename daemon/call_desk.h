/// Closes every open call exactly once: with its outputs, with a failure, or without a word when
/// its client gave it up. Used by the reactor thread only.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "backends/wire/device.h"
#include "core/call.h"
#include "daemon/call_slab.h"
#include "daemon/frontend.h"
#include "daemon/model_table.h"
#include "daemon/tenant_table.h"
#include "monitoring/metrics.h"

namespace bunch {

/// Where the rows of a slice lie in the batch that ran them, and when that was.
struct BatchOutcome {
    std::span<const ConstTensorView> outputs;  ///< of the whole batch
    std::uint32_t rows = 1;                    ///< of the whole batch
    std::string_view device_class;
    std::string_view precision;      ///< that the rows were computed in
    TimePoint dispatched, gathered;  ///< by the daemon
    DeviceTimes times;               ///< by the runner
    TimePoint returned;
};

class CallDesk {
  public:
    CallDesk(CallSlab& slab, ModelTable& models, TenantTable& tenants, Metrics& metrics);

    /// `frontend` answers the calls whose origin has this number; numbers count from 0.
    void add_frontend(Frontend& frontend) { frontends_.push_back(&frontend); }

    /// Rows [batch_row, batch_row + slice.rows) of a batch are this slice of a call. Answers the
    /// call when they are its last. Results of a call that is closed are counted and dropped.
    void deliver(const Slice& slice, std::uint32_t batch_row, const BatchOutcome& outcome);

    /// Answers the call with a failure. No-op if it is closed.
    void fail(CallId id, const Status& status);

    /// Closes the call without an answer. No-op if it is closed.
    void forget(CallId id);

    /// Handles of the model `id`; they exist for every model in the table.
    ModelMetrics& metrics_of(ModelId id) { return *model_metrics_[id.value]; }

  private:
    bool collect(OpenCall& open, const Slice& slice, std::uint32_t batch_row,
                 const BatchOutcome& outcome);
    void answer(CallId id, OpenCall& open);
    void record(const Frontend& frontend, OpenCall& open, StatusCode outcome);

    CallSlab& slab_;
    ModelTable& models_;
    TenantTable& tenants_;
    DaemonMetrics& daemon_metrics_;
    std::vector<ModelMetrics*> model_metrics_;
    std::vector<Frontend*> frontends_;
    Answer answer_;  ///< reused for its memory
};

}  // namespace bunch
