#include "bench/simulation/rivals/rivals.h"

#include <fmt/format.h>

#include <functional>
#include <map>
#include <utility>

#include "bench/simulation/rivals/clockwork.h"
#include "bench/simulation/rivals/edf.h"
#include "bench/simulation/rivals/greedy.h"
#include "bench/simulation/rivals/symphony.h"
#include "bench/simulation/rivals/triton.h"

namespace bunch::simulation {
namespace {

/// A setting that a policy takes, and what it may be.
struct Setting {
    std::string name;
    double value = 0;  ///< if it is not chosen
    double least = 0;
    double most = 1;
};

/// The values of all settings of a policy, by name.
using Values = std::map<std::string, double>;

struct Kind {
    std::string name;
    std::vector<Setting> settings;
    std::function<std::unique_ptr<Policy>(const Values&)> make;
};

PoolSettings pool_settings(const Values& values) {
    PoolSettings settings;
    settings.slots = static_cast<std::uint32_t>(values.at("slots"));
    settings.contention = values.at("contention");
    settings.margin = values.at("margin");
    return settings;
}

std::unique_ptr<Policy> greedy(const Values& values) {
    return make_rival(
        pool_settings(values),
        make_greedy({values.at("cap"), values.at("expire") != 0, values.at("quickest") != 0}));
}

std::unique_ptr<Policy> triton(const Values& values) {
    PoolSettings settings;
    settings.slots = static_cast<std::uint32_t>(values.at("instances"));
    return make_rival(
        settings, make_triton({from_seconds(values.at("delay_ms") * 1e-3), values.at("preferred"),
                               values.at("rate_limiter") != 0, values.at("cap")}));
}

std::unique_ptr<Policy> edf(const Values& values) {
    return make_rival(pool_settings(values),
                      make_edf({values.at("drop") != 0, values.at("quickest") != 0}));
}

std::unique_ptr<Policy> clockwork(const Values& values) {
    return make_rival(pool_settings(values), make_clockwork());
}

std::unique_ptr<Policy> symphony(const Values& values) {
    return make_rival(pool_settings(values),
                      make_symphony({values.at("per_class") != 0, values.at("early_drop") != 0}));
}

const std::vector<Kind>& kinds() {
    const Setting cap{"cap", 0, 0, 100}, slots{"slots", 1, 1, 8}, contention{"contention", 1, 0, 1},
        margin{"margin", 0, 0, 10}, quickest{"quickest", 0, 0, 1};
    static const std::vector<Kind> all = {
        {"greedy", {cap, {"expire", 0, 0, 1}, quickest, slots, contention, margin}, greedy},
        {"triton",
         {{"delay_ms", 0, 0, 1e6},
          {"preferred", 1, 0.001, 1},
          {"rate_limiter", 0, 0, 1},
          cap,
          {"instances", 1, 1, 8}},
         triton},
        {"clockwork", {slots, contention, margin}, clockwork},
        {"symphony",
         {{"per_class", 0, 0, 1}, {"early_drop", 0, 0, 1}, slots, contention, margin},
         symphony},
        {"edf", {{"drop", 0, 0, 1}, quickest, slots, contention, margin}, edf},
    };
    return all;
}

Result<Values> values_of(const Kind& kind, const PolicyChoice& choice) {
    Values values;
    std::vector<std::string> names;
    for (const Setting& setting : kind.settings) {
        values[setting.name] = setting.value;
        names.push_back(setting.name);
    }
    for (const auto& [name, value] : choice.settings) {
        const Setting* known = nullptr;
        for (const Setting& setting : kind.settings)
            if (setting.name == name) known = &setting;
        if (known == nullptr)
            return invalid_argument(fmt::format("policy '{}' has no setting '{}', only: {}",
                                                kind.name, name, fmt::join(names, ", ")));
        if (!(value >= known->least && value <= known->most))
            return invalid_argument(fmt::format("policy '{}': {} = {} is not between {} and {}",
                                                kind.name, name, value, known->least, known->most));
        values[name] = value;
    }
    return values;
}

}  // namespace

std::vector<std::string> rival_names() {
    std::vector<std::string> names;
    for (const Kind& kind : kinds()) names.push_back(kind.name);
    return names;
}

Result<PolicyMaker> rival_maker(const PolicyChoice& choice) {
    for (const Kind& kind : kinds()) {
        if (kind.name != choice.name) continue;
        BUNCH_ASSIGN_OR_RETURN(const Values values, values_of(kind, choice));
        return PolicyMaker([make = kind.make, values](std::uint64_t) { return make(values); });
    }
    return invalid_argument(fmt::format("there is no rival '{}', only: {}", choice.name,
                                        fmt::join(rival_names(), ", ")));
}

}  // namespace bunch::simulation
