#include "backends/xrt/xrt_backend.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "backends/xrt/card_lock.h"
#include "backends/xrt/fpga_card.h"
#include "backends/xrt/fpga_model.h"
#include "backends/xrt/placement.h"
#include "backends/xrt/unit_lane.h"
#include "backends/xrt/xrt_options.h"
#include "core/check.h"

namespace bunch {
namespace {

using fpga::DriverError;
using fpga::FpgaCard;
using fpga::FpgaModel;
using fpga::Placement;
using fpga::UnitLane;
using fpga::XrtOptions;

/// All on the control thread but the lanes' own work. A lane may be closed before the backend, so
/// they are known by a weak pointer.
class XrtBackend final : public Backend {
  public:
    XrtBackend(XrtOptions options, FpgaCard card)
        : options_(std::move(options)),
          card_(std::move(card)),
          description_{
              options_.device_class.empty() ? "fpga-" + card_.model() : options_.device_class,
              options_.lanes, options_.slots, 0} {}

    const DeviceDescription& device() const override { return description_; }
    void on_fault(FaultHandler tell) override { tell_ = std::move(tell); }
    DeviceReadings readings() override { return card_.readings(); }

    Result<LoadedModel> load(ModelId id, const ModelSpec& spec) override;
    void unload(ModelId id) override;
    Status activate(ModelId id) override;
    Result<std::unique_ptr<Lane>> open_lane(std::uint32_t index,
                                            std::span<std::byte> arena) override;

  private:
    struct Model {
        std::shared_ptr<const FpgaModel> files;
        std::uint32_t rows = 1;
    };
    class OpenLane;

    Status lock();
    Status configure(const FpgaModel& model);
    Status place(ModelId id, const Model& model);
    Status tell(const DeviceFault& fault);
    std::uint64_t memory_of(ModelId id) const;

    XrtOptions options_;
    FpgaCard card_;
    std::optional<fpga::CardLock> lock_;
    DeviceDescription description_;
    FaultHandler tell_ = [](const DeviceFault&) {};
    std::map<ModelId, Model> models_;
    std::map<ModelId, std::uint64_t> memory_;  // on the card
    std::vector<std::weak_ptr<UnitLane>> lanes_;
    std::string resident_;  // image on the card, put there by this runner
};

/// What the lane's thread owns: its part of a UnitLane.
class XrtBackend::OpenLane final : public Lane {
  public:
    explicit OpenLane(std::shared_ptr<UnitLane> lane) : lane_(std::move(lane)) {}
    Status submit(SlotId slot, ModelId model, std::span<const ConstTensorView> inputs,
                  std::span<const TensorView> outputs) override {
        return lane_->submit(slot, model, inputs, outputs);
    }
    std::optional<Completion> wait(TimePoint until) override { return lane_->wait(until); }

  private:
    std::shared_ptr<UnitLane> lane_;  // shared with the control thread for the time of a load
};

Result<std::unique_ptr<Lane>> XrtBackend::open_lane(std::uint32_t index,
                                                    std::span<std::byte> arena) {
    if (index >= description_.lanes)
        return invalid_argument("lane " + std::to_string(index) + " of a card with " +
                                std::to_string(description_.lanes));
    BUNCH_RETURN_IF_ERROR(lock());
    ::xrt::device handle;
    if (const auto error = fpga::tried([&] { handle = card_.open_handle(); }))
        return unavailable("card " + options_.card +
                           " cannot be opened for a lane: " + error->text);
    const auto lane =
        std::make_shared<UnitLane>(std::move(handle), card_.name(),
                                   fpga::LaneArena{arena, description_.slots_per_lane}, tell_);
    lanes_.resize(description_.lanes);
    lanes_[index] = lane;
    return std::unique_ptr<Lane>(std::make_unique<OpenLane>(lane));
}

/// From the first lane on: a runner that only tries models needs no card.
Status XrtBackend::lock() {
    if (lock_) return ok_status();
    auto lock = fpga::CardLock::acquire(card_.identity());
    if (!lock.ok())
        return tell(fpga::describe_fault(FaultKind::busy, card_.name(), lock.status().message()));
    lock_.emplace(std::move(*lock));
    return ok_status();
}

Result<LoadedModel> XrtBackend::load(ModelId id, const ModelSpec& spec) {
    if (spec.precision != Precision::f32)
        return unimplemented("model '" + spec.name + "' asks for precision " +
                             std::string(name_of(spec.precision)) +
                             "; that of an FPGA model is in its manifest (leave precision out)");
    if (!spec.signature.batched)
        return unimplemented("model '" + spec.name +
                             "' is batched = false; rows of an FPGA model run together");
    BUNCH_ASSIGN_OR_RETURN(auto files, fpga::read_model(spec.path));
    const Model model{files, std::min(spec.max_batch_rows, files->manifest.max_rows)};
    LoadedModel loaded;
    loaded.signature = files->manifest.signature();
    loaded.max_batch_rows = model.rows;
    loaded.arithmetic = files->arithmetic();
    loaded.image = files->image;
    loaded.load_time = files->manifest.load_time;
    // Without lanes it is only tried, and the card may belong to another runner.
    if (lanes_.empty()) return loaded;
    loaded.resident = resident_.empty() || resident_ == files->image || models_.empty();
    if (loaded.resident) {
        BUNCH_RETURN_IF_ERROR(configure(*files));
        BUNCH_RETURN_IF_ERROR(place(id, model));
    }
    models_[id] = model;
    loaded.memory_bytes = memory_[id];
    return loaded;
}

void XrtBackend::unload(ModelId id) {
    for (const auto& each : lanes_)
        if (const auto lane = each.lock()) lane->remove(id);
    models_.erase(id);
    memory_.erase(id);
}

Status XrtBackend::activate(ModelId id) {
    const auto found = models_.find(id);
    if (found == models_.end())
        return not_found("model " + std::to_string(id.value) + " is not loaded by this runner");
    const std::string image = found->second.files->image;
    if (image == resident_) return ok_status();
    // XRT does not let go of a design that kernels are open of.
    for (const auto& each : lanes_)
        if (const auto lane = each.lock()) lane->clear();
    BUNCH_RETURN_IF_ERROR(configure(*found->second.files));
    for (const auto& [other, model] : models_)
        if (model.files->image == image) BUNCH_RETURN_IF_ERROR(place(other, model));
    return ok_status();
}

/// Has every lane's handle know the design, which is on the card then.
Status XrtBackend::configure(const FpgaModel& model) {
    if (resident_ == model.image) return ok_status();
    resident_.clear();
    for (const auto& each : lanes_) {
        const auto lane = each.lock();
        if (!lane) continue;
        if (const auto fault = card_.configure(lane->handle(), model)) return tell(*fault);
    }
    resident_ = model.image;
    return ok_status();
}

/// Opens the model's kernel and buffers on every lane.
Status XrtBackend::place(ModelId id, const Model& model) {
    std::uint64_t memory = 0;
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
        const auto lane = lanes_[i].lock();
        if (!lane) continue;
        const std::string& unit = model.files->units[i % model.files->units.size()];
        auto made = Placement::make(lane->handle(), model.files, unit, lane->arena(), model.rows);
        if (const auto* error = std::get_if<DriverError>(&made)) {
            for (const auto& each : lanes_)
                if (const auto other = each.lock()) other->remove(id);
            const FaultKind kind = fpga::fault_of_errno(error->error, FaultKind::load_failed);
            return tell(
                fpga::describe_fault(kind, card_.name(),
                                     "unit '" + unit + "' of '" + model.files->manifest.xclbin +
                                         "' cannot be opened for " + std::to_string(model.rows) +
                                         " rows: " + error->text));
        }
        auto& placement = std::get<std::unique_ptr<Placement>>(made);
        memory += placement->memory_bytes();
        lane->place(id, std::move(placement));
    }
    memory_[id] = memory;
    return ok_status();
}

/// As a status: the model cannot be had, or not now.
Status XrtBackend::tell(const DeviceFault& fault) {
    tell_(fault);
    if (fault.kind == FaultKind::memory_full) return resource_exhausted(fault.message);
    return unavailable(fault.message);
}

}  // namespace

Result<std::unique_ptr<Backend>> make_xrt_backend(const BackendOptions& options) {
    BUNCH_ASSIGN_OR_RETURN(XrtOptions parsed, XrtOptions::from(options));
    BUNCH_ASSIGN_OR_RETURN(FpgaCard card, FpgaCard::open(parsed));
    return std::unique_ptr<Backend>(
        std::make_unique<XrtBackend>(std::move(parsed), std::move(card)));
}

}  // namespace bunch
