/// What is simulated: a pool of devices, the models on it, and who asks. Plain values, as a
/// scenario file describes them. Not how such a file is read, see scenario_file.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/ids.h"
#include "core/time.h"

namespace bunch::simulation {

/// How long a batch of one model computes on a device of one class:
/// fixed + per_row × rows × (1 + contention × other busy lanes of the device), on average.
struct Curve {
    std::size_t model = 0;  ///< index into Scenario::models
    double fixed = 0;       ///< seconds
    double per_row = 0;     ///< seconds
    double contention = 0;
    std::uint32_t max_rows = 1;
};

double mean_run_seconds(const Curve& curve, std::uint32_t rows, std::uint32_t other_busy_lanes);

/// From `at` on, every run takes `factor` times as long as its curve says.
struct SpeedChange {
    Duration at{};  ///< since the start of the run
    double factor = 1;
};

/// The device is lost at `from` and back at `until`.
struct Outage {
    std::uint32_t device = 0;  ///< 0-based within the class
    Duration from{};
    Duration until{};
};

/// Devices that are equal.
struct DeviceClass {
    std::string name;
    std::uint32_t devices = 1;
    std::uint32_t lanes = 1;
    std::uint32_t slots = 1;
    double noise = 0;  ///< sigma of the lognormal factor, of mean 1, on each run
    Duration gather_per_row{};
    Duration transfer_per_row{};
    double stall_probability = 0;  ///< of each batch
    Duration stall_time{};         ///< what such a batch takes longer
    std::vector<SpeedChange> changes{};
    std::vector<Outage> outages{};
    Duration mean_time_between_failures{};  ///< of each device; zero: none besides `outages`
    Duration repair_time{};
    Duration reconfiguration{};        ///< zero: all models are there at once
    std::vector<std::size_t> holds{};  ///< reconfigurable: which model, per device, at the start
    std::vector<Curve> curves{};       ///< of the models that it runs

    const Curve* curve_of(std::size_t model) const;  ///< nullptr: it does not run the model
};

struct SimulatedModel {
    std::string name;
    std::optional<Duration> objective{};  ///< also the deadline, see Scenario::deadlines
    std::uint32_t rows = 1;               ///< of each request
    double mix = 0;  ///< its part of the open-loop requests, relative to those of the others
    Duration on{};   ///< mean length of a burst; zero: Poisson
    Duration off{};  ///< mean pause between bursts
    bool fixed_bursts =
        false;  ///< lengths are not random: begins with a burst, in time with others
    std::uint32_t max_queued_rows = 1u << 20;
};

/// A tenant asks for every model, by the mix.
struct SimulatedTenant {
    std::string name;
    double weight = 1;
    double load = 1;      ///< its requests, as a part of the bound; otherwise of the whole rate
    bool floods = false;  ///< its fate is not what is measured
    double rows_per_second = 0;  ///< its quota over all models; 0: none
    double burst_rows = 0;       ///< what may come at once of it
};

/// A client in a closed loop thinks, asks, waits for the answer, and goes on to its next step.
struct Step {
    Duration think{};  ///< on average
    std::size_t model = 0;
};

/// Clients that go round the same steps.
struct Farm {
    std::uint32_t clients = 0;
    double think_noise = 0;  ///< sigma of the lognormal factor, of mean 1
    std::vector<Step> steps{};
};

/// A request that a daemon was sent once.
struct RecordedRequest {
    Duration at{};  ///< since the start of the run
    std::uint32_t model = 0;
    std::uint32_t tenant = 0;
    ClientId client;  ///< 0: the client gave no name
    std::uint32_t rows = 1;
    std::optional<Duration> timeout{};  ///< from its arrival
    std::uint8_t priority = 0;
    bool late_ok = false;
};

/// What is asked of a scenario, and so what its figure is.
enum class Measure : std::uint8_t {
    goodput,  ///< the highest rate at which the objectives are kept, as a part of the bound
    kept,     ///< at `load` of the bound: the part of all requests that is answered in objective
    latency,  ///< at `load` of the bound: the 99th percentile in ms, of all answers
    tenants,  ///< each tenant at its load: the part kept of those who do not flood
    events,   ///< closed loop: rounds per second in which every answer counts, as a part of the
              ///< bound
};
std::string_view name_of(Measure measure);  ///< "goodput", "kept", ...

/// What a scenario is compared with.
enum class BoundKind : std::uint8_t {
    programme,  ///< the linear programme of bound.h
    /// the same without regard to a farm's population, or, if that is less, clients / (a round of
    /// think times and quickest runs of single requests, as if clients never met)
    uncrowded,
    lockstep,  ///< clients / (run of all in one batch + think time); a farm on a single lane
};

struct Scenario {
    std::string name;        ///< "S6 N=64"
    std::string title;       ///< a few words
    bool is_random = false;  ///< drawn by random_pool(); not in files
    Measure measure = Measure::goodput;
    Duration span = std::chrono::seconds(3);
    double warm_up = 0.2;  ///< this first part of the span is not measured
    double load = 1;       ///< of the bound; see Measure
    /// Whether a request's deadline is its arrival and its model's objective. Otherwise it has
    /// none, and the objective is only a wish: late answers count.
    bool deadlines = true;
    BoundKind bound = BoundKind::programme;
    std::optional<double> beat{};          ///< the figure to reach; for latency, not to exceed
    std::optional<std::uint32_t> swaps{};  ///< how many there should be
    std::vector<DeviceClass> classes{};
    std::vector<SimulatedModel> models{};
    std::vector<SimulatedTenant> tenants{};  ///< empty: one, at all of the rate
    std::optional<Farm> farm{};              ///< with it there are no open-loop requests
    /// In the order of their arrival. With them there are no others; no file has them.
    std::vector<RecordedRequest> recorded{};
};

/// model.mix as parts of one.
std::vector<double> normalised_mix(const Scenario& scenario);

}  // namespace bunch::simulation
