/// What sort of life it is, and what the operator may have configured in it.
#pragma once

#include <vector>

#include "scheduler/events.h"
#include "tests/simulation/chance.h"

namespace bunch::simulation {

struct Habits {
    explicit Habits(Chance& chance);

    Duration lasts;           ///< until the drain
    double poison = 0;        ///< part of the calls that kill the device that runs them
    double failure = 0;       ///< part of the batches that the device reports as failed
    double stall = 0;         ///< part of the batches that take up to 50 ms longer
    double hang = 0;          ///< part of the batches that take seconds
    bool has_images = false;  ///< some devices are reconfigurable
    bool has_tenants = false;
    bool is_misled = false;  ///< it begins with wrong run times
    bool clock_goes_back = false;
};

ModelPolicy random_policy(Chance& chance, ModelId model);

/// Some of the tenants 0 to 3, now and then with nonsense.
std::vector<TenantPolicy> random_tenants(Chance& chance);

/// One to three models, numbered from 1.
SchedulerConfig random_config(Chance& chance, const Habits& habits);

}  // namespace bunch::simulation
