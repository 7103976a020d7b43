#include "bench/simulation/random_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "bench/simulation/bound.h"
#include "bench/simulation/random.h"

namespace bunch::simulation {
namespace {

using namespace std::chrono_literals;

constexpr double kMicrosecond = 1e-6;
/// Requests that a run at the bound should not exceed, so that a comparison stays affordable.
constexpr double kMostRequests = 300'000;
constexpr Duration kShortestSpan = 600ms;
constexpr Duration kLongestSpan = 3s;
constexpr Duration kShortestObjective = 500us;

class Draw {
  public:
    explicit Draw(std::uint64_t seed) : random_(seed, Purpose::pools, 0) {}

    bool chance(double probability) { return random_.uniform() < probability; }
    double between(double low, double high) { return low + (high - low) * random_.uniform(); }
    /// Each factor as likely as any other.
    double log_between(double low, double high) {
        return low * std::pow(high / low, random_.uniform());
    }
    std::uint32_t count(std::uint32_t low, std::uint32_t high) {
        return low + static_cast<std::uint32_t>(random_.uniform() * (high - low + 1));
    }
    template <std::size_t n>
    std::uint32_t one_of(const std::array<std::uint32_t, n>& values) {
        return values[count(0, n - 1)];
    }

  private:
    Random random_;
};

/// What a model is before it is known where it runs.
struct Work {
    double gpu_fixed = 0;    ///< seconds
    double gpu_per_row = 0;  ///< seconds
    std::uint32_t gpu_rows = 1;
};

enum class Kind : std::uint8_t { gpu, cpu, fpga };

/// Seconds, with three digits, so that a scenario file can say them.
double rounded(double seconds) {
    const double unit = std::pow(10, std::floor(std::log10(seconds)) - 2);
    return std::max(1e-9, std::round(std::round(seconds / unit) * unit * 1e9) / 1e9);
}

class PoolDraft {
  public:
    explicit PoolDraft(std::uint64_t seed) : draw_(seed) {
        scenario_.is_random = true;
        scenario_.name = fmt::format("R{}", seed);
        add_models();
        add_classes();
        set_objectives();
        set_arrivals();
        set_span();
        describe();
    }

    Scenario take() { return std::move(scenario_); }

  private:
    void add_models();
    void add_classes();
    void add_class(Kind kind, std::size_t number);
    Curve curve_on(Kind kind, std::size_t model, double speed);
    void set_objectives();
    double capacity_of(const DeviceClass& one, const Curve& curve) const;
    void set_arrivals();
    void set_span();
    void describe();

    Draw draw_;
    Scenario scenario_;
    std::vector<Work> work_;
};

void PoolDraft::add_models() {
    const std::uint32_t count = draw_.count(1, 8);
    const bool has_rows = draw_.chance(0.25);
    for (std::uint32_t m = 0; m < count; ++m) {
        Work work;
        work.gpu_fixed = draw_.log_between(300 * kMicrosecond, 3000 * kMicrosecond);
        work.gpu_per_row = work.gpu_fixed * draw_.log_between(0.01, 0.06);
        work.gpu_rows = draw_.one_of<4>({16, 32, 64, 128});
        work_.push_back(work);
        SimulatedModel model;
        model.name = std::string(1, static_cast<char>('A' + m));
        if (has_rows && draw_.chance(0.5)) model.rows = draw_.one_of<4>({2, 4, 8, 16});
        scenario_.models.push_back(std::move(model));
    }
}

void PoolDraft::add_classes() {
    const std::uint32_t count = draw_.count(1, 4);
    const bool has_slots = draw_.chance(0.2);
    for (std::uint32_t c = 0; c < count; ++c) {
        const double which = draw_.between(0, 1);
        // A pool without anything that batches would ask nothing of a batcher.
        const Kind kind = c == 0 || which < 0.4 ? Kind::gpu : which < 0.7 ? Kind::cpu : Kind::fpga;
        add_class(kind, c);
        if (!has_slots) continue;
        scenario_.classes.back().slots = 2;
        scenario_.classes.back().gather_per_row = 500ns;
        if (kind != Kind::cpu) scenario_.classes.back().transfer_per_row = 1us;
    }
}

void PoolDraft::add_class(Kind kind, std::size_t number) {
    DeviceClass one;
    const double speed = draw_.log_between(0.5, 2);
    one.name = fmt::format("{}{}",
                           kind == Kind::gpu   ? "gpu"
                           : kind == Kind::cpu ? "cpu"
                                               : "fpga",
                           number);
    one.noise = kind == Kind::gpu ? 0.03 : kind == Kind::cpu ? 0.10 : 0.005;
    one.devices = kind == Kind::cpu ? draw_.count(2, 16) : draw_.count(1, 4);
    if (kind == Kind::gpu) one.lanes = draw_.one_of<4>({1, 1, 2, 4});
    const double contention = std::round(draw_.between(0.3, 1) * 100) / 100;
    // The first class runs every model, the others some, and at least one.
    for (std::size_t m = 0; m < work_.size(); ++m) {
        if (number > 0 && !draw_.chance(kind == Kind::fpga ? 0.4 : 0.8) &&
            !(one.curves.empty() && m + 1 == work_.size()))
            continue;
        one.curves.push_back(curve_on(kind, m, speed));
        if (one.lanes > 1) one.curves.back().contention = contention;
    }
    scenario_.classes.push_back(std::move(one));
}

Curve PoolDraft::curve_on(Kind kind, std::size_t model, double speed) {
    const Work& work = work_[model];
    const std::uint32_t rows = scenario_.models[model].rows;
    Curve curve;
    curve.model = model;
    switch (kind) {
        case Kind::gpu:
            curve.fixed = work.gpu_fixed / speed;
            curve.per_row = work.gpu_per_row / speed;
            curve.max_rows = work.gpu_rows;
            break;
        case Kind::cpu:
            curve.fixed = draw_.between(20, 60) * kMicrosecond;
            curve.per_row = work.gpu_per_row * draw_.log_between(8, 40) / speed;
            curve.max_rows = std::max(rows, draw_.one_of<3>({4, 8, 16}));
            break;
        case Kind::fpga:
            curve.fixed = draw_.between(5, 50) * kMicrosecond;
            curve.per_row = work.gpu_per_row * draw_.log_between(1, 5) / speed;
            curve.max_rows = rows;
            break;
    }
    curve.fixed = rounded(curve.fixed);
    curve.per_row = rounded(curve.per_row);
    return curve;
}

/// Rows per second when all of the class does nothing else.
double PoolDraft::capacity_of(const DeviceClass& one, const Curve& curve) const {
    return one.devices * one.lanes * curve.max_rows /
           mean_run_seconds(curve, curve.max_rows, one.lanes - 1);
}

void PoolDraft::set_objectives() {
    for (std::size_t m = 0; m < scenario_.models.size(); ++m) {
        double most = 0;
        double run = 0;
        for (const DeviceClass& one : scenario_.classes) {
            const Curve* curve = one.curve_of(m);
            if (curve == nullptr || capacity_of(one, *curve) <= most) continue;
            most = capacity_of(one, *curve);
            run = mean_run_seconds(*curve, curve->max_rows, one.lanes - 1);
        }
        const double objective = rounded(run * draw_.log_between(1.5, 10));
        scenario_.models[m].objective = std::max(kShortestObjective, from_seconds(objective));
    }
}

void PoolDraft::set_arrivals() {
    const bool has_bursts = draw_.chance(0.3);
    for (SimulatedModel& model : scenario_.models) {
        model.mix = std::round(draw_.log_between(1, 30) * 10) / 10;
        if (!has_bursts || !draw_.chance(0.6)) continue;
        model.on = std::chrono::milliseconds(draw_.count(10, 60));
        model.off = std::chrono::milliseconds(draw_.count(10, 100));
    }
}

/// Long enough for what is slow, short enough to be affordable.
void PoolDraft::set_span() {
    Duration longest{};
    for (const SimulatedModel& model : scenario_.models)
        longest = std::max(longest, *model.objective + 2 * (model.on + model.off));
    const Result<double> bound = bound_of(scenario_);
    const Duration affordable = bound.ok() ? from_seconds(kMostRequests / *bound) : kLongestSpan;
    const Duration span = std::clamp(affordable, std::max(kShortestSpan, 30 * longest),
                                     std::max(kLongestSpan, 30 * longest));
    scenario_.span = std::chrono::ceil<std::chrono::milliseconds>(span);
}

void PoolDraft::describe() {
    std::string devices;
    for (const DeviceClass& one : scenario_.classes)
        devices += fmt::format("{}{} {}", devices.empty() ? "" : " + ", one.devices, one.name);
    const std::size_t count = scenario_.models.size();
    scenario_.title = fmt::format("{} model{} on {}", count, count == 1 ? "" : "s", devices);
}

}  // namespace

Scenario random_pool(std::uint64_t seed) {
    return PoolDraft(seed).take();
}

}  // namespace bunch::simulation
