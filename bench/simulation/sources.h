/// When requests arrive: open-loop sources, which do not care for answers, and the think times of
/// closed-loop clients.
#pragma once

#include <vector>

#include "bench/simulation/random.h"
#include "bench/simulation/scenario.h"

namespace bunch::simulation {

/// The requests of one tenant for one model: Poisson, or Poisson within bursts. Bursts and pauses
/// have exponential lengths unless they are fixed. The rate within a burst is so much higher that
/// the mean is right.
class Source {
  public:
    /// `rate` per second, on average; above zero.
    Source(std::uint32_t model, std::uint32_t tenant, double rate, const SimulatedModel& spec,
           std::uint64_t seed);

    std::uint32_t model() const { return model_; }
    std::uint32_t tenant() const { return tenant_; }

    /// How long after the last request (or the start) the next one comes.
    Duration next_gap();

  private:
    double length_of(double mean) { return fixed_ ? mean : mean * bursts_.exponential(); }

    std::uint32_t model_;
    std::uint32_t tenant_;
    double mean_gap_;  ///< seconds, within a burst
    double mean_on_ = 0;
    double mean_off_ = 0;
    double left_ = 0;  ///< of the present burst, seconds
    bool fixed_ = false;
    Random arrivals_;
    Random bursts_;
};

/// One source per tenant and model that is asked at all. `rate` is that of a tenant with load 1.
std::vector<Source> sources_of(const Scenario& scenario, double rate, std::uint64_t seed);

/// One client of the scenario's farm. They begin spread over the steps.
class ThinkingClient {
  public:
    ThinkingClient(const Farm& farm, std::uint32_t number, std::uint64_t seed);

    Duration next_think();
    std::uint32_t model() const;  ///< that it asks after that think time

    /// Its request has ended; it goes on to its next step. True if that completes a round in which
    /// every answer counts.
    bool go_on(bool in_objective);

  private:
    const Farm* farm_;
    std::size_t step_;
    std::size_t good_steps_ = 0;  ///< in a row, up to now
    Random random_;
};

}  // namespace bunch::simulation
