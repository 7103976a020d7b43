/// What all parts of a simulated life share: virtual time and what is planned in it, chance, the
/// scheduler, the account of its calls, and the print of all that was decided.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "scheduler/scheduler.h"
#include "tests/simulation/chance.h"
#include "tests/simulation/habits.h"
#include "tests/simulation/ledger.h"

namespace bunch::simulation {

class Life {
  public:
    explicit Life(std::uint64_t seed);

    Chance chance;
    const Habits habits;
    SchedulerConfig config;  ///< the present one
    Scheduler scheduler;
    Ledger ledger;

    const ModelPolicy* policy(ModelId model) const;

    TimePoint now() const { return now_; }

    /// The time as the scheduler is told it: in some lives the clock goes back at times.
    TimePoint clock();

    /// The latest time that the scheduler was told, which is the time as it sees it.
    TimePoint seen() const { return seen_; }

    /// When time last leapt ahead, so that everything is late; TimePoint{}: never.
    TimePoint leapt_at() const { return leapt_at_; }

    void after(Duration wait, std::function<void()> action);
    void leap(Duration ahead);

    /// When something is planned next.
    std::optional<TimePoint> next_event() const;

    /// Time goes on to `to`, and what is planned until then happens.
    void go_on(TimePoint to);

    /// Adds a number to the print.
    void print(std::uint64_t number);
    std::uint64_t fingerprint() const { return fingerprint_; }

    /// Tells what happens if BUNCH_SIMULATION_TRACE is set.
    void trace(const std::string& line) const;
    bool is_traced() const { return is_traced_; }

  private:
    TimePoint now_;
    TimePoint seen_;
    TimePoint leapt_at_;
    std::map<std::pair<TimePoint, std::uint64_t>, std::function<void()>> events_;
    std::uint64_t planned_ = 0;
    std::uint64_t fingerprint_ = 14695981039346656037u;
    bool is_traced_ = false;
};

}  // namespace bunch::simulation
