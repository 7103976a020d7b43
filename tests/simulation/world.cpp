#include "tests/simulation/world.h"

#include <algorithm>
#include <chrono>

namespace bunch::simulation {
namespace {

using namespace std::chrono_literals;

constexpr ModelId kUnknownModel{999};
constexpr int kDecisionsPerInstant = 1000;
constexpr Duration kLifetime = 200ms;

bool is_poison(CallId call, double part) {
    return static_cast<double>(call.value * 0x9E3779B97F4A7C15u >> 11) * 0x1p-53 < part;
}

}  // namespace

World::World(std::uint64_t seed) : random_(seed), scheduler_(seed), now_(TimePoint{} + 1h) {
    poison_ = chance(0.3) ? 0.02 : 0;
    failure_ = chance(0.3) ? 0.05 : 0;
    config_.unavailable_after = chance(0.5) ? Duration(5s) : Duration(20ms);
    model_count_ = 1 + below(3);
    for (std::uint32_t i = 0; i < model_count_; ++i)
        config_.models.push_back(random_policy(ModelId{i + 1}));
    const std::uint64_t devices = 1 + below(3);
    for (std::uint32_t i = 0; i < devices; ++i) {
        SimDevice device;
        device.id = DeviceId{i + 10};
        device.device_class = chance(0.5) ? "quick" : "slow";
        device.lane_count = static_cast<std::uint32_t>(1 + below(3));
        device.slots = static_cast<std::uint32_t>(1 + below(3));
        for (const ModelPolicy& model : config_.models)
            if (chance(0.8)) device.models.insert(model.model);
        devices_.push_back(device);
    }
    plan();
}

ModelPolicy World::random_policy(ModelId model) {
    ModelPolicy made;
    made.model = model;
    made.name = "m" + std::to_string(model.value);
    made.max_batch_rows = static_cast<std::uint32_t>(1 + below(16));
    made.max_rows_per_request = static_cast<std::uint32_t>(1 + below(60));
    made.max_queued_rows = static_cast<std::uint32_t>(20 + below(200));
    made.max_queued_bytes = 500 + below(5000);
    made.batched = chance(0.85);
    if (chance(0.5)) made.objective = 1ms + up_to(20ms);
    if (chance(0.2)) made.numerics = chance(0.5) ? Numerics::same_class : Numerics::bitwise;
    return made;
}

void World::after(Duration wait, std::function<void()> action) {
    events_.emplace(std::pair(now_ + wait, planned_++), std::move(action));
}

void World::plan() {
    after(0ns, [this] { scheduler_.configure(now_, config_); });
    for (std::size_t i = 0; i < devices_.size(); ++i) {
        for (const ModelId model : devices_[i].models) {
            after(0ns, [this, i, model] {
                scheduler_.instance_up(now_, {InstanceId{next_instance_++}, model, devices_[i].id,
                                              1, InstanceState::expected});
            });
        }
        after(up_to(10ms), [this, i] { bring_up(i); });
        for (int losses = static_cast<int>(below(4)); losses > 0; --losses)
            after(up_to(kLifetime), [this, i] { lose(i, chance(0.1)); });
    }
    plan_arrivals();
    for (int i = static_cast<int>(below(20)); i > 0; --i)
        after(up_to(kLifetime), [this] { cancel_some(); });
    for (int i = static_cast<int>(below(4)); i > 0; --i)
        after(up_to(kLifetime), [this] { talk_nonsense(); });
    for (int i = static_cast<int>(below(3)); i > 0; --i)
        after(up_to(kLifetime), [this] { unload_some(); });
    if (chance(0.3)) after(up_to(kLifetime), [this] { reconfigure(); });
    after(kLifetime, [this] { scheduler_.drain(now_); });
}

void World::plan_arrivals() {
    const std::uint64_t bursts = 1 + below(12);
    for (std::uint64_t burst = 0; burst < bursts; ++burst) {
        const Duration start = up_to(kLifetime + 5ms);
        const Duration gap = chance(0.3) ? 0ns : up_to(1ms);
        const std::uint64_t calls = 1 + below(40);
        for (std::uint64_t i = 0; i < calls; ++i)
            after(start + static_cast<Duration::rep>(i) * gap, [this] { arrive(); });
    }
}

const ModelPolicy* World::policy(ModelId model) const {
    for (const ModelPolicy& one : config_.models)
        if (one.model == model) return &one;
    return nullptr;
}

Ticket World::random_ticket() {
    Ticket made;
    made.call = CallId{next_call_++};
    made.model = ModelId{static_cast<std::uint32_t>(1 + below(model_count_))};
    if (chance(0.01)) made.model = kUnknownModel;
    const ModelPolicy* model = policy(made.model);
    const bool is_single = chance(0.6) || (model != nullptr && !model->batched && chance(0.95));
    made.rows = is_single ? 1 : static_cast<std::uint32_t>(below(64));
    made.bytes = below(200);
    made.shape_class = chance(0.8) ? 0 : static_cast<ShapeClass>(below(3));
    made.priority = chance(0.8) ? 0 : static_cast<std::uint8_t>(below(3));
    if (chance(0.5)) made.deadline = now_ + up_to(30ms);
    made.late_ok = chance(0.2);
    return made;
}

void World::arrive() {
    const Ticket ticket = random_ticket();
    const std::uint64_t rows = ledger_.waiting_rows(ticket.model);
    const std::uint64_t bytes = ledger_.waiting_bytes(ticket.model);
    const std::size_t before = scheduler_.open_calls();
    ledger_.submitted(ticket);
    scheduler_.submit(now_, ticket);
    if (scheduler_.open_calls() > before) {
        check_admission(ticket, rows, bytes);
        if (chance(0.01)) scheduler_.submit(now_, ticket);  // said twice
    }
    // Decided at once, so that the bounds of the next call can be told from the ledger.
    settle();
}

void World::check_admission(const Ticket& ticket, std::uint64_t rows, std::uint64_t bytes) {
    const ModelPolicy* model = policy(ticket.model);
    if (model == nullptr) return ledger_.note("a call of an unknown model is taken");
    if (rows + ticket.rows > model->max_queued_rows || ticket.rows > model->max_rows_per_request ||
        bytes + ticket.bytes > model->max_queued_bytes)
        ledger_.note("a call is taken beyond the bounds");
}

void World::cancel_some() {
    for (std::uint64_t i = below(10); i > 0 && ledger_.open_calls() > 0; --i) {
        const CallId call = ledger_.open_call(random_());
        ledger_.cancel_asked(call);
        scheduler_.cancel(now_, call);
    }
}

void World::reconfigure() {
    for (ModelPolicy& model : config_.models) {
        const Numerics numerics = model.numerics;
        const bool batched = model.batched;
        model = random_policy(model.model);
        // What a model is does not change under way, only its limits.
        model.numerics = numerics;
        model.batched = batched;
    }
    if (config_.models.size() > 1 && chance(0.3)) config_.models.pop_back();
    scheduler_.configure(now_, config_);
}

void World::talk_nonsense() {
    scheduler_.batch_done(now_, BatchId{random_()}, {StatusCode::ok, 1ms, 1ms, -1ms});
    scheduler_.batch_started(now_, BatchId{random_()});
    scheduler_.cancel(now_, CallId{random_()});
    scheduler_.lane_lost(now_, LaneId{1'000'000});
    scheduler_.device_lost(now_, DeviceId{1'000'000});
    scheduler_.device_gone(now_, DeviceId{1'000'000});
    scheduler_.instance_down(now_, InstanceId{1'000'000});
    scheduler_.instance_up(
        now_, {InstanceId{1'000'001}, kUnknownModel, DeviceId{10}, 4, InstanceState::ready});
    scheduler_.submit(
        now_ - 1h,
        Ticket{CallId{~std::uint64_t{0}}, {}, now_ - 2h, 0, kUnknownModel, {}, 1, 0, 0, false});
    std::vector<Decision> out;
    scheduler_.decide(now_ - 1h, out);
    for (const Decision& decision : out) {
        const auto* reject = std::get_if<Reject>(&decision);
        if (reject == nullptr || reject->call != CallId{~std::uint64_t{0}}) obey(decision);
    }
}

void World::bring_up(std::size_t index) {
    SimDevice& device = devices_[index];
    device.is_up = true;
    for (std::uint32_t i = 0; i < device.lane_count; ++i) {
        device.lanes.push_back(LaneId{next_lane_++});
        lanes_[device.lanes.back()].device = index;
    }
    scheduler_.device_up(now_, {device.id, device.device_class, device.lanes, device.slots});
    for (const ModelId model : device.models)
        after(up_to(5ms), [this, index, model] { load(index, model); });
}

void World::load(std::size_t index, ModelId model) {
    if (!devices_[index].is_up) return;
    std::erase_if(ready_, [&](const auto& entry) {
        return entry.second.device == index && entry.second.model == model;
    });
    const InstanceId id{next_instance_++};
    const auto limit = static_cast<std::uint32_t>(1 + below(16));
    ready_[id] = {model, index, limit};
    scheduler_.instance_up(now_, {id, model, devices_[index].id, limit, InstanceState::ready});
}

void World::unload_some() {
    if (ready_.empty()) return;
    auto chosen = ready_.begin();
    std::advance(chosen, static_cast<std::ptrdiff_t>(below(ready_.size())));
    scheduler_.instance_down(now_, chosen->first);
    ready_.erase(chosen);
}

void World::lose(std::size_t index, bool for_good) {
    SimDevice& device = devices_[index];
    if (!device.is_up) return;
    device.is_up = false;
    for (const LaneId lane : device.lanes) {
        for (const Batch& batch : lanes_[lane].batches)
            ledger_.lost(batch, started_.contains(batch.id));
        lanes_.erase(lane);
    }
    device.lanes.clear();
    std::erase_if(ready_, [&](const auto& entry) { return entry.second.device == index; });
    if (for_good) return scheduler_.device_gone(now_, device.id);
    scheduler_.device_lost(now_, device.id);
    after(up_to(60ms), [this, index] { bring_up(index); });
}

void World::lose_lane(LaneId lane) {
    const auto found = lanes_.find(lane);
    if (found == lanes_.end()) return;
    const std::size_t device = found->second.device;
    if (chance(0.5)) {
        for (const Batch& batch : found->second.batches)
            ledger_.lost(batch, started_.contains(batch.id));
        lanes_.erase(found);
        std::erase(devices_[device].lanes, lane);
        scheduler_.lane_lost(now_, lane);
    }
    // As the daemon does it: a runner that has lost a lane is restarted.
    after(up_to(2ms), [this, device] { lose(device, false); });
}

void World::obey(const Decision& decision) {
    if (const auto* dispatch = std::get_if<Dispatch>(&decision)) {
        start(dispatch->batch);
    } else if (const auto* reject = std::get_if<Reject>(&decision)) {
        print(reject->call.value);
        print(static_cast<std::uint64_t>(reject->status.code()));
        ledger_.rejected(now_, *reject, config_.models);
    } else {
        ledger_.note("a decision that the first form does not take");
    }
}

void World::start(const Batch& batch) {
    print(batch.id.value);
    print(batch.lane.value);
    for (const Slice& slice : batch.slices) {
        print(slice.call.value);
        print(slice.first_row);
        print(slice.rows);
    }
    const auto lane = lanes_.find(batch.lane);
    const auto instance = ready_.find(batch.instance);
    if (lane == lanes_.end()) return ledger_.note("a batch for a lane that is gone");
    if (instance == ready_.end()) return ledger_.note("a batch for an instance that is not ready");
    const SimDevice& device = devices_[lane->second.device];
    const ModelPolicy* model = policy(batch.model);
    if (instance->second.device != lane->second.device || instance->second.model != batch.model)
        ledger_.note("the instance is not that of the model on the lane's device");
    if (lane->second.batches.size() >= device.slots) ledger_.note("a lane without a free slot");
    std::uint32_t limit = instance->second.limit;
    if (model != nullptr) limit = std::min(limit, model->max_batch_rows);
    const bool one_call =
        model != nullptr && (!model->batched || model->numerics == Numerics::bitwise);
    ledger_.dispatched(batch, {now_, limit, one_call});
    if (model != nullptr && model->numerics != Numerics::any) {
        classes_used_[batch.model].insert(device.device_class);
        if (classes_used_[batch.model].size() > 1) ledger_.note("a model runs on two classes");
    }
    lane->second.batches.push_back(batch);
    if (lane->second.batches.size() == 1) begin_front(batch.lane);
}

void World::begin_front(LaneId lane) {
    const SimLane& record = lanes_.at(lane);
    const Batch& batch = record.batches.front();
    if (chance(0.95)) {
        started_.insert(batch.id);
        scheduler_.batch_started(now_, batch.id);
    }
    const bool is_quick = devices_[record.device].device_class == "quick";
    const Duration run = (is_quick ? 500us : 200us) + batch.rows * (is_quick ? 50us : 400us) +
                         up_to(chance(0.02) ? 50ms : 100us);
    const bool is_deadly =
        std::any_of(batch.slices.begin(), batch.slices.end(),
                    [&](const Slice& slice) { return is_poison(slice.call, poison_); });
    if (is_deadly)
        after(run / 2, [this, lane] { lose_lane(lane); });
    else
        after(run, [this, lane, id = batch.id, run] { finish_front(lane, id, run); });
}

void World::finish_front(LaneId lane, BatchId id, Duration run) {
    const auto found = lanes_.find(lane);
    if (found == lanes_.end()) return;  // lost in the meantime
    Batch batch = std::move(found->second.batches.front());
    found->second.batches.pop_front();
    if (batch.id != id) ledger_.note("the simulation finishes the wrong batch");
    RunReport report{StatusCode::ok, up_to(50us), up_to(20us), run};
    if (chance(failure_)) report = {StatusCode::internal, 0ns, 0ns, 0ns};
    report.code == StatusCode::ok ? ledger_.done(now_, batch) : ledger_.failed(now_, batch);
    scheduler_.batch_done(now_, id, report);
    scheduler_.recycle(std::move(batch));
    if (!found->second.batches.empty()) begin_front(lane);
}

/// Decides until nothing more is due now.
void World::settle() {
    for (int i = 0; i < kDecisionsPerInstant; ++i) {
        std::vector<Decision> out;
        scheduler_.decide(now_, out);
        for (const Decision& decision : out) obey(decision);
        const std::optional<TimePoint> next = scheduler_.next_wakeup();
        if (!next || *next > now_) {
            check_accounts();
            check_no_lane_idles();
            return;
        }
    }
    ledger_.note("the scheduler keeps asking to be asked");
}

void World::check_accounts() {
    if (scheduler_.open_calls() != ledger_.open_calls())
        ledger_.note("open calls: " + std::to_string(scheduler_.open_calls()) + ", should be " +
                     std::to_string(ledger_.open_calls()));
    for (std::uint32_t i = 1; i <= model_count_; ++i) {
        const QueueStats stats = scheduler_.stats(ModelId{i});
        if (stats.queued_rows != ledger_.waiting_rows(ModelId{i}))
            ledger_.note("queued rows: " + std::to_string(stats.queued_rows) + ", should be " +
                         std::to_string(ledger_.waiting_rows(ModelId{i})));
        if (stats.queued_bytes != ledger_.waiting_bytes(ModelId{i}))
            ledger_.note("queued bytes are miscounted");
    }
    std::uint64_t on_lanes = 0;
    for (const auto& [id, lane] : lanes_) on_lanes += lane.batches.size();
    if (scheduler_.stats().batches_in_flight != on_lanes) ledger_.note("batches are miscounted");
}

void World::check_no_lane_idles() {
    for (const auto& [id, instance] : ready_) {
        const ModelPolicy* model = policy(instance.model);
        if (model == nullptr || model->numerics != Numerics::any) continue;
        if (ledger_.waiting_rows(instance.model) == 0) continue;
        const std::vector<LaneId>& lanes = devices_[instance.device].lanes;
        // Suspects wait for one that is on another lane of the device.
        const bool may_wait =
            ledger_.waiting_usual_rows(instance.model) == 0 &&
            std::any_of(lanes.begin(), lanes.end(), [&](LaneId lane) {
                const auto& batches = lanes_.at(lane).batches;
                return std::any_of(batches.begin(), batches.end(),
                                   [&](const Batch& batch) { return ledger_.is_suspect(batch); });
            });
        for (const LaneId lane : lanes)
            if (lanes_.at(lane).batches.empty() && !may_wait)
                ledger_.note("a lane idles while calls wait");
    }
}

void World::run() {
    while (ledger_.problem().empty()) {
        const std::optional<TimePoint> wake = scheduler_.next_wakeup();
        if (events_.empty() && !wake) break;
        if (events_.empty() || (wake && *wake < events_.begin()->first.first)) {
            now_ = std::max(now_, *wake);
        } else {
            now_ = events_.begin()->first.first;
            while (!events_.empty() && events_.begin()->first.first == now_) {
                const auto action = std::move(events_.begin()->second);
                events_.erase(events_.begin());
                action();
            }
        }
        settle();
    }
    if (!problem().empty()) return;
    if (scheduler_.open_calls() != 0 || scheduler_.stats() != QueueStats())
        ledger_.note("something is left at the end");
}

void World::print(std::uint64_t number) {
    const auto time = static_cast<std::uint64_t>(now_.time_since_epoch().count());
    for (const std::uint64_t part : {time, number}) {
        fingerprint_ ^= part;
        fingerprint_ *= 1099511628211u;
    }
}

}  // namespace bunch::simulation
