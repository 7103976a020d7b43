/// Tenants: who has used up its quota, and whose work stands behind that of the others because it
/// wants more than its share. Decided once, at admission, so that batches mix all tenants freely.
///
/// Work is measured in seconds of the pool that a call costs at its best; shares are of work, so a
/// tenant of large models and one of small ones are compared fairly. While nothing is lost nobody
/// is limited. When calls are lost (not answered in time, refused) the share is worked out by
/// water-filling of what the pool delivers over the tenants' weights.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "core/ids.h"
#include "core/time.h"
#include "scheduler/events.h"

namespace bunch {

class FairShare {
  public:
    void configure(const std::vector<TenantPolicy>& tenants);

    /// Takes `rows` from the tenant's token bucket; whether they were there.
    bool take_quota(TimePoint at, TenantId tenant, std::uint32_t rows);

    const TenantPolicy& policy(TenantId tenant) const;

    /// Notes a call that was admitted; whether it stands behind conforming ones. `lot` is a random
    /// number in [0, 1).
    bool admit(TimePoint at, TenantId tenant, double work, double lot);

    /// How work ended: `lost`: refused, shed or answered too late.
    void ended(double work, bool is_excess, bool is_lost);

    /// The part of what conforming work leaves of a batch that excess may fill: all of it, or less
    /// while conforming work is lost, since longer batches make it wait.
    double fill() const;

    /// Works the shares out again if the last time was long enough ago.
    void review(TimePoint at);

  private:
    struct Tenant {
        TenantPolicy policy;
        double tokens = 0;
        TimePoint filled;
        double offered = 0;  ///< work since the last review
        double rate = 0;     ///< work per second, average
    };

    Tenant& record(TenantId id);
    void limit_to(double capacity);
    std::size_t active() const;

    std::vector<Tenant> tenants_;
    std::vector<std::size_t>
        place_;  ///< by tenant number; 0: the record of all that are not listed
    double share_ = std::numeric_limits<double>::infinity();  ///< work per second and weight
    double headroom_ = 1;  ///< the part of the capacity that is given away as conforming
    double capacity_ = 0;  ///< work per second that is delivered
    double done_ = 0;      ///< since the last review, as the next two
    double lost_ = 0;
    double lost_conforming_ = 0;
    double conforming_ = 0;
    TimePoint reviewed_;
};

}  // namespace bunch
