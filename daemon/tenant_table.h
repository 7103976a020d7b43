/// On whose account requests run: the tenants of the configuration, and "default" for all others.
/// Used by the reactor thread only.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/config.h"
#include "core/ids.h"
#include "monitoring/metrics.h"
#include "scheduler/events.h"

namespace bunch {

class TenantTable {
  public:
    TenantTable(const std::vector<TenantConfig>& configured, Metrics& metrics);

    /// The tenant of that name; the default one for a name that is not configured, or empty.
    TenantId find(std::string_view name) const;

    TenantMetrics& metrics_of(TenantId id) { return *metrics_[id.value]; }

    /// All of them, for the scheduler.
    const std::vector<TenantPolicy>& policies() const { return policies_; }

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>()(text);
        }
    };

    std::vector<TenantPolicy> policies_;  ///< index is TenantId; 0 is the default one
    std::vector<TenantMetrics*> metrics_;
    std::unordered_map<std::string, TenantId, Hash, std::equal_to<>> by_name_;
};

}  // namespace bunch
