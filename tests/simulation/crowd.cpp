#include "tests/simulation/crowd.h"

#include <chrono>
#include <string>
#include <utility>

namespace bunch::simulation {
namespace {

using namespace std::chrono_literals;

constexpr ModelId kUnknownModel{999};
constexpr std::uint32_t kTenants = 5;  // the configuration knows some of them

}  // namespace

void Crowd::plan() {
    Chance& chance = life_.chance;
    models_ = static_cast<std::uint32_t>(life_.config.models.size());
    plan_bursts();
    if (chance.happens(0.5)) plan_clients();
    for (std::uint64_t i = chance.below(20); i > 0; --i)
        life_.after(chance.up_to(life_.habits.lasts), [this] { cancel_some(); });
}

void Crowd::plan_bursts() {
    Chance& chance = life_.chance;
    for (std::uint64_t bursts = 1 + chance.below(12); bursts > 0; --bursts) {
        const Duration start = chance.up_to(life_.habits.lasts + 5ms);
        const Duration gap = chance.happens(0.3) ? Duration(0) : chance.up_to(1ms);
        const std::uint64_t calls = 1 + chance.below(40);
        for (std::uint64_t i = 0; i < calls; ++i)
            life_.after(start + static_cast<Duration::rep>(i) * gap, [this] { send_random(); });
    }
}

void Crowd::plan_clients() {
    Chance& chance = life_.chance;
    const std::uint32_t count = chance.between(1, 16);
    const Duration think = chance.up_to(5ms);
    for (std::uint32_t i = 0; i < count; ++i) {
        Client client;
        client.id = ClientId{i + 1};
        client.tenant = TenantId{chance.between(0, kTenants - 1)};
        for (std::uint32_t steps = chance.between(1, 3); steps > 0; --steps)
            client.route.push_back(ModelId{chance.between(1, models_)});
        client.calls_left = chance.between(1, 40);
        client.rows = chance.happens(0.8) ? 1 : chance.between(1, 10);
        client.priority = chance.happens(0.8) ? 0 : 2;
        client.think = think;
        clients_.push_back(client);
        // Some have several calls on the way.
        for (std::uint32_t ahead = chance.happens(0.7) ? 1 : chance.between(2, 4); ahead > 0;
             --ahead)
            life_.after(chance.up_to(life_.habits.lasts / 4), [this, i] { send_next(i); });
    }
}

Ticket Crowd::random_ticket() {
    Chance& chance = life_.chance;
    Ticket made;
    made.call = CallId{next_call_++};
    made.model = chance.happens(0.01) ? kUnknownModel : ModelId{chance.between(1, models_)};
    const ModelPolicy* model = life_.policy(made.model);
    const bool is_single =
        chance.happens(0.6) || (model != nullptr && !model->batched && chance.happens(0.95));
    const std::uint32_t most_rows = model == nullptr ? 1 : model->max_rows_per_request;
    made.rows = is_single ? 1 : chance.between(0, most_rows + most_rows / 8);
    made.bytes = chance.below(200);
    made.shape_class = chance.happens(0.8) ? 0 : chance.between(0, 2);
    made.priority = chance.happens(0.8) ? 0 : static_cast<std::uint8_t>(chance.below(3));
    made.tenant = TenantId{chance.between(0, kTenants - 1)};
    if (chance.happens(0.2)) made.client = ClientId{1 + chance.below(20)};
    if (chance.happens(0.45)) made.deadline = life_.now() + chance.up_to(30ms);
    if (chance.happens(0.05)) made.deadline = life_.now() + chance.up_to(1h);
    if (chance.happens(0.01)) made.deadline = life_.now() - chance.up_to(1h);
    made.late_ok = chance.happens(0.2);
    return made;
}

void Crowd::send_random() {
    send(random_ticket());
}

void Crowd::send_next(std::size_t index) {
    Client& client = clients_[index];
    if (client.calls_left == 0) return;
    --client.calls_left;
    Ticket ticket;
    ticket.call = CallId{next_call_++};
    ticket.model = client.route[client.next++ % client.route.size()];
    ticket.client = client.id;
    ticket.tenant = client.tenant;
    ticket.rows = client.rows;
    ticket.bytes = 10;
    ticket.priority = client.priority;
    client_of_[ticket.call] = index;
    send(ticket);
}

void Crowd::send(const Ticket& ticket) {
    const QueueStats queue = life_.scheduler.stats(ticket.model);
    const std::size_t before = life_.scheduler.open_calls();
    if (life_.is_traced())
        life_.trace(
            "call " + std::to_string(ticket.call.value) + " of model " +
            std::to_string(ticket.model.value) + ", " + std::to_string(ticket.rows) +
            " rows, priority " + std::to_string(ticket.priority) + ", shape " +
            std::to_string(ticket.shape_class) + ", client " + std::to_string(ticket.client.value) +
            (ticket.deadline == kNever
                 ? ", no deadline"
                 : ", due in " + std::to_string((ticket.deadline - life_.now()) / 1us) + " us") +
            (ticket.late_ok ? ", late is ok" : ""));
    const ModelPolicy* model = life_.policy(ticket.model);
    const bool is_ordered =
        model != nullptr && model->keeps_client_order && ticket.client.value != 0;
    life_.ledger.submitted(life_.now(), ticket, is_ordered);
    life_.scheduler.submit(life_.clock(), ticket);
    if (life_.scheduler.open_calls() > before) {
        check_admission(ticket, queue);
        if (life_.chance.happens(0.01))
            life_.scheduler.submit(life_.clock(), ticket);  // said twice
    } else {
        refusable_[ticket.call] = {ticket, life_.seen()};
    }
    decide_();
}

void Crowd::check_admission(const Ticket& ticket, const QueueStats& queue) {
    const ModelPolicy* model = life_.policy(ticket.model);
    Ledger& ledger = life_.ledger;
    if (model == nullptr) return ledger.note("a call of an unknown model is taken");
    if (queue.queued_rows + ticket.rows > model->max_queued_rows ||
        ticket.rows > model->max_rows_per_request ||
        queue.queued_bytes + ticket.bytes > model->max_queued_bytes)
        ledger.note("a call is taken beyond the bounds");
    const std::string problem = quotas_.noted(life_.seen(), ticket.tenant, ticket.rows, true);
    if (!problem.empty()) ledger.note(problem);
}

void Crowd::rejected(const Reject& reject) {
    const auto found = refusable_.find(reject.call);
    if (found == refusable_.end()) return;
    const auto [ticket, at] = found->second;
    refusable_.erase(found);
    if (reject.reason != RejectReason::quota) return;
    const std::string problem = quotas_.noted(at, ticket.tenant, ticket.rows, false);
    if (!problem.empty()) life_.ledger.note(problem);
}

void Crowd::calls_ended() {
    for (const CallId call : life_.ledger.take_ended()) {
        const auto found = client_of_.find(call);
        if (found == client_of_.end()) continue;
        const std::size_t client = found->second;
        client_of_.erase(found);
        const Duration think =
            clients_[client].think / 2 + life_.chance.up_to(clients_[client].think);
        life_.after(think, [this, client] { send_next(client); });
    }
}

void Crowd::cancel_some() {
    for (std::uint64_t i = life_.chance.below(10); i > 0 && life_.ledger.open_calls() > 0; --i) {
        const CallId call = life_.ledger.open_call(life_.chance.any());
        life_.ledger.cancel_asked(call);
        life_.scheduler.cancel(life_.clock(), call);
    }
}

}  // namespace bunch::simulation
