/// The fixture of tests in which a scripted runner meets a RunnerHost.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "backends/host/runner_host.h"
#include "tests/backends/host/scripted_runner.h"
#include "tests/fakes/host_driver.h"

namespace bunch::test {

using namespace std::chrono_literals;
using testing::HasSubstr;
using wire::Hello;

inline TimePoint at(Duration since_start) {
    return TimePoint{} + 1h + since_start;
}

inline DeviceSettings settings() {
    DeviceSettings settings;
    settings.name = "dev0";
    settings.backend = "scripted";
    settings.arena_bytes = 1 << 20;
    settings.start_timeout = 5s;
    settings.load_timeout = 60s;
    settings.ping_interval = 2s;
    settings.ping_timeout = 10s;
    settings.restart = {100ms, 1s, 2, 60s};
    return settings;
}

/// A host and its runner. The time is an argument, so nothing here waits.
class ScriptedRunnerTest : public testing::Test {
  protected:
    ScriptedProcess& runner() { return *launcher_.runners.back(); }

    void advance(Duration when) {
        host_.advance(at(when));
        for (HostEvent& event : host_.take_events()) events_.push_back(std::move(event));
    }

    /// Greets and opens one lane, by `when`.
    void bring_up(Duration when) {
        runner().say(Hello{{"scripted", 1, 2, 0}});
        advance(when);
        runner().say(wire::LaneOpened{0, {}});
        advance(when);
        ASSERT_TRUE(last<DeviceUp>());
    }

    template <typename Event>
    const Event* last() const {
        return events_.empty() ? nullptr : std::get_if<Event>(&events_.back());
    }

    std::string last_loss() const {
        const auto* lost = last<DeviceLost>();
        return lost == nullptr ? "none" : lost->reason;
    }

    ScriptedLauncher launcher_;
    std::uint32_t lanes_ = 0;
    RunnerHost host_{settings(), launcher_, [this] { return LaneId{lanes_++}; }};
    std::vector<HostEvent> events_;
};

}  // namespace bunch::test
