/// A whole life of a scheduler in virtual time: random calls, devices that run, fail, go and come
/// back, and an operator who changes his mind. Everything follows from the seed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/simulation/crowd.h"
#include "tests/simulation/life.h"
#include "tests/simulation/machines.h"

namespace bunch::simulation {

class World {
  public:
    explicit World(std::uint64_t seed);

    /// Lives until nothing is left to happen, or a promise is broken.
    void run();

    /// What was broken, or "".
    const std::string& problem() const { return life_.ledger.problem(); }

    /// Of all decisions with their times: equal lives have equal prints.
    std::uint64_t fingerprint() const { return life_.fingerprint(); }

    const Ledger& ledger() const { return life_.ledger; }

    /// How often each kind of decision was taken, by its name.
    const std::map<std::string, std::uint64_t>& decisions() const { return decisions_; }

  private:
    void plan();
    void configure();
    void reconfigure();
    void talk_nonsense();

    void settle();
    void obey(const std::vector<Decision>& decisions);
    void obey_one(const Decision& decision);
    void check_accounts();
    void check_what_is_learnt();

    Life life_;
    Machines machines_;
    Crowd crowd_;
    std::map<std::string, std::uint64_t> decisions_;
};

}  // namespace bunch::simulation
