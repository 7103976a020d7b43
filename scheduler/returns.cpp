#include "scheduler/returns.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace bunch {
namespace {

constexpr std::size_t kMostClients = 65536;  ///< beyond them all are forgotten and learnt anew
constexpr double kRemembered = 2048;         ///< returns, before they count half
constexpr std::uint32_t kRefreshEvery = 32;  ///< returns
constexpr double kFew = 8;                   ///< answers before anything is expected
constexpr double kFloor = 1e-3;              ///< of a probability that divides

}  // namespace

std::size_t Returns::bin_of(Duration time) {
    const auto micros = static_cast<std::uint64_t>(std::max<Duration::rep>(time.count(), 0) / 1000);
    if (micros < 1) return 0;
    const auto octave = static_cast<std::size_t>(std::bit_width(micros)) - 1;
    const std::uint64_t quarter = (micros << 2 >> octave) & 3;
    return std::min<std::size_t>(4 * octave + quarter + 1, kBins - 1);
}

void Returns::ReturnTimes::refresh() {
    float sum = 0;
    for (std::size_t i = 0; i < kBins; ++i) {
        below[i] = sum;
        sum += counts[i];
    }
    below[kBins] = sum;
}

double Returns::ReturnTimes::part_within(Duration age) const {
    if (age <= Duration::zero()) return 0;
    const std::size_t bin = bin_of(age);
    if (bin == kBins - 1) return below[bin];
    // Bin 4 o + q + 1 begins at 2^o (1 + q/4) microseconds and is 2^o / 4 wide.
    double from = 0;
    double bins_per_micro = 1;
    if (bin > 0) {
        const double octave = static_cast<double>(std::uint64_t{1} << ((bin - 1) / 4));
        from = octave * (1 + static_cast<double>((bin - 1) % 4) / 4);
        bins_per_micro = 4 / octave;
    }
    const double micros = static_cast<double>(age.count()) / 1000;
    const double part = std::clamp((micros - from) * bins_per_micro, 0.0, 1.0);
    return below[bin] + part * (below[bin + 1] - below[bin]);
}

Returns::Previous& Returns::previous(Index model) {
    if (model >= previous_.size()) previous_.resize(model + 1);
    return previous_[model];
}

Returns::ReturnTimes& Returns::times(Previous& previous, Index model, Index next) {
    for (auto& [to, times] : previous.next)
        if (to == next) return times;
    if (next >= by_next_.size()) by_next_.resize(next + 1);
    by_next_[next].push_back(model);
    return previous.next.emplace_back(next, ReturnTimes()).second;
}

void Returns::learn(Previous& previous, Index model, Index next, Duration time) {
    const std::size_t bin = bin_of(time);
    times(previous, model, next).counts[bin] += 1;
    previous.any.counts[bin] += 1;
    previous.answers += 1;
    if (++previous.unrefreshed < kRefreshEvery && previous.answers > kRefreshEvery) return;
    previous.unrefreshed = 0;
    if (previous.answers > kRemembered) {
        previous.answers /= 2;
        for (float& count : previous.any.counts) count /= 2;
        for (auto& [to, each] : previous.next)
            for (float& count : each.counts) count /= 2;
    }
    previous.any.refresh();
    for (auto& [to, each] : previous.next) each.refresh();
}

Returns::Client* Returns::client(ClientId id) {
    if (const auto found = by_id_.find(id); found != by_id_.end()) return &found->second;
    if (by_id_.size() >= kMostClients) by_id_.clear();
    return &by_id_[id];
}

bool Returns::came(TimePoint at, ClientId id, Index model) {
    if (id.value == 0) return false;
    Client& who = *client(id);
    if (who.away == 0 || who.model == kNone) return false;
    --who.away;
    Previous& before = previous(who.model);
    Cohort& cohort = before.cohorts[who.cohort % kCohorts];
    if (cohort.number == who.cohort && cohort.away > 0) --cohort.away;
    learn(before, who.model, model, at - who.answered);
    return true;
}

void Returns::answered(TimePoint at, ClientId id, Index model) {
    if (id.value == 0) return;
    Previous& now = previous(model);
    if (now.newest == 0 || now.cohorts[now.newest % kCohorts].answered != at) {
        Cohort& oldest = now.cohorts[++now.newest % kCohorts];
        now.answers += oldest.away;  // they never came back
        oldest = {now.newest, at, 0};
    }
    ++now.cohorts[now.newest % kCohorts].away;
    Client& who = *client(id);
    if (who.model != model) who.away = 0;
    who.model = model;
    who.cohort = now.newest;
    who.answered = at;
    ++who.away;
}

void Returns::look(Index model, TimePoint at, const std::vector<AnswersToCome>& to_come,
                   Outlook& into) const {
    into.groups_.clear();
    if (!expects(model)) return;
    for (const Index from : by_next_[model]) {
        const Previous& before = previous_[from];
        if (before.answers < kFew) continue;
        const auto found = std::find_if(before.next.begin(), before.next.end(),
                                        [&](const auto& each) { return each.first == model; });
        if (found == before.next.end()) continue;
        const ReturnTimes& times = found->second;
        for (const Cohort& cohort : before.cohorts) {
            if (cohort.away == 0) continue;
            const Duration age = at - cohort.answered;
            const double over = times.part_within(age);
            if (over >= times.all()) continue;  // nobody took so long
            const double gone = before.any.part_within(age) / before.answers;
            into.groups_.push_back({&times, age, static_cast<double>(cohort.away), over,
                                    before.answers, std::max(kFloor, 1 - gone)});
        }
        for (const AnswersToCome& answers : to_come)
            if (answers.model == from)
                into.groups_.push_back({&times, at - answers.at,
                                        static_cast<double>(answers.clients), 0, before.answers,
                                        1});
    }
}

double Returns::Outlook::within(Duration time) const {
    double calls = 0;
    for (const Group& group : groups_)
        calls += group.clients * (group.times->part_within(group.age + time) - group.before) /
                 group.answers / group.left;
    return calls;
}

void Returns::forget_model(Index model) {
    if (model < previous_.size()) previous_[model] = {};
    for (Previous& other : previous_)
        std::erase_if(other.next, [&](const auto& each) { return each.first == model; });
    for (std::vector<Index>& froms : by_next_) std::erase(froms, model);
    if (model < by_next_.size()) by_next_[model].clear();
    for (auto& [id, who] : by_id_)
        if (who.model == model) who = {};
}

}  // namespace bunch
