/// The images of a device that is reconfigured: which model is in which, and which one the device
/// holds. Used by the reactor thread only.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "backends/wire/device.h"
#include "core/ids.h"
#include "scheduler/events.h"

namespace bunch {

class ImageTable {
  public:
    /// What a runner said of a model that it has loaded, as the scheduler wants it: image number
    /// (0: none), state and load time.
    void describe(ModelId model, const LoadedModel& loaded, InstanceInfo& info);

    /// The device now holds the image of `model`. All models that have one, with their state.
    std::vector<InstanceInfo> hold(ModelId model);

    /// It could not be loaded, and nobody knows what the device holds: models of other images can
    /// be loaded again. These, without those of the image that failed.
    std::vector<InstanceInfo> lose(ModelId model);

    /// Models that are in the same image as `model`, which has one, itself included.
    std::vector<ModelId> models_with(ModelId model) const;

    /// The runner is gone.
    void clear();

  private:
    std::vector<InstanceInfo> states() const;

    std::map<std::string, ImageNumber> numbers_;
    std::map<ModelId, InstanceInfo> models_;  ///< with an image
    ImageNumber held_ = 0;                    ///< 0: not known
};

}  // namespace bunch
