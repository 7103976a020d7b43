/// What the author of a device implements. A runner process holds one Backend with one device;
/// serve.h turns messages of the daemon into these calls.
///
/// Threads: a Backend is used by the runner's control thread only, a Lane by that lane's thread
/// only, both at the same time. So what they share (the loaded models) the backend guards itself.
/// The daemon never unloads a model while a batch of it is on a lane.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/ids.h"
#include "core/model.h"
#include "core/result.h"
#include "core/tensor.h"
#include "core/time.h"

namespace bunch {

/// What the configuration says about a device beyond what every device has: key to text, e.g.
/// {"fixed", "5ms"}. A backend refuses keys and values that it does not know.
using BackendOptions = std::map<std::string, std::string>;

/// A device as its driver offers it.
struct DeviceDescription {
    std::string device_class;          ///< devices of one class run a model equally fast: "cpu"
    std::uint32_t lanes = 1;           ///< batches that run at the same time
    std::uint32_t slots_per_lane = 2;  ///< batches that may be with the lane, running or waiting
    std::uint64_t memory_bytes = 0;    ///< 0: not known
};

/// When one batch passed through a device; each not before the one above it.
struct DeviceTimes {
    TimePoint transfer_begin;
    TimePoint compute_begin;
    TimePoint compute_end;
    TimePoint transfer_end;
};

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

/// What a load found out about a model.
struct LoadedModel {
    ModelSignature signature;
    std::uint32_t max_batch_rows = 1;  ///< at most what was asked for
    std::uint64_t memory_bytes = 0;    ///< that the model keeps on the device
};

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

    /// Lane `index` of device().lanes. `arena` is where all its views will lie; a driver that can
    /// pin memory does so here. The lane must not outlive the backend or the arena.
    virtual Result<std::unique_ptr<Lane>> open_lane(std::uint32_t index,
                                                    std::span<std::byte> arena) = 0;
};

/// Makes the backend from the device's options; fails with a sentence that says what is missing on
/// this host, or which option is wrong.
using BackendFactory = Result<std::unique_ptr<Backend>> (*)(const BackendOptions& options);

}  // namespace bunch
