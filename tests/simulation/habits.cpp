#include "tests/simulation/habits.h"

#include <chrono>
#include <limits>

namespace bunch::simulation {

using namespace std::chrono_literals;

Habits::Habits(Chance& chance) : lasts(200ms) {
    if (chance.happens(0.3)) poison = 0.02;
    if (chance.happens(0.3)) failure = 0.05;
    if (chance.happens(0.7)) stall = 0.02;
    if (chance.happens(0.15)) {
        hang = 0.01;
        lasts = 20s;
    }
    has_images = chance.happens(0.25);
    if (has_images && chance.happens(0.5)) lasts = 2s;
    has_tenants = chance.happens(0.4);
    is_misled = chance.happens(0.1);
    clock_goes_back = chance.happens(0.1);
}

SchedulerConfig random_config(Chance& chance, const Habits& habits) {
    SchedulerConfig config;
    config.unavailable_after = chance.happens(0.5) ? Duration(5s) : Duration(20ms);
    const std::uint32_t models = chance.between(1, 3);
    for (std::uint32_t i = 1; i <= models; ++i)
        config.models.push_back(random_policy(chance, ModelId{i}));
    if (habits.has_tenants) config.tenants = random_tenants(chance);
    return config;
}

ModelPolicy random_policy(Chance& chance, ModelId model) {
    ModelPolicy made;
    made.model = model;
    made.name = "m" + std::to_string(model.value);
    made.max_batch_rows = chance.between(1, 16);
    made.max_rows_per_request = chance.between(1, 60);
    made.max_queued_rows = chance.between(20, 219);
    made.max_queued_bytes = 500 + chance.below(5000);
    made.batched = chance.happens(0.85);
    if (chance.happens(0.5)) made.objective = 1ms + chance.up_to(20ms);
    if (chance.happens(0.2))
        made.numerics = chance.happens(0.5) ? Numerics::same_class : Numerics::bitwise;
    made.keeps_client_order = chance.happens(0.3);
    return made;
}

std::vector<TenantPolicy> random_tenants(Chance& chance) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    std::vector<TenantPolicy> tenants;
    for (std::uint32_t i = 0; i < 4; ++i) {
        if (chance.happens(0.3)) continue;
        TenantPolicy tenant;
        tenant.tenant = TenantId{i};
        tenant.name = "t" + std::to_string(i);
        tenant.weight = static_cast<double>(chance.below(8));
        if (chance.happens(0.1)) tenant.weight = chance.happens(0.5) ? -1 : kInfinity;
        if (chance.happens(0.3)) tenant.rows_per_second = static_cast<double>(chance.below(20'000));
        tenant.burst_rows = static_cast<double>(chance.below(100)) / 4;
        if (chance.happens(0.05)) tenant.burst_rows = -kInfinity;
        tenants.push_back(tenant);
    }
    return tenants;
}

}  // namespace bunch::simulation
