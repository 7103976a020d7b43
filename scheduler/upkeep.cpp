// What is looked at now and then: how busy the pool is, tenants' shares, lanes that take far too
// long, and whether a reconfigurable device should hold another image.
#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "scheduler/residency.h"
#include "scheduler/scheduler_impl.h"

namespace bunch {
namespace {

constexpr Duration kUpkeepEvery = std::chrono::milliseconds(20);
constexpr int kRunsPerObjective = 10;  // of a model that has none
constexpr double kGrowthGain = 0.02;   // of the newest 20 ms: an average over a second
constexpr int kOverdue = 10;           // times the cautious run
constexpr int kOverdueUnseen = 1000;   // times the usual one, of a shape that has not run
constexpr Duration kLeastOverdue = std::chrono::seconds(1);
constexpr Duration kMostOverdueUnseen = std::chrono::minutes(10);  // unless usual runs take longer
constexpr int kSoundAgain = 3;  // times the cautious run, of a probe
constexpr Duration kFirstProbePause = std::chrono::seconds(1);
constexpr Duration kLongestProbePause = std::chrono::seconds(60);
constexpr std::uint32_t kRefreshEvery = 64;  // batches
constexpr double kLosing = 0.001;            // of a model's calls
constexpr std::uint64_t kYoung = 64;         // runs: refreshed after each batch before

}  // namespace

void Scheduler::Impl::upkeep(std::vector<Decision>& out) {
    next_upkeep_ = now_ + kUpkeepEvery;
    pool_.review(now_);
    for (Index i = 0; i < pool_.classes(); ++i)
        if (pool_.share_pace(i))
            for (const Index model : pool_.class_at(i).models) refresh_estimates(model);
    fair_.review(now_);
    list_losing();
    check_lanes();
    if (!has_images_) return;
    measure_growth();
    consider_swaps(out);
}

void Scheduler::Impl::recall(const std::vector<LearntCurve>& curves) {
    for (const LearntCurve& curve : curves) costs_.recall(curve);
    for (const auto& [id, index] : model_by_id_) refresh_estimates(index);
}

/// Works out what is derived from a model's curves.
void Scheduler::Impl::refresh_estimates(Index index) {
    ModelRecord& model = models_[index];
    model.best_rate = model.attainable_rate = 0;
    double pool_rate = 0;
    for (ClassUse& use : model.uses) {
        const RunOn on{use.usual_others, 1};
        use.wanted_rows = use.limit;
        use.usual_objective = kUsualObjective;
        if (!use.curve->known()) {
            use.usual_rate = 0;
            continue;
        }
        if (model.policy.objective) {
            // A call waits for its turn, 1/lanes of a run, and then runs.
            const double turn = 1 + 1.0 / (use.curve->upper_factor() * std::max(1u, use.lanes));
            const Duration budget = from_seconds(to_seconds(*model.policy.objective) / turn);
            use.wanted_rows = std::max(1u, use.curve->rows_within(budget, false, use.limit, on));
        }
        use.usual_rate = use.curve->rate(use.wanted_rows, on);
        use.usual_objective = kRunsPerObjective * use.curve->run(use.limit, on);
        pool_rate += use.usual_rate * use.lanes;
        model.best_rate = std::max(model.best_rate, use.usual_rate);
        // A batch of more rows than come within the objective is not to be had.
        const double come = model.arrivals.per_second(now_) *
                            to_seconds(model.policy.objective.value_or(use.usual_objective));
        const auto rows =
            static_cast<std::uint32_t>(std::clamp(come, 1.0, static_cast<double>(use.wanted_rows)));
        model.attainable_rate = std::max(model.attainable_rate, use.curve->rate(rows, on));
    }
    model.work_per_row = pool_rate > 0 ? 1 / pool_rate : 0;
    model.unrefreshed = 0;
}

/// Which models keeps_clear() looks after.
void Scheduler::Impl::list_losing() {
    for (Index i = 0; i < pool_.classes(); ++i) {
        ClassRecord& record = pool_.class_at(i);
        record.losing.clear();
        for (const Index index : record.models)
            if (models_[index].policy.objective && models_[index].loss > kLosing)
                record.losing.push_back(index);
    }
}

void Scheduler::Impl::note_batch_for_estimates(Index index, const CostCurve& curve) {
    ModelRecord& model = models_[index];
    if (++model.unrefreshed >= kRefreshEvery || curve.runs() < kYoung) refresh_estimates(index);
}

/// Sees to it that the lane's batch is looked at when it takes too long.
void Scheduler::Impl::watch_lane(Index index) {
    next_check_ = std::min(next_check_, overdue_at(pool_.lane_at(index)));
}

TimePoint Scheduler::Impl::overdue_at(const LaneRecord& lane) const {
    if (lane.batches.empty()) return kNever;
    const InFlight& batch = pool_.batch_at(lane.batches.front());
    const Duration run = batch.curve->cautious_run(batch.rows, pool_.run_on(batch));
    Duration longest = std::max(kOverdue * run, kLeastOverdue);
    // Nobody knows how long rows of a new shape take: as much longer as CostCurve believes.
    if (!batch.curve->has_run(batch.shape))
        longest =
            std::max(longest, kOverdueUnseen * std::min(run, kMostOverdueUnseen / kOverdueUnseen));
    return saturating_add(batch.begin, longest);
}

/// Lanes whose batch takes far too long get no more work until they have shown that they can.
void Scheduler::Impl::check_lanes() {
    if (now_ < next_check_) return;
    next_check_ = kNever;
    for (const Index index : pool_.lanes()) {
        LaneRecord& lane = pool_.lane_at(index);
        if (lane.health == LaneHealth::quarantined) {
            if (!lane.batches.empty()) continue;
            if (now_ >= lane.probe_at) {
                lane.health = LaneHealth::probing;
                pool_.refresh(index, now_);
                mark_class(lane.device_class);
            } else {
                next_check_ = std::min(next_check_, lane.probe_at);
            }
        } else if (const TimePoint overdue = overdue_at(lane); overdue > now_) {
            next_check_ = std::min(next_check_, overdue);
        } else if (pool_.batch_at(lane.batches.front()).curve->known()) {
            lane.health = LaneHealth::quarantined;
            pool_.refresh(index, now_);
        } else {
            next_check_ = std::min(next_check_, now_ + kLeastOverdue);
        }
    }
}

/// A batch of a lane that is not sound is through.
void Scheduler::Impl::judge_probe(Index index, const InFlight& batch, const RunReport& report) {
    LaneRecord& lane = pool_.lane_at(index);
    const Duration usual = batch.curve->cautious_run(batch.rows, {batch.others, 1, batch.shape});
    const bool is_probe = lane.health == LaneHealth::probing;
    if (is_probe && report.code == StatusCode::ok &&
        report.compute <= std::max(kSoundAgain * usual, Duration(1))) {
        lane.health = LaneHealth::sound;
        lane.probe_pause = Duration::zero();
        return;
    }
    lane.health = LaneHealth::quarantined;
    lane.probe_at = now_ + lane.probe_pause;
    lane.probe_pause = std::clamp(2 * lane.probe_pause, kFirstProbePause, kLongestProbePause);
    next_check_ = std::min(next_check_, lane.probe_at);
}

void Scheduler::Impl::consider_swaps(std::vector<Decision>& out) {
    bool is_swapping = false;
    pool_.each_device(
        [&](Index index) { is_swapping |= pool_.device_at(index).swap != Swap::none; });
    pool_.each_device([&](Index index) {
        DeviceRecord& device = pool_.device_at(index);
        if (!device.is_up) return;
        if (device.swap == Swap::none) {
            if (is_swapping)
                return;  // one after the other: the first changes what the next is worth
            device.swap_to = wanted_swap(index);
            if (device.swap_to == kNone) return;
            device.swap = Swap::emptying;
            is_swapping = true;
            for (const Index lane : device.lanes) pool_.refresh(lane, now_);
        }
        if (device.swap != Swap::emptying || device.busy_lanes > 0) return;
        if (!is_loadable(index, device.swap_to)) return end_swap(index);
        device.swap = Swap::loading;
        out.emplace_back(Load{models_[device.swap_to].policy.model, device.id});
    });
}

/// Whether the image of a model can (still) be loaded.
bool Scheduler::Impl::is_loadable(Index device, Index model) const {
    const Index instance = pool_.instance_on(device, model);
    return instance != kNone && pool_.instance_at(instance).info.state == InstanceState::loadable;
}

/// The model whose image the device should hold instead of its present one; or kNone.
Index Scheduler::Impl::wanted_swap(Index index) const {
    const DeviceRecord& device = pool_.device_at(index);
    SwapCase here;
    here.held_for = now_ - device.loaded_at;
    here.load_without = load_without(device);
    for (const Index i : device.instances) {
        const InstanceRecord& instance = pool_.instance_at(i);
        if (instance.info.image != 0 && instance.is_usable)
            here.work_of_resident += work_waiting(instance.model, device.device_class);
    }
    Index best = kNone;
    for (const Index i : device.instances) {
        const InstanceRecord& instance = pool_.instance_at(i);
        if (instance.info.image == 0 || instance.info.state != InstanceState::loadable) continue;
        here.load_time = instance.info.load_time;
        here.work_of_other = work_waiting(instance.model, device.device_class);
        need_elsewhere(models_[instance.model], here);
        if (!swap_pays(here)) continue;
        best = instance.model;
        here.work_of_resident = here.work_of_other;  // the next must be better than this one
    }
    return best;
}

/// How busy the other devices of its class that hold the same models would be without this one.
double Scheduler::Impl::load_without(const DeviceRecord& device) const {
    double load = 0;
    for (const Index i : device.instances) {
        const InstanceRecord& instance = pool_.instance_at(i);
        if (instance.info.image == 0 || !instance.is_usable) continue;
        for (const ClassUse& use : models_[instance.model].uses) {
            if (use.device_class != device.device_class) continue;
            const auto lanes = static_cast<double>(use.lanes);
            const double others = lanes - static_cast<double>(device.lanes.size());
            if (others <= 0) return 1;
            load =
                std::max(load, pool_.class_at(use.device_class).slow_saturation * lanes / others);
        }
    }
    return load;
}

/// Seconds that one lane of the class would need for what waits of the model; as the best class
/// does, as long as it has not run there.
double Scheduler::Impl::work_waiting(Index index, Index device_class) const {
    const ModelRecord& model = models_[index];
    const auto rows = static_cast<double>(model.queue.rows());
    for (const ClassUse& use : model.uses)
        if (use.device_class == device_class && use.usual_rate > 0) return rows / use.usual_rate;
    const CostCurve& curve = costs_.curve_at(model.policy.model, ClassId{device_class});
    const double rate = curve.known() ? curve.rate(model.policy.max_batch_rows) : model.best_rate;
    return rate > 0 ? rows / rate : rows;
}

/// How long the lanes that the model has now need until they are through with what waits.
void Scheduler::Impl::need_elsewhere(const ModelRecord& model, SwapCase& into) const {
    into.others_need = std::numeric_limits<double>::infinity();
    into.growth = 0;
    for (const ClassUse& use : model.uses) {
        double seconds = 0;
        double growth = 0;
        for (const Index index : pool_.class_at(use.device_class).models) {
            const ModelRecord& other = models_[index];
            const ClassUse* there = other.best_use();
            if (index != model.index &&
                (there == nullptr || there->device_class != use.device_class))
                continue;
            const double rate = index == model.index ? use.usual_rate : there->usual_rate;
            if (rate <= 0) continue;
            seconds += static_cast<double>(other.queue.rows()) / rate / use.lanes;
            growth += other.growth / rate / use.lanes;
        }
        if (seconds >= into.others_need) continue;
        into.others_need = seconds;
        into.growth = std::max(0.0, growth);
    }
}

/// How fast the queues grow.
void Scheduler::Impl::measure_growth() {
    for (const auto& [id, index] : model_by_id_) {
        ModelRecord& model = models_[index];
        const auto rows = static_cast<double>(model.queue.rows());
        const double growth = (rows - model.rows_before) / to_seconds(kUpkeepEvery);
        model.growth += kGrowthGain * (growth - model.growth);
        model.rows_before = rows;
    }
}

/// The image is there, or cannot be had.
void Scheduler::Impl::end_swap(Index index) {
    DeviceRecord& device = pool_.device_at(index);
    device.swap = Swap::none;
    device.swap_to = kNone;
    device.loaded_at = now_;
    for (const Index lane : device.lanes) pool_.refresh(lane, now_);
    mark_class(device.device_class);
}

}  // namespace bunch
