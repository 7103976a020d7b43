#include "tests/fakes/fake_backend.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace bunch::test {

void FakeDevice::order_load(const std::string& model, Status status) {
    const std::lock_guard lock(mutex_);
    load_orders_[model] = std::move(status);
}

void FakeDevice::order_load_crash(const std::string& model) {
    const std::lock_guard lock(mutex_);
    load_crashes_.insert(model);
}

void FakeDevice::order_batch(Fault fault) {
    const std::lock_guard lock(mutex_);
    faults_.push_back(fault);
}

void FakeDevice::hold() {
    const std::lock_guard lock(mutex_);
    held_ = true;
}

void FakeDevice::release() {
    {
        const std::lock_guard lock(mutex_);
        held_ = false;
    }
    released_.notify_all();
}

void FakeDevice::tell(const DeviceFault& fault) {
    FaultHandler handler;
    {
        const std::lock_guard lock(mutex_);
        handler = fault_handler_;
    }
    if (handler) handler(fault);
}

std::size_t FakeDevice::batches() const {
    const std::lock_guard lock(mutex_);
    return batches_;
}

bool FakeDevice::crashes_on(const std::string& model) const {
    const std::lock_guard lock(mutex_);
    return load_crashes_.count(model) != 0;
}

Status FakeDevice::load_outcome(const std::string& model) const {
    const std::lock_guard lock(mutex_);
    const auto order = load_orders_.find(model);
    return order == load_orders_.end() ? ok_status() : order->second;
}

Fault FakeDevice::next_fault() {
    const std::lock_guard lock(mutex_);
    ++batches_;
    if (faults_.empty()) return Fault::none;
    const Fault fault = faults_.front();
    faults_.pop_front();
    return fault;
}

bool FakeDevice::wait_until_released(TimePoint until) {
    std::unique_lock lock(mutex_);
    return released_.wait_until(lock, until, [this] { return !held_; });
}

class FakeLane final : public Lane {
  public:
    FakeLane(std::shared_ptr<FakeDevice> device, std::function<void()> crash)
        : device_(std::move(device)), crash_(std::move(crash)) {}

    Status submit(SlotId slot, ModelId, std::span<const ConstTensorView> inputs,
                  std::span<const TensorView> outputs) override {
        const Fault fault = device_->next_fault();
        if (fault == Fault::exception) throw std::runtime_error("ordered by the test");
        if (fault == Fault::crash) {
            crash_();
            return ok_status();  // and it never ends
        }
        Completion completion{slot, {}, {}, {}};
        completion.times.transfer_begin = completion.times.compute_begin = now();
        for (std::size_t i = 0; i < outputs.size(); ++i) {
            std::copy(inputs[i].bytes.begin(), inputs[i].bytes.end(), outputs[i].bytes.begin());
            Shape shape = outputs[i].shape;
            if (fault == Fault::wrong_shape) shape.set(0, shape[0] + 1);
            completion.output_shapes.push_back(shape);
        }
        if (fault == Fault::error) completion.status = internal_error("ordered by the test");
        completion.times.compute_end = completion.times.transfer_end = now();
        done_.push_back(std::move(completion));
        return ok_status();
    }

    std::optional<Completion> wait(TimePoint until) override {
        if (!device_->wait_until_released(until) || done_.empty()) return std::nullopt;
        Completion completion = std::move(done_.front());
        done_.pop_front();
        return completion;
    }

  private:
    std::shared_ptr<FakeDevice> device_;
    std::function<void()> crash_;
    std::deque<Completion> done_;
};

class FakeBackend final : public Backend {
  public:
    ~FakeBackend() override {
        const std::lock_guard lock(device_->mutex_);
        device_->fault_handler_ = nullptr;
    }
    FakeBackend(std::shared_ptr<FakeDevice> device, std::function<void()> crash)
        : device_(std::move(device)),
          crash_(std::move(crash)),
          description_(device_->description) {}

    const DeviceDescription& device() const override { return description_; }

    Result<LoadedModel> load(ModelId, const ModelSpec& model) override {
        if (device_->crashes_on(model.name)) crash_();
        BUNCH_RETURN_IF_ERROR(device_->load_outcome(model.name));
        return LoadedModel{model.signature, model.max_batch_rows, 0};
    }

    void unload(ModelId) override {}

    Status activate(ModelId id) override {
        return id == ModelId{77} ? not_found("ordered by the test") : ok_status();
    }

    DeviceReadings readings() override { return device_->readings; }

    void on_fault(FaultHandler tell) override {
        const std::lock_guard lock(device_->mutex_);
        device_->fault_handler_ = std::move(tell);
    }

    Result<std::unique_ptr<Lane>> open_lane(std::uint32_t, std::span<std::byte>) override {
        return std::unique_ptr<Lane>(std::make_unique<FakeLane>(device_, crash_));
    }

  private:
    std::shared_ptr<FakeDevice> device_;
    std::function<void()> crash_;
    DeviceDescription description_;
};

Result<std::unique_ptr<Backend>> FakeDevice::make(const std::shared_ptr<FakeDevice>& device,
                                                  std::function<void()> crash) {
    if (!device->refusal.empty()) return unavailable(device->refusal);
    return std::unique_ptr<Backend>(std::make_unique<FakeBackend>(device, std::move(crash)));
}

}  // namespace bunch::test
