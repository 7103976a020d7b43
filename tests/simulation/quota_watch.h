/// Its own account of tenants' token buckets: who may be refused for its quota, and who must be.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "core/time.h"
#include "scheduler/events.h"

namespace bunch::simulation {

class QuotaWatch {
  public:
    /// Buckets keep what is in them, which is not known exactly any more.
    void configure(const std::vector<TenantPolicy>& tenants) {
        buckets_.clear();
        for (const TenantPolicy& tenant : tenants) {
            const bool has_quota =
                std::isfinite(tenant.rows_per_second) && tenant.rows_per_second > 0;
            if (!has_quota) continue;
            const bool has_burst = std::isfinite(tenant.burst_rows) && tenant.burst_rows > 1;
            const double burst = has_burst ? tenant.burst_rows : 1;
            buckets_[tenant.tenant] = {tenant.rows_per_second, burst, burst, {}, !is_configured_};
        }
        is_configured_ = true;
    }

    /// Rows were taken, or refused for the quota. What is wrong with that, or "".
    std::string noted(TimePoint at, TenantId tenant, std::uint32_t rows, bool is_taken) {
        const auto found = buckets_.find(tenant);
        if (found == buckets_.end()) return is_taken ? "" : "a tenant without quota has used it up";
        Bucket& bucket = found->second;
        if (bucket.filled != TimePoint())
            bucket.rows += bucket.rate * to_seconds(at - bucket.filled);
        bucket.rows = std::min(bucket.rows, bucket.burst);
        bucket.filled = at;
        const double needed = std::min<double>(rows, bucket.burst);
        constexpr double kRounding = 1e-6;
        if (!is_taken)
            return bucket.is_exact && bucket.rows > needed + kRounding
                       ? "a tenant is refused for a quota that it has"
                       : "";
        const bool was_there = bucket.rows >= needed - kRounding;
        bucket.rows -= rows;
        return was_there ? "" : "a tenant gets more than its quota";
    }

  private:
    struct Bucket {
        double rate = 0;
        double burst = 1;
        double rows = 1;
        TimePoint filled;
        bool is_exact = false;
    };
    std::map<TenantId, Bucket> buckets_;
    bool is_configured_ = false;
};

}  // namespace bunch::simulation
