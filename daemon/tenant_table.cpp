#include "daemon/tenant_table.h"

namespace bunch {

TenantTable::TenantTable(const std::vector<TenantConfig>& configured, Metrics& metrics) {
    policies_.push_back({TenantId{0}, kDefaultTenant});
    for (const TenantConfig& config : configured) {
        const bool is_default = config.name == kDefaultTenant;
        TenantPolicy& policy = is_default ? policies_.front() : policies_.emplace_back();
        policy.tenant = TenantId{static_cast<std::uint32_t>(&policy - policies_.data())};
        policy.name = config.name;
        policy.weight = config.weight;
        policy.rows_per_second = config.rows_per_second;
        policy.burst_rows = config.burst_rows;
    }
    for (const TenantPolicy& policy : policies_) {
        by_name_.emplace(policy.name, policy.tenant);
        metrics_.push_back(&metrics.tenant(policy.name));
    }
}

TenantId TenantTable::find(std::string_view name) const {
    if (name.empty()) return TenantId{0};
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? TenantId{0} : found->second;
}

}  // namespace bunch
