/// Large copies of request bytes into a batch's slot, off the reactor's thread.
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "core/call.h"
#include "core/rows.h"
#include "daemon/mailbox.h"

namespace bunch {

/// One input tensor of a batch: what is copied, and where to.
struct GatherPart {
    std::vector<RowRange> from;
    TensorView to;
    ElementBytes padding{};  ///< where `to` has larger extents
};

/// The inputs of one batch.
struct GatherJob {
    Batch batch;
    SlotId slot;
    std::vector<CallId>
        pinned;  ///< calls whose bytes stay until the job is back, see CallSlab::pin
    std::vector<GatherPart> parts;
    std::shared_ptr<const void> arena;  ///< shared: the lane may be lost meanwhile
};

/// Runs jobs on its own threads and posts each one back when it is done.
class GatherPool {
  public:
    explicit GatherPool(std::size_t threads);
    ~GatherPool();
    GatherPool(const GatherPool&) = delete;
    GatherPool& operator=(const GatherPool&) = delete;

    bool has_threads() const { return !workers_.empty(); }

    /// There are never more jobs than slots of all lanes, so nothing here can overflow.
    void post(GatherJob&& job);

    /// Finished jobs; read by the reactor.
    Mailbox<GatherJob>& finished() { return finished_; }

  private:
    struct Worker {
        Worker() : inbox(SIZE_MAX) {}
        Mailbox<GatherJob> inbox;
        std::jthread thread;
    };

    void run(Mailbox<GatherJob>& inbox, int stop_fd);

    Mailbox<GatherJob> finished_;
    UniqueFd stop_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::size_t next_ = 0;
};

}  // namespace bunch
