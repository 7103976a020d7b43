#include "tests/fakes/host_driver.h"

#include <poll.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

namespace bunch::test {
namespace {

void poll_until(std::vector<pollfd>& fds, TimePoint until) {
    const Duration left = std::max(until - now(), Duration::zero());
    // Rounded up, or a poll that ends too early would spin.
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    ::poll(fds.data(), static_cast<nfds_t>(fds.size()), static_cast<int>(milliseconds));
}

}  // namespace

HostDriver::HostDriver(DeviceSettings settings, Launcher& launcher)
    : host_(std::move(settings), launcher, [this] { return LaneId{next_lane_++}; }) {}

void HostDriver::turn(TimePoint until) {
    std::vector<pollfd> fds;
    host_.add_poll_fds(fds);
    poll_until(fds, std::min(until, host_.next_wakeup().value_or(until)));
    host_.advance(now());
    for (HostEvent& event : host_.take_events()) events_.push_back(std::move(event));
}

bool HostDriver::wait_until_stopped() {
    const TimePoint give_up = now() + kPatience;
    while (!host_.is_stopped() && now() < give_up) turn(give_up);
    return host_.is_stopped();
}

Result<BatchReport> wait_for_batch(LaneLink& lane) {
    const TimePoint give_up = now() + kPatience;
    while (now() < give_up) {
        BUNCH_ASSIGN_OR_RETURN(const auto report, lane.receive(now()));
        if (report) return *report;
        std::vector<pollfd> fds = {{lane.fd(), POLLIN, 0}};
        poll_until(fds, give_up);
    }
    return deadline_exceeded("no batch came back");
}

ModelSignature echo_signature(std::int64_t width) {
    return {{{"x", DataType::f32, {kAnyExtent, width}}},
            {{"y", DataType::f32, {kAnyExtent, width}}},
            true};
}

ModelSpec echo_model(const std::string& name, std::int64_t width) {
    ModelSpec spec;
    spec.name = name;
    spec.signature = echo_signature(width);
    return spec;
}

Result<SlotId> send_counting_batch(LaneLink& lane, BatchId batch, ModelId model,
                                   const ModelSignature& signature, std::uint32_t rows,
                                   float first) {
    BUNCH_ASSIGN_OR_RETURN(const BatchInputs views, lane.begin(batch, model, signature, rows));
    for (const TensorView& input : views.inputs) {
        std::vector<float> numbers(input.bytes.size() / sizeof(float));
        std::iota(numbers.begin(), numbers.end(), first);
        std::memcpy(input.bytes.data(), numbers.data(), input.bytes.size());
    }
    BUNCH_RETURN_IF_ERROR(lane.run(views.slot, now()));
    return views.slot;
}

std::vector<float> floats_of(const ConstTensorView& tensor) {
    std::vector<float> numbers(tensor.bytes.size() / sizeof(float));
    std::memcpy(numbers.data(), tensor.bytes.data(), tensor.bytes.size());
    return numbers;
}

}  // namespace bunch::test
