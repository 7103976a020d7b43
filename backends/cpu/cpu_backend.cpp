#include "backends/cpu/cpu_backend.h"

#include <unistd.h>

#include <charconv>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "backends/cpu/cores.h"
#include "backends/cpu/cpu_model.h"
#include "backends/cpu/threads.h"
#include "monitoring/log.h"

namespace bunch {
namespace {

/// The sessions of one model, one per lane.
using Sessions = std::vector<std::unique_ptr<cpu::ModelSession>>;

/// The loaded models. The control thread adds and removes while lanes look up.
class ModelTable {
  public:
    void insert(ModelId id, std::shared_ptr<Sessions> sessions) {
        const std::lock_guard lock(mutex_);
        models_[id] = std::move(sessions);
    }
    void erase(ModelId id) {
        std::shared_ptr<Sessions> gone;  // freed after the lock
        const std::lock_guard lock(mutex_);
        if (const auto found = models_.find(id); found != models_.end()) {
            gone = std::move(found->second);
            models_.erase(found);
        }
    }
    /// shared_ptr: keeps the sessions while a lane runs one of them.
    std::shared_ptr<Sessions> find(ModelId id) const {
        const std::lock_guard lock(mutex_);
        const auto found = models_.find(id);
        return found == models_.end() ? nullptr : found->second;
    }

  private:
    mutable std::mutex mutex_;
    std::map<ModelId, std::shared_ptr<Sessions>> models_;
};

class CpuLane final : public Lane {
  public:
    CpuLane(std::uint32_t index, const ModelTable& models, std::vector<unsigned> cores)
        : index_(index), models_(models), cores_(std::move(cores)) {}

    Status submit(SlotId slot, ModelId model, std::span<const ConstTensorView> inputs,
                  std::span<const TensorView> outputs) override;
    std::optional<Completion> wait(TimePoint until) override;

  private:
    std::uint32_t index_;
    const ModelTable& models_;
    std::vector<unsigned> cores_;  ///< that the lane stays on; none: any
    bool settled_ = false;         ///< the lane's thread is as it is to be
    std::deque<Completion> done_;
};

// Runs the batch here and now: a core has nothing to overlap with.
Status CpuLane::submit(SlotId slot, ModelId model, std::span<const ConstTensorView> inputs,
                       std::span<const TensorView> outputs) {
    if (!std::exchange(settled_, true)) {
        cpu::use_one_thread();
        cpu::stay_on(cores_);
    }
    const std::shared_ptr<Sessions> sessions = models_.find(model);
    if (!sessions) return not_found("model " + std::to_string(model.value) + " is not loaded");
    Completion completion;
    completion.slot = slot;
    const TimePoint begin = now();
    BUNCH_RETURN_IF_ERROR((*sessions)[index_]->run(inputs, outputs, completion.output_shapes));
    const TimePoint end = now();
    completion.times = {begin, begin, end, end};
    done_.push_back(std::move(completion));
    return ok_status();
}

std::optional<Completion> CpuLane::wait(TimePoint /*until*/) {
    if (done_.empty()) return std::nullopt;
    Completion completion = std::move(done_.front());
    done_.pop_front();
    return completion;
}

/// Sessions of a lane: one per thread, and one for what they run together.
std::uint64_t sessions_of(std::uint32_t threads) {
    return threads == 1 ? 1 : threads + 1;
}

/// Options besides lanes and slots.
struct CpuSettings {
    std::uint32_t threads = 1;
    std::vector<unsigned> cores;  ///< threads of them for each lane; none: any
    std::string plan_cache;
    double max_deviation = cpu::CpuModelOptions().max_deviation;
};

class CpuBackend final : public Backend {
  public:
    CpuBackend(DeviceDescription description, CpuSettings settings)
        : description_(std::move(description)), settings_(std::move(settings)) {
        for (std::uint32_t lane = 0; lane < description_.lanes; ++lane)
            teams_.push_back(std::make_unique<cpu::Team>(settings_.threads, cores_of(lane)));
    }

    const DeviceDescription& device() const override { return description_; }
    Result<LoadedModel> load(ModelId id, const ModelSpec& model) override;
    void unload(ModelId id) override { models_.erase(id); }
    Result<std::unique_ptr<Lane>> open_lane(std::uint32_t index,
                                            std::span<std::byte> arena) override;

  private:
    std::vector<unsigned> cores_of(std::uint32_t lane) const {
        if (settings_.cores.empty()) return {};
        const auto first =
            settings_.cores.begin() + static_cast<std::ptrdiff_t>(lane * settings_.threads);
        return {first, first + settings_.threads};
    }

    DeviceDescription description_;
    CpuSettings settings_;
    std::vector<std::unique_ptr<cpu::Team>> teams_;  ///< by lane
    ModelTable models_;
};

// One row through every plan: what is allocated or compiled at first use is so now.
Status warm_up(cpu::ModelSession& session, const cpu::Program& program) {
    for (const cpu::Plan& plan : program.plans()) {
        std::vector<Tensor> tensors;
        const auto make = [&](const TensorSpec& spec) {
            const bool batched = program.signature().batched;
            const Shape shape = batched ? spec.shape.with_rows(plan.rows) : spec.shape;
            Tensor tensor{spec.type, shape, Buffer::allocate(*byte_size(spec.type, shape))};
            for (std::byte& byte : tensor.buffer.bytes()) byte = std::byte{0};
            tensors.push_back(std::move(tensor));
        };
        for (const TensorSpec& spec : program.signature().inputs) make(spec);
        for (const TensorSpec& spec : program.signature().outputs) make(spec);
        std::vector<ConstTensorView> inputs;
        std::vector<TensorView> outputs;
        for (Tensor& tensor : tensors) {
            if (inputs.size() < program.signature().inputs.size())
                inputs.push_back(tensor.view());
            else
                outputs.push_back(tensor.view());
        }
        std::vector<Shape> ignored;
        BUNCH_RETURN_IF_ERROR(session.run(inputs, outputs, ignored));
    }
    return ok_status();
}

Result<LoadedModel> CpuBackend::load(ModelId id, const ModelSpec& model) {
    cpu::CpuModelOptions options;
    options.max_rows = model.max_batch_rows;
    options.precision = model.precision;
    options.max_deviation = settings_.max_deviation;
    options.plan_cache = settings_.plan_cache;
    // Who runs which rows is chance, and with it the last bits.
    const bool alone = model.numerics == Numerics::bitwise;
    options.threads = alone ? 1 : settings_.threads;
    BUNCH_ASSIGN_OR_RETURN(const std::shared_ptr<const cpu::CpuModel> loaded,
                           cpu::CpuModel::load(model.path, options));
    auto sessions = std::make_shared<Sessions>();
    for (std::uint32_t lane = 0; lane < description_.lanes; ++lane) {
        BUNCH_ASSIGN_OR_RETURN(std::unique_ptr<cpu::ModelSession> session,
                               loaded->open(alone ? nullptr : teams_[lane].get()));
        sessions->push_back(std::move(session));
    }
    if (const cpu::Program* program = loaded->program())
        BUNCH_RETURN_IF_ERROR(warm_up(*sessions->front(), *program).with_context(model.path));
    if (model.precision != Precision::f32)
        log::info("model_in_reduced_precision", {{"model", model.name},
                                                 {"precision", name_of(model.precision)},
                                                 {"deviation", loaded->deviation()}});
    if (!loaded->why_not_batched().empty())
        log::info("model_not_batched",
                  {{"model", model.name}, {"reason", loaded->why_not_batched()}});
    models_.insert(id, std::move(sessions));
    return LoadedModel{loaded->signature(), loaded->max_rows(),
                       loaded->memory_bytes(description_.lanes * sessions_of(options.threads))};
}

Result<std::unique_ptr<Lane>> CpuBackend::open_lane(std::uint32_t index,
                                                    std::span<std::byte> /*arena*/) {
    if (index >= description_.lanes)
        return invalid_argument("lane " + std::to_string(index) + " of a device with " +
                                std::to_string(description_.lanes));
    return std::unique_ptr<Lane>(std::make_unique<CpuLane>(index, models_, cores_of(index)));
}

std::uint64_t memory_of_host() {
    const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGE_SIZE);
    if (pages < 0 || size < 0) return 0;
    return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(size);
}

Result<std::uint32_t> parse_count(const std::string& key, const std::string& text) {
    std::uint32_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || end != text.data() + text.size() || count < 1 || count > 1024)
        return invalid_argument("option " + key + " = '" + text +
                                "' of a CPU device is no number from 1 to 1024");
    return count;
}

Result<double> parse_part(const std::string& key, const std::string& text) {
    double part = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), part);
    if (error != std::errc() || end != text.data() + text.size() || !(part >= 0 && part <= 1))
        return invalid_argument("option " + key + " = '" + text +
                                "' of a CPU device is no number from 0 to 1");
    return part;
}

}  // namespace

Result<std::unique_ptr<Backend>> make_cpu_backend(const BackendOptions& options) {
    DeviceDescription description{"cpu", 0, 2, memory_of_host()};
    CpuSettings settings;
    const std::map<std::string_view, std::uint32_t*> counts = {
        {"lanes", &description.lanes},
        {"slots", &description.slots_per_lane},
        {"threads", &settings.threads}};
    for (const auto& [key, value] : options) {
        if (key == "plan_cache") {
            settings.plan_cache = value;
        } else if (key == "cores") {
            BUNCH_ASSIGN_OR_RETURN(settings.cores, cpu::parse_cores(value));
        } else if (key == "max_deviation") {
            BUNCH_ASSIGN_OR_RETURN(settings.max_deviation, parse_part(key, value));
        } else if (const auto count = counts.find(key); count != counts.end()) {
            BUNCH_ASSIGN_OR_RETURN(*count->second, parse_count(key, value));
        } else {
            return invalid_argument("a CPU device has no option '" + key +
                                    "'; it has 'lanes', 'slots', 'threads', 'cores', "
                                    "'plan_cache' and 'max_deviation'");
        }
    }
    const std::vector<unsigned> cores =
        settings.cores.empty() ? cpu::usable_cores() : settings.cores;
    const auto most = static_cast<std::uint32_t>(cores.size()) / settings.threads;
    if (description.lanes == 0) description.lanes = std::max(1U, most);
    if (!settings.cores.empty() && description.lanes > most)
        return invalid_argument(
            std::to_string(description.lanes) + " lanes of " + std::to_string(settings.threads) +
            " threads need as many cores; option 'cores' names " + std::to_string(cores.size()));
    return std::unique_ptr<Backend>(
        std::make_unique<CpuBackend>(std::move(description), std::move(settings)));
}

}  // namespace bunch
