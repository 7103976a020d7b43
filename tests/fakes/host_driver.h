/// Drives a RunnerHost and its lanes as the daemon's main thread and reactor do, for tests that
/// want to say "until the device is up". Waits in poll(), at most kPatience of real time.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "backends/host/lane_link.h"
#include "backends/host/runner_host.h"
#include "core/time.h"

namespace bunch::test {

inline constexpr Duration kPatience = std::chrono::seconds(30);

class HostDriver {
  public:
    HostDriver(DeviceSettings settings, Launcher& launcher);

    RunnerHost& host() { return host_; }

    /// The next event of this type, leaving others for later; nothing if it does not come in time.
    template <typename Event>
    std::optional<Event> wait_for() {
        const TimePoint give_up = now() + kPatience;
        for (;;) {
            const auto wanted = std::find_if(
                events_.begin(), events_.end(),
                [](const HostEvent& event) { return std::holds_alternative<Event>(event); });
            if (wanted != events_.end()) {
                Event event = std::get<Event>(std::move(*wanted));
                events_.erase(wanted);
                return event;
            }
            if (now() >= give_up) return std::nullopt;
            turn(give_up);
        }
    }

    /// Whether such an event has come and nobody asked for it.
    template <typename Event>
    bool has() const {
        return std::any_of(events_.begin(), events_.end(), [](const HostEvent& event) {
            return std::holds_alternative<Event>(event);
        });
    }

    /// Polls once, until something happens or `until`, and lets the host act.
    void turn(TimePoint until);

    /// Advances until the host has no runner left; false if that does not come in time.
    bool wait_until_stopped();

  private:
    std::uint32_t next_lane_ = 0;
    RunnerHost host_;
    std::vector<HostEvent> events_;
};

/// The next batch that comes back on the lane, waiting for it; or the lane's loss.
Result<BatchReport> wait_for_batch(LaneLink& lane);

/// Two f32 tensors [-1, width], input "x" and output "y".
ModelSignature echo_signature(std::int64_t width);

/// A model of that name with echo_signature(width), and without a file.
ModelSpec echo_model(const std::string& name, std::int64_t width = 4);

/// Sends a batch of `rows` rows of numbers that count up from `first`.
Result<SlotId> send_counting_batch(LaneLink& lane, BatchId batch, ModelId model,
                                   const ModelSignature& signature, std::uint32_t rows,
                                   float first);

/// The numbers of an output.
std::vector<float> floats_of(const ConstTensorView& tensor);

}  // namespace bunch::test
