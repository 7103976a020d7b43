#include "bench/simulation/world.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include "bench/simulation/devices.h"
#include "bench/simulation/event_queue.h"
#include "bench/simulation/fingerprint.h"
#include "bench/simulation/ledger.h"
#include "bench/simulation/sources.h"
#include "core/check.h"

namespace bunch::simulation {
namespace {

using namespace std::chrono_literals;

// Not zero, which other parts may take for "never".
constexpr TimePoint kStart = TimePoint(1h);
constexpr Duration kPatience = 10s;
// A policy that wants to be woken this often in a row without anything else happening, and decides
// nothing, would be woken for ever.
constexpr std::uint32_t kMostIdleWakeups = 1'000'000;

class World {
  public:
    World(const Scenario& scenario, Policy& policy, const RunOptions& options);

    RunResult run();

  private:
    void set_up();
    void plan_failures(std::uint32_t device);
    void handle(const Event& event);
    void arrive(std::uint32_t source);
    void arrive_recorded(std::uint32_t number);
    void expect_recorded(std::uint32_t number);
    void ask(std::uint32_t client);
    void think(std::uint32_t client);
    void finish(std::uint32_t lane);
    void lose(std::uint32_t device);
    void bring_up(std::uint32_t device);
    void decide();
    void apply(Dispatch&& dispatch);
    void apply(const Reject& reject);
    void go_on(const Ending& ending);
    RunResult result() const;

    const Scenario& scenario_;
    Policy& policy_;
    const RunOptions& options_;
    TimePoint now_ = kStart;
    TimePoint from_;
    TimePoint end_;
    EventQueue events_;
    Devices devices_;
    Ledger ledger_;
    std::vector<Source> sources_;
    std::vector<ThinkingClient> clients_;
    std::vector<Random> failures_;  ///< per device
    std::vector<Decision> decisions_;
    std::vector<Ending> ended_;
    std::optional<TimePoint> wakeup_;
    std::uint32_t idle_wakeups_ = 0;
    Fingerprint fingerprint_;
    std::uint64_t rounds_ = 0;
    std::uint64_t decided_ = 0;
    std::vector<ModelResult> models_;
};

SchedulerConfig config_of(const Scenario& scenario) {
    SchedulerConfig config;
    for (std::uint32_t m = 0; m < scenario.models.size(); ++m) {
        const SimulatedModel& model = scenario.models[m];
        ModelPolicy policy;
        policy.model = ModelId{m};
        policy.name = model.name;
        policy.objective = model.objective;
        policy.max_batch_rows = 1;
        for (const DeviceClass& one : scenario.classes)
            if (const Curve* curve = one.curve_of(m))
                policy.max_batch_rows = std::max(policy.max_batch_rows, curve->max_rows);
        policy.max_queued_rows = model.max_queued_rows;
        config.models.push_back(std::move(policy));
    }
    for (std::uint32_t t = 0; t < scenario.tenants.size(); ++t) {
        TenantPolicy policy;
        policy.tenant = TenantId{t};
        policy.name = scenario.tenants[t].name;
        policy.weight = scenario.tenants[t].weight;
        policy.rows_per_second = scenario.tenants[t].rows_per_second;
        policy.burst_rows = scenario.tenants[t].burst_rows;
        config.tenants.push_back(std::move(policy));
    }
    return config;
}

World::World(const Scenario& scenario, Policy& policy, const RunOptions& options)
    : scenario_(scenario),
      policy_(policy),
      options_(options),
      from_(kStart + from_seconds(to_seconds(scenario.span) * scenario.warm_up)),
      end_(kStart + scenario.span),
      devices_(scenario, options.seed, kStart, from_, end_, events_),
      ledger_(scenario, from_, end_),
      models_(scenario.models.size()) {}

void World::set_up() {
    policy_.know(profiles_of(scenario_));
    policy_.configure(now_, config_of(scenario_));
    for (std::uint32_t d = 0; d < devices_.count(); ++d) {
        bring_up(d);
        failures_.emplace_back(options_.seed, Purpose::failures, d);
        plan_failures(d);
        for (const Outage& outage : devices_.class_of(d).outages) {
            if (outage.device != devices_.device(d).number) continue;
            events_.add(kStart + outage.from, EventKind::lost, d);
            events_.add(kStart + outage.until, EventKind::back, d);
        }
    }
    if (!scenario_.farm && scenario_.recorded.empty())
        sources_ = sources_of(scenario_, options_.rate, options_.seed);
    expect_recorded(0);
    for (std::uint32_t s = 0; s < sources_.size(); ++s)
        events_.add(now_ + sources_[s].next_gap(), EventKind::arrival, s);
    const std::uint32_t clients = scenario_.farm ? scenario_.farm->clients : 0;
    for (std::uint32_t c = 0; c < clients; ++c) {
        clients_.emplace_back(*scenario_.farm, c, options_.seed);
        think(c);
    }
    decide();
}

void World::plan_failures(std::uint32_t device) {
    const DeviceClass& one = devices_.class_of(device);
    if (one.mean_time_between_failures == Duration::zero()) return;
    const TimePoint lost =
        now_ + failures_[device].exponential_time(to_seconds(one.mean_time_between_failures));
    if (lost >= end_) return;
    events_.add(lost, EventKind::lost, device);
    events_.add(lost + one.repair_time, EventKind::back, device);
}

RunResult World::run() {
    const auto begun = std::chrono::steady_clock::now();
    set_up();
    while (now_ < end_ || ledger_.open_requests() > 0) {
        if (events_.empty() && !wakeup_) break;
        const TimePoint next = wakeup_ && (events_.empty() || *wakeup_ < events_.next_time())
                                   ? *wakeup_
                                   : events_.next_time();
        if (next > end_ + kPatience) break;
        now_ = std::max(now_, next);
        if (events_.empty() || events_.next_time() > now_)
            BUNCH_CHECK(++idle_wakeups_ < kMostIdleWakeups);
        while (!events_.empty() && events_.next_time() <= now_) {
            handle(events_.pop());
            idle_wakeups_ = 0;
        }
        decide();
    }
    ledger_.close();
    RunResult result = this->result();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    result.wall_seconds = took.count();
    return result;
}

void World::handle(const Event& event) {
    switch (event.kind) {
        case EventKind::arrival:
            return arrive(event.index);
        case EventKind::recorded:
            return arrive_recorded(event.index);
        case EventKind::think_end:
            return ask(event.index);
        case EventKind::ready:
            if (devices_.start_if_ready(now_, event.index))
                policy_.batch_started(now_, devices_.first_batch(event.index));
            return;
        case EventKind::done:
            return finish(event.index);
        case EventKind::swapped:
            if (!devices_.finish_swap(now_, event.index)) return;
            for (const InstanceInfo& instance : devices_.instances_of(event.index))
                policy_.instance_up(now_, instance);
            return;
        case EventKind::lost:
            return lose(event.index);
        case EventKind::back:
            if (devices_.device(event.index).is_up) return;
            bring_up(event.index);
            plan_failures(event.index);
            return;
    }
}

void World::arrive(std::uint32_t index) {
    if (now_ >= end_) return;
    Source& source = sources_[index];
    policy_.submit(now_, ledger_.open(now_, source.model(), source.tenant(), 0));
    events_.add(now_ + source.next_gap(), EventKind::arrival, index);
}

void World::arrive_recorded(std::uint32_t number) {
    if (now_ >= end_) return;
    policy_.submit(now_, ledger_.open(now_, scenario_.recorded[number]));
    expect_recorded(number + 1);
}

void World::expect_recorded(std::uint32_t number) {
    if (number < scenario_.recorded.size())
        events_.add(kStart + scenario_.recorded[number].at, EventKind::recorded, number);
}

void World::think(std::uint32_t client) {
    events_.add(now_ + clients_[client].next_think(), EventKind::think_end, client);
}

void World::ask(std::uint32_t client) {
    if (now_ >= end_) return;
    Ticket ticket = ledger_.open(now_, clients_[client].model(), 0, client);
    ticket.client = ClientId{client + 1};
    policy_.submit(now_, ticket);
}

void World::finish(std::uint32_t lane) {
    std::optional<Flight> flight = devices_.finish(now_, lane);
    if (!flight) return;
    if (now_ >= from_ && now_ < end_) {
        ModelResult& model = models_[flight->batch.model.value];
        ++model.batches;
        model.rows += flight->batch.rows;
    }
    ended_.clear();
    ledger_.answer(now_, flight->batch, ended_);
    policy_.batch_done(now_, flight->batch.id,
                       {StatusCode::ok, flight->gather, flight->transfer, flight->run});
    policy_.recycle(std::move(flight->batch));
    for (const Ending& ending : ended_) go_on(ending);
    if (devices_.start_if_ready(now_, lane))
        policy_.batch_started(now_, devices_.first_batch(lane));
}

void World::go_on(const Ending& ending) {
    if (clients_.empty()) return;
    const bool completes = clients_[ending.client].go_on(ending.in_objective);
    if (completes && now_ >= from_ && now_ < end_) ++rounds_;
    think(ending.client);
}

void World::lose(std::uint32_t device) {
    if (!devices_.device(device).is_up) return;
    for (const Batch& batch : devices_.lose(device)) ledger_.put_back(batch);
    policy_.device_lost(now_, DeviceId{device});
}

void World::bring_up(std::uint32_t device) {
    policy_.device_up(now_, devices_.bring_up(device));
    for (const InstanceInfo& instance : devices_.instances_of(device))
        policy_.instance_up(now_, instance);
}

void World::decide() {
    decisions_.clear();
    policy_.decide(now_, decisions_);
    for (Decision& decision : decisions_) {
        idle_wakeups_ = 0;
        fingerprint_.add(now_, decision);
        if (auto* dispatch = std::get_if<Dispatch>(&decision)) {
            apply(std::move(*dispatch));
        } else if (const auto* reject = std::get_if<Reject>(&decision)) {
            apply(*reject);
        } else {
            devices_.begin_swap(now_, std::get<Load>(decision));
        }
    }
    decided_ += decisions_.size();
    wakeup_ = policy_.next_wakeup();
    // It has just decided: what it finds due again at once is due a moment later.
    if (wakeup_) wakeup_ = std::max(*wakeup_, now_ + Duration(1));
}

void World::apply(Dispatch&& dispatch) {
    ledger_.take(dispatch.batch);
    const BatchId id = dispatch.batch.id;
    if (now_ >= from_ && now_ < end_)
        ++models_[dispatch.batch.model.value]
              .closed_by[static_cast<std::size_t>(dispatch.closed_by)];
    if (devices_.take(now_, std::move(dispatch))) policy_.batch_started(now_, id);
}

void World::apply(const Reject& reject) {
    if (const auto ending = ledger_.reject(reject.call, reject.reason)) go_on(*ending);
}

RunResult World::result() const {
    RunResult result;
    result.models = models_;
    for (std::size_t m = 0; m < models_.size(); ++m) {
        result.models[m].name = scenario_.models[m].name;
        result.models[m].ends = ledger_.ends_of_models()[m];
        result.models[m].latencies = ledger_.latencies()[m];
    }
    result.seconds = to_seconds(end_ - from_);
    for (std::size_t t = 0; t < scenario_.tenants.size(); ++t) {
        const SimulatedTenant& tenant = scenario_.tenants[t];
        result.tenants.push_back(
            {tenant.name, tenant.floods, tenant.weight, ledger_.ends_of_tenants()[t]});
    }
    result.classes = devices_.results();
    result.events_per_second = static_cast<double>(rounds_) / result.seconds;
    result.requests = ledger_.requests();
    result.decisions = decided_;
    result.fingerprint = fingerprint_.value();
    return result;
}

}  // namespace

RunResult run_world(const Scenario& scenario, Policy& policy, const RunOptions& options) {
    return World(scenario, policy, options).run();
}

std::vector<Profile> profiles_of(const Scenario& scenario) {
    std::vector<Profile> profiles;
    for (const DeviceClass& one : scenario.classes)
        for (const Curve& curve : one.curves)
            profiles.push_back({ModelId{static_cast<std::uint32_t>(curve.model)}, one.name,
                                curve.fixed, curve.per_row, curve.per_row * curve.contention,
                                curve.max_rows});
    return profiles;
}

}  // namespace bunch::simulation
