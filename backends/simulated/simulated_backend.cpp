#include "backends/simulated/simulated_backend.h"

#include <sys/prctl.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>

#include "backends/simulated/simulated_options.h"

namespace bunch {
namespace {

constexpr Duration kSpin = std::chrono::microseconds(60);

/// What a lane needs to know of a loaded model.
struct SimulatedModel {
    bool batched = true;
    SimulatedTimes times;
};

/// The models of a device and the image that it holds, for its lanes. Any thread.
class ModelSet {
  public:
    /// The first image is there from the start.
    void set(ModelId id, SimulatedModel model) {
        const std::lock_guard lock(mutex_);
        if (image_.empty()) image_ = model.times.image;
        models_[id] = std::move(model);
    }
    void erase(ModelId id) {
        const std::lock_guard lock(mutex_);
        models_.erase(id);
    }
    std::optional<SimulatedModel> find(ModelId id) const {
        const std::lock_guard lock(mutex_);
        const auto found = models_.find(id);
        if (found == models_.end()) return std::nullopt;
        return found->second;
    }
    bool holds(const std::string& image) const {
        const std::lock_guard lock(mutex_);
        return image.empty() || image == image_;
    }
    void hold(const std::string& image) {
        const std::lock_guard lock(mutex_);
        image_ = image;
    }

  private:
    mutable std::mutex mutex_;
    std::map<ModelId, SimulatedModel> models_;  // guarded by mutex_
    std::string image_;                         // guarded by mutex_
};

/// Sleeps, and for the last moment, in which the kernel may be late, does not.
void wait_until(TimePoint at) {
    if (at - now() > kSpin) std::this_thread::sleep_until(at - kSpin);
    while (now() < at) {
    }
}

/// Fills `to` with the bytes of `from`, again and again.
void repeat(std::span<const std::byte> from, std::span<std::byte> to) {
    while (!to.empty()) {
        const std::size_t bytes = std::min(from.size(), to.size());
        std::memcpy(to.data(), from.data(), bytes);
        to = to.subspan(bytes);
    }
}

void echo(std::size_t rows, const ConstTensorView& input, const TensorView& output) {
    if (rows == 0 || output.bytes.empty()) return;
    const std::size_t from = input.bytes.size() / rows;
    const std::size_t to = output.bytes.size() / rows;
    for (std::size_t row = 0; row < rows; ++row)
        repeat(input.bytes.subspan(row * from, from), output.bytes.subspan(row * to, to));
}

/// An output that the model leaves open is as large as the input that it echoes.
Status settle_shape(const ConstTensorView& input, TensorView& output) {
    if (!output.shape.is_open()) return ok_status();
    if (input.bytes.size() > output.bytes.size())
        return resource_exhausted("the slot has no room for the answer: raise arena_bytes");
    output.shape = input.shape;
    output.bytes = output.bytes.first(input.bytes.size());
    return ok_status();
}

class SimulatedLane final : public Lane {
  public:
    SimulatedLane(const SimulatedOptions& options, const ModelSet& models, std::uint32_t index)
        : models_(models), noise_(options.noise), random_(options.seed + index) {}

    Status submit(SlotId slot, ModelId model, std::span<const ConstTensorView> inputs,
                  std::span<const TensorView> outputs) override {
        const auto loaded = models_.find(model);
        if (!loaded) return not_found("the simulated device has not loaded this model");
        if (!models_.holds(loaded->times.image))
            return internal_error("the simulated device does not hold the image '" +
                                  loaded->times.image + "' of this model");
        Completion completion{slot, {}, {}, {}};
        completion.times.transfer_begin = now();
        const std::size_t rows = loaded->batched ? static_cast<std::size_t>(inputs[0].shape[0]) : 1;
        for (std::size_t i = 0; i < outputs.size(); ++i) {
            const ConstTensorView& input = inputs[i % inputs.size()];
            TensorView output = outputs[i];
            BUNCH_RETURN_IF_ERROR(settle_shape(input, output));
            echo(rows, input, output);
            completion.output_shapes.push_back(output.shape);
        }
        free_at_ = completion.times.compute_begin = std::max(now(), free_at_);
        free_at_ += service_time(loaded->times, rows);
        completion.times.compute_end = completion.times.transfer_end = free_at_;
        queue_.push_back(std::move(completion));
        return ok_status();
    }

    std::optional<Completion> wait(TimePoint until) override {
        if (!precise_) {
            // The kernel may otherwise wake this thread 50 us late, to save power.
            ::prctl(PR_SET_TIMERSLACK, 1UL);
            precise_ = true;
        }
        if (queue_.empty()) return std::nullopt;
        const TimePoint due = queue_.front().times.compute_end;
        if (due > until) {
            if (until > now()) std::this_thread::sleep_until(until);
            return std::nullopt;
        }
        wait_until(due);
        Completion completion = std::move(queue_.front());
        queue_.pop_front();
        return completion;
    }

  private:
    Duration service_time(const SimulatedTimes& times, std::size_t rows) {
        const Duration mean = times.fixed + times.per_row * static_cast<std::int64_t>(rows);
        if (noise_ == 0) return mean;
        // Lognormal, of mean one.
        return from_seconds(to_seconds(mean) *
                            std::exp(noise_ * normal_(random_) - noise_ * noise_ / 2));
    }

    const ModelSet& models_;
    const double noise_;
    std::mt19937_64 random_;
    std::normal_distribution<double> normal_;
    std::deque<Completion> queue_;
    TimePoint free_at_;
    bool precise_ = false;
};

/// Whether every output can echo an input.
Status check_signature(const ModelSpec& model) {
    const ModelSignature& signature = model.signature;
    const std::string who = "model '" + model.name + "' on a simulated device";
    if (signature.inputs.empty() || signature.outputs.empty())
        return invalid_argument(who + " needs inputs and outputs declared in the configuration");
    for (std::size_t i = 0; i < signature.outputs.size(); ++i) {
        const TensorSpec& output = signature.outputs[i];
        const TensorSpec& input = signature.inputs[i % signature.inputs.size()];
        const auto row = row_bytes({input}, signature.batched);
        if (input.type != output.type || row == std::uint64_t{0}) {
            return invalid_argument(who + ": output '" + output.name + "' echoes input '" +
                                    input.name + "', so it must be " +
                                    std::string(name_of(input.type)) + ", and not empty");
        }
        const bool is_open = !row || !row_bytes({output}, signature.batched);
        if (is_open && input.shape != output.shape) {
            return invalid_argument(who + ": output '" + output.name + "' " +
                                    output.shape.to_string() + " echoes input '" + input.name +
                                    "' " + input.shape.to_string() +
                                    ", so it must leave the same extents open");
        }
    }
    return ok_status();
}

class SimulatedBackend final : public Backend {
  public:
    explicit SimulatedBackend(SimulatedOptions options) : options_(std::move(options)) {}

    const DeviceDescription& device() const override { return options_.device; }

    Result<LoadedModel> load(ModelId id, const ModelSpec& model) override {
        BUNCH_RETURN_IF_ERROR(check_signature(model));
        const SimulatedTimes& times = options_.times_of(model.name);
        models_.set(id, {model.signature.batched, times});
        LoadedModel loaded{model.signature, model.max_batch_rows, 0};
        if (times.rows) loaded.max_batch_rows = std::min(loaded.max_batch_rows, *times.rows);
        loaded.image = times.image;
        loaded.resident = models_.holds(times.image);
        if (!times.image.empty()) loaded.load_time = options_.load_time;
        return loaded;
    }

    void unload(ModelId id) override { models_.erase(id); }

    Status activate(ModelId id) override {
        const auto model = models_.find(id);
        if (!model) return not_found("the simulated device has not loaded this model");
        std::this_thread::sleep_for(options_.load_time);
        if (model->times.broken)
            return internal_error("the image '" + model->times.image + "' is broken");
        models_.hold(model->times.image);
        return ok_status();
    }

    Result<std::unique_ptr<Lane>> open_lane(std::uint32_t index, std::span<std::byte>) override {
        return std::unique_ptr<Lane>(std::make_unique<SimulatedLane>(options_, models_, index));
    }

  private:
    const SimulatedOptions options_;
    ModelSet models_;
};

}  // namespace

Result<std::unique_ptr<Backend>> make_simulated_backend(const BackendOptions& options) {
    BUNCH_ASSIGN_OR_RETURN(SimulatedOptions parsed, SimulatedOptions::from(options));
    return std::unique_ptr<Backend>(std::make_unique<SimulatedBackend>(std::move(parsed)));
}

}  // namespace bunch
