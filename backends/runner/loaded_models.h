/// Which models a runner has loaded, and what batches of them must look like. Written by the
/// control thread, read by the lanes' threads.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "backends/wire/device.h"
#include "core/ids.h"

namespace bunch {

class LoadedModels {
  public:
    void add(ModelId id, LoadedModel model) {
        const std::lock_guard lock(mutex_);
        models_[id] = std::make_shared<const LoadedModel>(std::move(model));
    }

    void remove(ModelId id) {
        const std::lock_guard lock(mutex_);
        models_.erase(id);
    }

    /// Null if it is not loaded. Shared, since a lane may look at it while it is being removed.
    std::shared_ptr<const LoadedModel> find(ModelId id) const {
        const std::lock_guard lock(mutex_);
        const auto found = models_.find(id);
        return found == models_.end() ? nullptr : found->second;
    }

  private:
    mutable std::mutex mutex_;
    std::map<ModelId, std::shared_ptr<const LoadedModel>> models_;  // guarded by mutex_
};

}  // namespace bunch
