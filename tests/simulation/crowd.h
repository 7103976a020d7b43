/// The clients of a simulated life: some send calls whenever they like, some send the next when the
/// last is answered; they give up, belong to tenants, and are admitted or not.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "tests/simulation/life.h"
#include "tests/simulation/quota_watch.h"

namespace bunch::simulation {

class Crowd {
  public:
    /// `decide` is called after each call, so that the bounds of the next can be told.
    Crowd(Life& life, std::function<void()> decide) : life_(life), decide_(std::move(decide)) {}

    void plan();

    /// Tenants as configured now.
    void note_tenants() { quotas_.configure(life_.config.tenants); }

    /// A call was refused.
    void rejected(const Reject& reject);

    /// Calls have ended: those who sent them go on.
    void calls_ended();

  private:
    /// One that sends its next call when it has an answer.
    struct Client {
        ClientId id;
        TenantId tenant;
        std::vector<ModelId> route;  ///< models in turn
        std::size_t next = 0;
        std::uint32_t calls_left = 0;
        std::uint32_t rows = 1;
        std::uint8_t priority = 0;
        Duration think{};
    };

    void plan_bursts();
    void plan_clients();
    Ticket random_ticket();
    void send_random();
    void send_next(std::size_t client);
    void send(const Ticket& ticket);
    void check_admission(const Ticket& ticket, const QueueStats& queue);
    void cancel_some();

    Life& life_;
    std::function<void()> decide_;
    QuotaWatch quotas_;
    std::vector<Client> clients_;
    std::map<CallId, std::size_t> client_of_;  ///< of calls of those that wait for an answer
    /// Calls that were not admitted and have not been rejected yet, and when they came.
    std::map<CallId, std::pair<Ticket, TimePoint>> refusable_;
    std::uint32_t models_ = 1;  ///< at the beginning
    std::uint64_t next_call_ = 0;
};

}  // namespace bunch::simulation
