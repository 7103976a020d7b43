#include "scheduler/scheduler.h"

#include <algorithm>
#include <string>
#include <utility>

#include "scheduler/scheduler_impl.h"

namespace bunch {
namespace {

constexpr double kRowsPerCallGain = 0.05;  // of the newest call

}  // namespace

Index Scheduler::Impl::model_index(ModelId id) const {
    const auto found = model_by_id_.find(id);
    return found == model_by_id_.end() ? kNone : found->second;
}

void Scheduler::Impl::configure(SchedulerConfig config) {
    config_ = std::move(config);
    if (!(config_.minimum_share >= 0)) config_.minimum_share = 0;
    config_.minimum_share = std::min(config_.minimum_share, 1.0);
    fair_.configure(config_.tenants);
    for (const auto& [id, index] : model_by_id_) models_[index].is_listed = false;
    for (const ModelPolicy& policy : config_.models) {
        Index index = model_index(policy.model);
        if (index == kNone) {
            index = models_.acquire();
            models_[index] = ModelRecord();
            models_[index].index = index;
            models_[index].dead_since = now_;
            model_by_id_.emplace(policy.model, index);
        }
        ModelRecord& model = models_[index];
        model.policy = policy;
        model.policy.max_batch_rows = std::max(1u, policy.max_batch_rows);
        model.is_listed = true;
    }
    std::vector<Index> known;
    for (const auto& [id, index] : model_by_id_) known.push_back(index);
    for (const Index index : known) {
        review(index);
        retire_if_unused(index);
    }
}

void Scheduler::Impl::submit(const Ticket& ticket) {
    if (calls_.find(ticket.call) != kNone) return;
    const Index index = model_index(ticket.model);
    if (Fault fault = fault_of(ticket, index); !fault.status.ok()) {
        if (index != kNone) note_loss(ticket, index);
        rejects_.push_back({ticket.call, std::move(fault.status), fault.reason});
        return;
    }
    ModelRecord& model = models_[index];
    const Index call = calls_.open(ticket, now_);
    OpenCall& record = calls_[call];
    record.work = ticket.rows * model.work_per_row;
    const bool is_excess = fair_.admit(now_, ticket.tenant, record.work, next_lot());
    // Calls of one client must not overtake each other by tier.
    record.tier = tier_of(ticket.priority, is_excess && !model.policy.keeps_client_order);
    note_tier(record.tier);
    model.arrivals.add(now_, ticket.rows);
    if (!returns_.came(now_, ticket.client, index)) model.unexpected.add(now_, ticket.rows);
    model.rows_per_call += kRowsPerCallGain * (ticket.rows - model.rows_per_call);
    for (ClassUse& use : model.uses) use.hold_until = TimePoint();
    model.queue.push_back(calls_, call);
    record.is_ordered = model.policy.keeps_client_order && ticket.client.value != 0;
    model.has_order = model.has_order || record.is_ordered;
    if (record.is_ordered) order_.waits(calls_, index, call);
    watch_deadline(ticket);
    mark_dirty(index);
}

/// A call that was not taken counts for what its tenant wants and does not get.
void Scheduler::Impl::note_loss(const Ticket& ticket, Index index) {
    const double work = ticket.rows * models_[index].work_per_row;
    const bool is_excess = fair_.admit(now_, ticket.tenant, work, next_lot());
    fair_.ended(work, is_excess, true);
}

void Scheduler::Impl::note_tier(Tier tier) {
    if (seen_tier_ && *seen_tier_ != tier) has_tiers_ = true;
    seen_tier_ = tier;
}

/// Uniform in [0, 1).
double Scheduler::Impl::next_lot() {
    random_ = random_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<double>(random_ >> 11) * 0x1p-53;
}

void Scheduler::Impl::watch_deadline(const Ticket& ticket) {
    if (ticket.deadline != kNever && !ticket.late_ok) expiry_.add(ticket.deadline, ticket.call);
}

Scheduler::Impl::Fault Scheduler::Impl::fault_of(const Ticket& ticket, Index index) {
    if (index == kNone || !models_[index].is_listed)
        return {
            not_found("model number " + std::to_string(ticket.model.value) + " is not configured"),
            RejectReason::invalid};
    const ModelRecord& model = models_[index];
    const ModelPolicy& policy = model.policy;
    if (is_draining_)
        return {unavailable("model '" + policy.name + "': the service is shutting down"),
                RejectReason::draining};
    if (ticket.rows == 0)
        return {invalid_argument("model '" + policy.name + "': a request needs at least one row"),
                RejectReason::invalid};
    if (ticket.rows > policy.max_rows_per_request)
        return {invalid_argument("model '" + policy.name + "': " + std::to_string(ticket.rows) +
                                 " rows in one request, max_rows_per_request is " +
                                 std::to_string(policy.max_rows_per_request)),
                RejectReason::invalid};
    if (!policy.batched && ticket.rows != 1)
        return {
            invalid_argument("model '" + policy.name + "' is not batched, a request is one row"),
            RejectReason::invalid};
    if (ticket.deadline <= now_ && !ticket.late_ok)
        return {deadline_exceeded("model '" + policy.name +
                                  "': the deadline had passed when the request arrived"),
                RejectReason::expired};
    if (Fault fault = queue_fault_of(ticket, model); !fault.status.ok()) return fault;
    return quota_fault_of(ticket, model);
}

Scheduler::Impl::Fault Scheduler::Impl::queue_fault_of(const Ticket& ticket,
                                                       const ModelRecord& model) const {
    const ModelPolicy& policy = model.policy;
    const bool is_in_grace = now_ < saturating_add(model.dead_since, config_.unavailable_after);
    if (!model.is_live && !(model.is_expected && is_in_grace))
        return {unavailable("model '" + policy.name + "': no device is ready for it"),
                RejectReason::no_device};
    if (model.queue.rows() + ticket.rows > policy.max_queued_rows)
        return {resource_exhausted("model '" + policy.name +
                                   "': " + std::to_string(model.queue.rows()) + " rows wait and " +
                                   std::to_string(ticket.rows) + " more exceed max_queued_rows " +
                                   std::to_string(policy.max_queued_rows)),
                RejectReason::bound};
    if (ticket.bytes > policy.max_queued_bytes ||
        model.queue.bytes() > policy.max_queued_bytes - ticket.bytes)
        return {resource_exhausted(
                    "model '" + policy.name + "': " + std::to_string(model.queue.bytes()) +
                    " bytes wait and " + std::to_string(ticket.bytes) +
                    " more exceed max_queued_bytes " + std::to_string(policy.max_queued_bytes)),
                RejectReason::bound};
    return {};
}

Scheduler::Impl::Fault Scheduler::Impl::quota_fault_of(const Ticket& ticket,
                                                       const ModelRecord& model) {
    if (fair_.take_quota(now_, ticket.tenant, ticket.rows)) return {};
    const TenantPolicy& tenant = fair_.policy(ticket.tenant);
    return {resource_exhausted("model '" + model.policy.name + "': tenant '" + tenant.name +
                               "' has used up its quota of " +
                               std::to_string(tenant.rows_per_second) + " rows per second"),
            RejectReason::quota};
}

void Scheduler::Impl::cancel(CallId id) {
    const Index call = calls_.find(id);
    if (call == kNone) return;
    end_call(call, cancelled("the caller gave the request up"), RejectReason::cancelled);
}

void Scheduler::Impl::end_call(Index call, Status status, RejectReason reason) {
    const OpenCall& record = calls_[call];
    if (reason != RejectReason::cancelled) {
        fair_.ended(record.work, is_excess(record.tier), true);
        models_[model_index(record.ticket.model)].note_end(true);
    }
    rejects_.push_back({record.ticket.call, std::move(status), reason});
    forget_call(call);
}

void Scheduler::Impl::forget_call(Index call) {
    const Index model = model_index(calls_[call].ticket.model);
    models_[model].queue.drop(calls_, call);
    order_.waits_no_more(calls_, model, call);
    calls_.close(call);
    if (!models_[model].is_listed) mark_dirty(model);  // it may have been the last one's
}

void Scheduler::Impl::reject_all_waiting(ModelRecord& model, const Status& status) {
    while (!model.queue.empty())
        end_call(model.queue.any_call(calls_), status, RejectReason::no_device);
}

void Scheduler::Impl::mark_dirty(Index model) {
    if (std::exchange(models_[model].is_dirty, true)) return;
    dirty_models_.push_back(model);
}

void Scheduler::Impl::retire_if_unused(Index index) {
    const ModelRecord& model = models_[index];
    if (model.is_listed || model.is_dirty || !model.queue.empty() || !model.instances.empty() ||
        model.batches_in_flight > 0)
        return;
    std::erase(dead_models_, index);
    returns_.forget_model(index);
    model_by_id_.erase(model.policy.model);
    models_.release(index);
}

QueueStats Scheduler::Impl::stats_of(const ModelRecord& model) const {
    return {model.queue.calls(), model.queue.rows(), model.queue.bytes(), model.batches_in_flight,
            model.rows_in_flight};
}

Scheduler::Scheduler(std::uint64_t seed) : impl_(std::make_unique<Impl>(seed)) {}
Scheduler::~Scheduler() = default;
Scheduler::Scheduler(Scheduler&&) noexcept = default;
Scheduler& Scheduler::operator=(Scheduler&&) noexcept = default;

void Scheduler::configure(TimePoint at, SchedulerConfig config) {
    impl_->advance(at);
    impl_->configure(std::move(config));
}

void Scheduler::submit(TimePoint at, const Ticket& ticket) {
    impl_->advance(at);
    impl_->submit(ticket);
}

void Scheduler::cancel(TimePoint at, CallId call) {
    impl_->advance(at);
    impl_->cancel(call);
}

void Scheduler::drain(TimePoint at) {
    impl_->advance(at);
    impl_->drain();
}

void Scheduler::device_up(TimePoint at, const DeviceInfo& device) {
    impl_->advance(at);
    impl_->device_up(device);
}

void Scheduler::device_lost(TimePoint at, DeviceId device) {
    impl_->advance(at);
    if (const Index index = impl_->pool_.find_device(device); index != kNone)
        impl_->device_lost(index);
}

void Scheduler::device_gone(TimePoint at, DeviceId device) {
    impl_->advance(at);
    if (const Index index = impl_->pool_.find_device(device); index != kNone)
        impl_->device_gone(index);
}

void Scheduler::instance_up(TimePoint at, const InstanceInfo& instance) {
    impl_->advance(at);
    impl_->instance_up(instance);
}

void Scheduler::instance_down(TimePoint at, InstanceId instance) {
    impl_->advance(at);
    if (const Index index = impl_->pool_.find_instance(instance); index != kNone)
        impl_->instance_down(index);
}

void Scheduler::batch_started(TimePoint at, BatchId batch) {
    impl_->advance(at);
    if (const Index index = impl_->pool_.find_batch(batch); index != kNone)
        impl_->batch_started(index);
}

void Scheduler::batch_done(TimePoint at, BatchId batch, const RunReport& report) {
    impl_->advance(at);
    if (const Index index = impl_->pool_.find_batch(batch); index != kNone)
        impl_->batch_done(index, report);
}

void Scheduler::lane_lost(TimePoint at, LaneId lane) {
    impl_->advance(at);
    if (const Index index = impl_->pool_.find_lane(lane); index != kNone) impl_->lane_lost(index);
}

void Scheduler::decide(TimePoint at, std::vector<Decision>& out) {
    impl_->advance(at);
    impl_->decide(out);
}

std::optional<TimePoint> Scheduler::next_wakeup() const {
    return impl_->next_wakeup();
}

void Scheduler::recycle(Batch&& batch) {
    constexpr std::size_t kSpares = 1024;
    if (impl_->spare_slices_.size() >= kSpares) return;
    batch.slices.clear();
    impl_->spare_slices_.push_back(std::move(batch.slices));
}

std::vector<LearntCurve> Scheduler::learnt() const {
    return impl_->costs_.learnt();
}

void Scheduler::recall(TimePoint at, const std::vector<LearntCurve>& curves) {
    impl_->advance(at);
    impl_->recall(curves);
}

QueueStats Scheduler::stats() const {
    QueueStats sum;
    for (const auto& [id, index] : impl_->model_by_id_) {
        const QueueStats one = impl_->stats_of(impl_->models_[index]);
        sum.queued_calls += one.queued_calls;
        sum.queued_rows += one.queued_rows;
        sum.queued_bytes += one.queued_bytes;
        sum.batches_in_flight += one.batches_in_flight;
        sum.rows_in_flight += one.rows_in_flight;
    }
    return sum;
}

QueueStats Scheduler::stats(ModelId model) const {
    const Index index = impl_->model_index(model);
    return index == kNone ? QueueStats() : impl_->stats_of(impl_->models_[index]);
}

std::size_t Scheduler::open_calls() const {
    return impl_->calls_.size();
}

std::optional<Duration> Scheduler::predicted_run(ModelId model, std::string_view device_class,
                                                 std::uint32_t rows) const {
    const CostCurve* curve = impl_->costs_.find(model, device_class);
    if (curve == nullptr || !curve->known()) return std::nullopt;
    return curve->run(rows);
}

}  // namespace bunch
