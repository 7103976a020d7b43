#include "bench/simulation/sources.h"

namespace bunch::simulation {

Source::Source(std::uint32_t model, std::uint32_t tenant, double rate, const SimulatedModel& spec,
               std::uint64_t seed)
    : model_(model),
      tenant_(tenant),
      mean_gap_(1 / rate),
      arrivals_(seed, Purpose::arrivals, std::uint64_t{tenant} << 32 | model),
      bursts_(seed, Purpose::bursts, std::uint64_t{tenant} << 32 | model) {
    if (spec.on == Duration::zero() || spec.off == Duration::zero()) return;
    mean_on_ = to_seconds(spec.on);
    mean_off_ = to_seconds(spec.off);
    const double part_on = mean_on_ / (mean_on_ + mean_off_);
    mean_gap_ *= part_on;
    fixed_ = spec.fixed_bursts;
    if (fixed_ || bursts_.uniform() < part_on) left_ = length_of(mean_on_);
}

Duration Source::next_gap() {
    double within = mean_gap_ * arrivals_.exponential();
    if (mean_on_ == 0) return std::max(Duration(1), from_seconds(within));
    double gap = 0;
    while (within > left_) {
        within -= left_;
        gap += left_ + length_of(mean_off_);
        left_ = length_of(mean_on_);
    }
    left_ -= within;
    return std::max(Duration(1), from_seconds(gap + within));
}

std::vector<Source> sources_of(const Scenario& scenario, double rate, std::uint64_t seed) {
    std::vector<Source> sources;
    const std::vector<double> mix = normalised_mix(scenario);
    const std::vector<SimulatedTenant> alone{{.name = "all"}};
    const auto& tenants = scenario.tenants.empty() ? alone : scenario.tenants;
    for (std::uint32_t t = 0; t < tenants.size(); ++t)
        for (std::uint32_t m = 0; m < mix.size(); ++m) {
            const double part = rate * tenants[t].load * mix[m];
            if (part > 0) sources.emplace_back(m, t, part, scenario.models[m], seed);
        }
    return sources;
}

ThinkingClient::ThinkingClient(const Farm& farm, std::uint32_t number, std::uint64_t seed)
    : farm_(&farm), step_(number % farm.steps.size()), random_(seed, Purpose::thinking, number) {}

Duration ThinkingClient::next_think() {
    const double think = to_seconds(farm_->steps[step_].think);
    return from_seconds(think * random_.lognormal(farm_->think_noise));
}

std::uint32_t ThinkingClient::model() const {
    return static_cast<std::uint32_t>(farm_->steps[step_].model);
}

bool ThinkingClient::go_on(bool in_objective) {
    if (step_ == 0) good_steps_ = 0;
    if (in_objective) ++good_steps_;
    step_ = (step_ + 1) % farm_->steps.size();
    return step_ == 0 && good_steps_ == farm_->steps.size();
}

}  // namespace bunch::simulation
