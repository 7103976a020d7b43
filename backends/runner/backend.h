/// What the author of a device implements. A runner process holds one Backend with one device;
/// serve.h turns messages of the daemon into these calls.
///
/// Threads: a Backend is used by the runner's control thread only, a Lane by that lane's thread
/// only, both at the same time. So what they share (the loaded models) the backend guards itself.
/// The daemon never unloads a model while a batch of it is on a lane.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "backends/wire/device.h"
#include "core/ids.h"
#include "core/model.h"
#include "core/result.h"
#include "core/tensor.h"
#include "core/time.h"

namespace bunch {

/// One batch that is through, well or not.
struct Completion {
    SlotId slot;
    Status status;
    std::vector<Shape> output_shapes;  ///< in the order of the signature; empty on failure
    DeviceTimes times;
};

/// One lane of a device with its models loaded.
class Lane {
  public:
    virtual ~Lane() = default;

    /// Begins one batch and returns at once, or runs it and remembers the completion. The views
    /// stay valid until wait() has returned the completion of `slot`. Dimension 0 is rows unless
    /// the model is not batched. An error here is that batch's completion: wait() will not see it.
    virtual Status submit(SlotId slot, ModelId model, std::span<const ConstTensorView> inputs,
                          std::span<const TensorView> outputs) = 0;

    /// The next finished batch, in any order, or nothing by `until`.
    virtual std::optional<Completion> wait(TimePoint until) = 0;
};

using FaultHandler = std::function<void(const DeviceFault& fault)>;

/// One device of one driver.
class Backend {
  public:
    virtual ~Backend() = default;

    virtual const DeviceDescription& device() const = 0;

    /// Makes `model` ready to run, everything prepared for each batch size up to its
    /// max_batch_rows. May take seconds. Errors name the file, the node, and the reason.
    virtual Result<LoadedModel> load(ModelId id, const ModelSpec& model) = 0;

    /// Frees what load() took. No-op for a model that is not loaded.
    virtual void unload(ModelId id) = 0;

    /// Makes the image of a loaded model the one that the device holds, in place of what it holds
    /// now; nothing is on any lane. May take seconds. Only for devices whose models have images.
    virtual Status activate(ModelId /*id*/) { return ok_status(); }

    /// What the device's sensors say. Called every few seconds; should not take long.
    virtual DeviceReadings readings() { return {}; }

    /// Called once, before anything else: whom to tell, from any thread, when the device breaks.
    /// After a fault that ends the runner, calls may fail or hang: the process will be killed.
    virtual void on_fault(FaultHandler /*tell*/) {}

    /// Lane `index` of device().lanes. `arena` is where all its views will lie; a driver that can
    /// pin memory does so here. The lane must not outlive the backend or the arena.
    virtual Result<std::unique_ptr<Lane>> open_lane(std::uint32_t index,
                                                    std::span<std::byte> arena) = 0;
};

/// Makes the backend from the device's options; fails with a sentence that says what is missing on
/// this host, or which option is wrong.
using BackendFactory = Result<std::unique_ptr<Backend>> (*)(const BackendOptions& options);

}  // namespace bunch
