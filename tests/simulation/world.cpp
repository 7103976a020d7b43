#include "tests/simulation/world.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <variant>

namespace bunch::simulation {
namespace {

using namespace std::chrono_literals;

constexpr ModelId kUnknownModel{999};
constexpr CallId kNonsenseCall{~std::uint64_t{0}};
constexpr int kDecisionsPerInstant = 1000;

}  // namespace

World::World(std::uint64_t seed)
    : life_(seed), machines_(life_), crowd_(life_, [this] { settle(); }) {
    plan();
}

void World::plan() {
    Chance& chance = life_.chance;
    const Duration lasts = life_.habits.lasts;
    life_.after(0ns, [this] { configure(); });
    machines_.plan();
    crowd_.plan();
    for (std::uint64_t i = chance.below(4); i > 0; --i)
        life_.after(chance.up_to(lasts), [this] { talk_nonsense(); });
    for (std::uint64_t i = chance.below(3); i > 0; --i)
        life_.after(chance.up_to(lasts), [this] { check_what_is_learnt(); });
    if (chance.happens(0.3)) life_.after(chance.up_to(lasts), [this] { reconfigure(); });
    if (chance.happens(0.1))
        life_.after(chance.up_to(lasts), [this] { life_.leap(life_.chance.up_to(2h)); });
    life_.after(lasts, [this] { life_.scheduler.drain(life_.clock()); });
}

void World::configure() {
    life_.scheduler.configure(life_.clock(), life_.config);
    crowd_.note_tenants();
}

void World::reconfigure() {
    Chance& chance = life_.chance;
    for (ModelPolicy& model : life_.config.models) {
        const Numerics numerics = model.numerics;
        const bool batched = model.batched;
        model = random_policy(chance, model.model);
        // What a model is does not change under way, only its limits.
        model.numerics = numerics;
        model.batched = batched;
    }
    if (life_.config.models.size() > 1 && chance.happens(0.3)) life_.config.models.pop_back();
    if (life_.habits.has_tenants) life_.config.tenants = random_tenants(chance);
    if (chance.happens(0.2)) life_.config.minimum_share = chance.happens(0.5) ? -1 : 1e30;
    configure();
}

void World::talk_nonsense() {
    Scheduler& scheduler = life_.scheduler;
    const TimePoint now = life_.clock();
    scheduler.batch_done(now, BatchId{life_.chance.any()}, {StatusCode::ok, 1ms, 1ms, -1ms});
    scheduler.batch_started(now, BatchId{life_.chance.any()});
    scheduler.cancel(now, CallId{life_.chance.any()});
    scheduler.lane_lost(now, LaneId{1'000'000});
    scheduler.device_lost(now, DeviceId{1'000'000});
    scheduler.device_gone(now, DeviceId{1'000'000});
    scheduler.instance_down(now, InstanceId{1'000'000});
    scheduler.instance_up(
        now, {InstanceId{1'000'001}, kUnknownModel, DeviceId{10}, 4, InstanceState::ready, 0, {}});
    LearntCurve curve;
    curve.model = ModelId{1};
    curve.device_class = "quick";
    curve.fixed = std::numeric_limits<double>::quiet_NaN();
    curve.per_row = -1;
    scheduler.recall(now, {curve});
    Ticket ticket;
    ticket.call = kNonsenseCall;
    ticket.model = kUnknownModel;
    ticket.deadline = now - 2h;
    scheduler.submit(now - 1h, ticket);
    std::vector<Decision> out;
    scheduler.decide(now - 1h, out);
    std::erase_if(out, [](const Decision& decision) {
        const auto* reject = std::get_if<Reject>(&decision);
        return reject != nullptr && reject->call == kNonsenseCall;
    });
    obey(out);
    check_accounts();
}

/// Run times are numbers whatever devices report.
void World::check_what_is_learnt() {
    const auto is_number = [](double value) { return std::isfinite(value) && value >= 0; };
    for (const LearntCurve& curve : life_.scheduler.learnt()) {
        bool is_sound = curve.upper_factor >= 1 && curve.fixed + curve.per_row > 0 &&
                        curve.smallest_rows >= 1 && curve.largest_rows >= curve.smallest_rows;
        for (const double value :
             {curve.fixed, curve.per_row, curve.per_row_contended, curve.upper_factor,
              curve.deviation, curve.gather_per_row, curve.transfer_per_row})
            is_sound = is_sound && is_number(value);
        is_sound = is_sound && std::all_of(curve.corrections.begin(), curve.corrections.end(),
                                           [&](double one) { return is_number(one) && one > 0; });
        if (!is_sound) life_.ledger.note("nonsense has been learnt of run times");
    }
}

void World::obey(const std::vector<Decision>& decisions) {
    for (const Decision& decision : decisions)
        if (const auto* reject = std::get_if<Reject>(&decision))
            life_.ledger.will_be_rejected(reject->call);
    for (const Decision& decision : decisions) obey_one(decision);
}

void World::obey_one(const Decision& decision) {
    if (const auto* dispatch = std::get_if<Dispatch>(&decision)) {
        ++decisions_["batch " + std::string(name_of(dispatch->closed_by))];
        return machines_.start(*dispatch);
    }
    if (const auto* load = std::get_if<Load>(&decision)) {
        ++decisions_["load"];
        return machines_.load_image(*load);
    }
    const auto& reject = std::get<Reject>(decision);
    ++decisions_["reject " + std::string(name_of(reject.reason))];
    life_.trace("call " + std::to_string(reject.call.value) + " is rejected, " +
                std::string(name_of(reject.reason)));
    life_.print(reject.call.value);
    life_.print(static_cast<std::uint64_t>(reject.reason));
    life_.ledger.rejected(life_.now(), reject, life_.config.models);
    crowd_.rejected(reject);
}

/// Decides until nothing more is due now.
void World::settle() {
    for (int i = 0; i < kDecisionsPerInstant; ++i) {
        std::vector<Decision> out;
        life_.scheduler.decide(life_.clock(), out);
        obey(out);
        crowd_.calls_ended();
        const std::optional<TimePoint> next = life_.scheduler.next_wakeup();
        if (!next || *next > life_.now()) {
            life_.print(next ? static_cast<std::uint64_t>(next->time_since_epoch().count()) : 0);
            return check_accounts();
        }
    }
    life_.ledger.note("the scheduler keeps asking to be asked");
}

void World::check_accounts() {
    const Scheduler& scheduler = life_.scheduler;
    Ledger& ledger = life_.ledger;
    if (scheduler.open_calls() != ledger.open_calls())
        ledger.note("open calls: " + std::to_string(scheduler.open_calls()) + ", should be " +
                    std::to_string(ledger.open_calls()));
    for (std::uint32_t i = 1; i <= 3; ++i) {
        const QueueStats stats = scheduler.stats(ModelId{i});
        const std::uint64_t rows = ledger.waiting_rows(ModelId{i});
        if (stats.queued_rows != rows)
            ledger.note("queued rows: " + std::to_string(stats.queued_rows) + ", should be " +
                        std::to_string(rows));
        if (stats.queued_bytes != ledger.waiting_bytes(ModelId{i}))
            ledger.note("queued bytes are miscounted");
    }
    machines_.check();
}

void World::run() {
    while (problem().empty()) {
        const std::optional<TimePoint> wake = life_.scheduler.next_wakeup();
        const std::optional<TimePoint> event = life_.next_event();
        if (!wake && !event) break;
        life_.go_on(std::min(wake.value_or(kNever), event.value_or(kNever)));
        settle();
    }
    if (!problem().empty()) return;
    if (life_.scheduler.open_calls() != 0 || life_.scheduler.stats() != QueueStats())
        life_.ledger.note("something is left at the end");
}

}  // namespace bunch::simulation
