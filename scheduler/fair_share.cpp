#include "scheduler/fair_share.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace bunch {
namespace {

constexpr Duration kReviewEvery = std::chrono::milliseconds(20);
constexpr double kRateGain = 0.2;          // of a review: an average over 100 ms
constexpr double kLossThatLimits = 0.01;   // of the work that ended
constexpr double kConformingLoss = 0.005;  // of conforming work: the share was too generous
constexpr double kLeastHeadroom = 0.75;
constexpr double kLeastFill = 0.5;
constexpr double kHeadroomCut = 0.97;
constexpr double kHeadroomGrowth = 1.002;
constexpr double kRelax = 1.05;  // of the share per review without losses
constexpr double kFree = 1.2;    // a share above all rates by this limits nobody
constexpr double kLeastWeight = 1e-6;
constexpr double kActive = 0.01;  // of the work of all: less does not count as a tenant
constexpr double kNoLimit = std::numeric_limits<double>::infinity();

double positive(double value, double otherwise) {
    return value > 0 && std::isfinite(value) ? value : otherwise;
}

}  // namespace

void FairShare::configure(const std::vector<TenantPolicy>& policies) {
    const std::vector<Tenant> before = std::move(tenants_);
    const std::vector<std::size_t> place_before = std::move(place_);
    tenants_.assign(1, Tenant());
    place_.clear();
    for (const TenantPolicy& policy : policies) {
        const std::size_t id = policy.tenant.value;
        if (id >= place_.size()) place_.resize(id + 1, 0);
        Tenant tenant;
        if (id < place_before.size() && place_before[id] != 0) tenant = before[place_before[id]];
        tenant.policy = policy;
        tenant.policy.weight = std::max(kLeastWeight, positive(policy.weight, kLeastWeight));
        tenant.policy.rows_per_second = positive(policy.rows_per_second, 0);
        tenant.policy.burst_rows = std::max(1.0, positive(policy.burst_rows, 1));
        if (tenant.filled == TimePoint()) tenant.tokens = tenant.policy.burst_rows;
        tenant.tokens = std::min(tenant.tokens, tenant.policy.burst_rows);
        place_[id] = tenants_.size();
        tenants_.push_back(std::move(tenant));
    }
}

FairShare::Tenant& FairShare::record(TenantId id) {
    if (tenants_.empty()) tenants_.emplace_back();
    return tenants_[id.value < place_.size() ? place_[id.value] : 0];
}

const TenantPolicy& FairShare::policy(TenantId id) const {
    static const TenantPolicy kUnlisted;
    if (tenants_.empty()) return kUnlisted;
    return tenants_[id.value < place_.size() ? place_[id.value] : 0].policy;
}

bool FairShare::take_quota(TimePoint at, TenantId id, std::uint32_t rows) {
    Tenant& tenant = record(id);
    const TenantPolicy& policy = tenant.policy;
    if (policy.rows_per_second <= 0) return true;
    if (tenant.filled != TimePoint())
        tenant.tokens += policy.rows_per_second * to_seconds(at - tenant.filled);
    tenant.tokens = std::min(tenant.tokens, policy.burst_rows);
    tenant.filled = at;
    // A request above the burst goes when the bucket is full, and leaves a debt.
    if (tenant.tokens < std::min<double>(rows, policy.burst_rows)) return false;
    tenant.tokens -= rows;
    return true;
}

bool FairShare::admit(TimePoint at, TenantId id, double work, double lot) {
    Tenant& tenant = record(id);
    if (reviewed_ == TimePoint()) reviewed_ = at;
    tenant.offered += work;
    const double allowed = share_ * tenant.policy.weight;
    const bool is_excess = tenant.rate > allowed && lot * tenant.rate >= allowed;
    if (!is_excess) conforming_ += work;
    return is_excess;
}

void FairShare::ended(double work, bool is_excess, bool is_lost) {
    if (!is_lost) {
        done_ += work;
        return;
    }
    lost_ += work;
    if (!is_excess) lost_conforming_ += work;
}

double FairShare::fill() const {
    return kLeastFill + (1 - kLeastFill) * (headroom_ - kLeastHeadroom) / (1 - kLeastHeadroom);
}

std::size_t FairShare::active() const {
    double sum = 0;
    for (const Tenant& tenant : tenants_) sum += tenant.rate;
    return static_cast<std::size_t>(
        std::count_if(tenants_.begin(), tenants_.end(),
                      [&](const Tenant& tenant) { return tenant.rate > kActive * sum; }));
}

void FairShare::review(TimePoint at) {
    if (at - reviewed_ < kReviewEvery || tenants_.empty()) return;
    const double seconds = to_seconds(at - reviewed_);
    // After a pause the old average counts for nothing.
    const double gain =
        1 - std::pow(1 - kRateGain, std::min(100.0, seconds / to_seconds(kReviewEvery)));
    double highest = 0;
    for (Tenant& tenant : tenants_) {
        tenant.rate += gain * (tenant.offered / seconds - tenant.rate);
        tenant.offered = 0;
        highest = std::max(highest, tenant.rate / tenant.policy.weight);
    }
    const double delivered = done_ / seconds;
    if (active() > 1 && lost_ > kLossThatLimits * (lost_ + done_)) {
        capacity_ = capacity_ == 0 ? delivered : capacity_ + gain * (delivered - capacity_);
        headroom_ = lost_conforming_ > kConformingLoss * conforming_
                        ? std::max(kLeastHeadroom, headroom_ * kHeadroomCut)
                        : std::min(1.0, headroom_ * kHeadroomGrowth);
        limit_to(capacity_ * headroom_);
    } else if (share_ != kNoLimit) {
        share_ *= kRelax;
        if (share_ > kFree * highest) share_ = kNoLimit;
    }
    done_ = lost_ = lost_conforming_ = conforming_ = 0;
    reviewed_ = at;
}

/// Water-filling: the level at which all rates, each cut at level times weight, add up to the
/// capacity.
void FairShare::limit_to(double capacity) {
    std::vector<const Tenant*> by_level;
    double weights = 0;
    for (const Tenant& tenant : tenants_) {
        if (tenant.rate <= 0) continue;
        by_level.push_back(&tenant);
        weights += tenant.policy.weight;
    }
    std::sort(by_level.begin(), by_level.end(), [](const Tenant* a, const Tenant* b) {
        return a->rate * b->policy.weight < b->rate * a->policy.weight;
    });
    for (const Tenant* tenant : by_level) {
        const double level = capacity / weights;
        if (tenant->rate > level * tenant->policy.weight) {
            share_ = level;
            return;
        }
        capacity -= tenant->rate;
        weights -= tenant->policy.weight;
    }
    share_ = kNoLimit;
}

}  // namespace bunch
