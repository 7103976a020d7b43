/// The part of a rival that is its own: what is dispatched or dropped now. The rest is the Pool's.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "bench/simulation/policy.h"
#include "bench/simulation/rivals/pool.h"

namespace bunch::simulation {

class Rule {
  public:
    virtual ~Rule() = default;

    /// Does all that is due at pool.now(). Called after every event, when rows wait and a lane is
    /// free.
    virtual void decide(Pool& pool, std::vector<Decision>& out) = 0;

    /// When to decide again if nothing happens before, after decide() has done what was due.
    virtual std::optional<TimePoint> next_wakeup(const Pool&) const { return std::nullopt; }
};

/// The policy that bundles a pool and a rule.
std::unique_ptr<Policy> make_rival(const PoolSettings& settings, std::unique_ptr<Rule> rule);

}  // namespace bunch::simulation
