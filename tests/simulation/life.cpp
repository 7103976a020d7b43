#include "tests/simulation/life.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace bunch::simulation {

using namespace std::chrono_literals;

Life::Life(std::uint64_t seed)
    : chance(seed),
      habits(chance),
      config(random_config(chance, habits)),
      scheduler(seed),
      now_(TimePoint{} + 1h),
      seen_(now_) {
    is_traced_ = std::getenv("BUNCH_SIMULATION_TRACE") != nullptr;
}

const ModelPolicy* Life::policy(ModelId model) const {
    for (const ModelPolicy& one : config.models)
        if (one.model == model) return &one;
    return nullptr;
}

TimePoint Life::clock() {
    TimePoint told = now_;
    if (habits.clock_goes_back && chance.happens(0.1))
        told -= chance.up_to(chance.happens(0.2) ? Duration(30min) : Duration(10ms));
    seen_ = std::max(seen_, told);
    return told;
}

void Life::after(Duration wait, std::function<void()> action) {
    events_.emplace(std::pair(now_ + wait, planned_++), std::move(action));
}

void Life::leap(Duration ahead) {
    now_ += ahead;
    leapt_at_ = now_;
}

std::optional<TimePoint> Life::next_event() const {
    if (events_.empty()) return std::nullopt;
    return events_.begin()->first.first;
}

void Life::go_on(TimePoint to) {
    now_ = std::max(now_, to);
    while (!events_.empty() && events_.begin()->first.first <= now_) {
        const auto action = std::move(events_.begin()->second);
        events_.erase(events_.begin());
        action();
    }
}

void Life::print(std::uint64_t number) {
    const auto time = static_cast<std::uint64_t>(now_.time_since_epoch().count());
    for (const std::uint64_t part : {time, number}) {
        fingerprint_ ^= part;
        fingerprint_ *= 1099511628211u;
    }
}

void Life::trace(const std::string& line) const {
    const double ms = to_seconds(now_.time_since_epoch() - 1h) * 1e3;
    if (is_traced_) std::printf("%12.6f ms  %s\n", ms, line.c_str());
}

}  // namespace bunch::simulation
