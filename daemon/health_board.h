/// What the web server may say about the daemon's health. Written by main and reactor, read by the
/// web server's thread.
#pragma once

#include <utility>

#include "core/time.h"
#include "daemon/http_frontend.h"
#include "daemon/mutex.h"

namespace bunch {

class HealthBoard {
  public:
    void set_ready(Health ready) {
        const MutexLock lock(mutex_);
        ready_ = std::move(ready);
    }
    Health ready() const {
        const MutexLock lock(mutex_);
        return ready_;
    }

    /// The reactor has answered a heartbeat.
    void beat(TimePoint now) {
        const MutexLock lock(mutex_);
        last_beat_ = now;
    }

    /// Alive if the last beat is not older than `patience`.
    Health alive(TimePoint now, Duration patience) const {
        const MutexLock lock(mutex_);
        if (last_beat_ == TimePoint{} || now - last_beat_ <= patience) return {};
        return {false,
                {"the reactor has not answered for " +
                 std::to_string(static_cast<int>(to_seconds(now - last_beat_))) + " s"}};
    }

  private:
    mutable Mutex mutex_;
    Health ready_ BUNCH_GUARDED_BY(mutex_) = {false, {"starting"}};
    TimePoint last_beat_ BUNCH_GUARDED_BY(mutex_){};
};

}  // namespace bunch
