/// Which models one device is to run, and how far each has got: tried in a scratch runner, loaded
/// by the device's own, or failed. One that found no memory waits for its next turn, as others may
/// give some back. Only bookkeeping: RunnerHost acts on it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "backends/host/host_events.h"
#include "backends/wire/messages.h"
#include "core/ids.h"
#include "core/model.h"
#include "core/result.h"

namespace bunch {

class ModelBook {
  public:
    /// With `trials`, a model that has a file is to be tried before it is loaded. `device` is for
    /// messages.
    ModelBook(std::string device, bool trials) : device_(std::move(device)), trials_(trials) {}

    /// `id` must not be in the book.
    void add(ModelId id, ModelSpec spec);

    /// Whether the runner knows the model, and has to be told.
    bool remove(ModelId id);

    /// The next model to try, which then counts as being tried.
    std::optional<wire::Load> next_trial();

    void trial_done(ModelId id, const Result<LoadedModel>& result, std::vector<HostEvent>& events);

    /// The next model to load, with the rows that fit a slot, which then counts as being loaded;
    /// nothing while one is. A model of which not even one row fits fails instead.
    std::optional<wire::Load> next_load(std::uint64_t slot_bytes, std::vector<HostEvent>& events);

    /// The model that the runner is loading, if any, even if it was removed since.
    std::optional<ModelId> loading() const { return loading_; }

    /// The answer to next_load().
    void load_done(const wire::Loaded& answer, std::uint64_t slot_bytes,
                   std::vector<HostEvent>& events);

    /// Whether a model found no memory on the device.
    bool has_waiting() const;

    /// These are to be loaded again.
    void retry_waiting();

    /// The model could not be handed to the runner, or was not loaded in time.
    void load_failed(ModelId id, const Status& status, std::vector<HostEvent>& events);

    /// Whatever was loaded has to be loaded again. A model whose load ended two runners is given
    /// up, unless `device_broke`.
    void runner_lost(bool device_broke, std::vector<HostEvent>& events);

  private:
    enum class Progress : std::uint8_t { untried, trying, ready, loading, loaded, waiting, failed };
    struct Entry {
        ModelSpec spec;
        Progress progress = Progress::untried;
        ModelSignature known;  // from the configuration or the trial; may be empty
        std::uint32_t runners_lost = 0;
        std::string told;  // why it waits
    };

    Status too_large(const ModelSpec& spec, std::uint64_t slot_bytes) const;
    static void wait(ModelId id, Entry& entry, const Status& status,
                     std::vector<HostEvent>& events);
    void fail(ModelId id, Entry& entry, const Status& status, std::vector<HostEvent>& events);

    std::string device_;
    bool trials_;
    std::map<ModelId, Entry> entries_;
    std::optional<ModelId> loading_;
};

}  // namespace bunch
