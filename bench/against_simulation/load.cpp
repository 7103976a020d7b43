#include "bench/against_simulation/load.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <vector>
#include <zmq.hpp>

#include "bench/simulation/event_queue.h"
#include "bench/simulation/ledger.h"
#include "bench/simulation/sources.h"
#include "protocol/zmq_frames.h"

namespace bunch::against {
namespace {

using namespace std::chrono_literals;
using namespace simulation;

constexpr Duration kLead = 100ms;    // before the first request
constexpr std::size_t kColumns = 4;  // of the models' only input

std::span<const std::byte> bytes_of(const zmq::message_t& frame) {
    return {static_cast<const std::byte*>(frame.data()), frame.size()};
}

RejectReason reason_of(StatusCode code) {
    switch (code) {
        case StatusCode::deadline_exceeded:
            return RejectReason::expired;
        case StatusCode::resource_exhausted:
            return RejectReason::bound;
        case StatusCode::unavailable:
            return RejectReason::no_device;
        default:
            return RejectReason::invalid;
    }
}

class Player {
  public:
    Player(const Scenario& scenario, zmq::socket_t socket, const LoadOptions& options)
        : scenario_(scenario),
          socket_(std::move(socket)),
          begin_(now() + kLead),
          from_(begin_ + from_seconds(to_seconds(scenario.span) * scenario.warm_up)),
          end_(begin_ + scenario.span),
          give_up_(end_ + options.patience),
          ledger_(scenario, from_, end_) {
        if (scenario.farm) {
            for (std::uint32_t c = 0; c < scenario.farm->clients; ++c) {
                clients_.emplace_back(*scenario.farm, c, options.seed);
                events_.add(begin_ + clients_[c].next_think(), EventKind::think_end, c);
            }
        } else {
            sources_ = sources_of(scenario, options.rate, options.seed);
            for (std::uint32_t s = 0; s < sources_.size(); ++s)
                events_.add(begin_ + sources_[s].next_gap(), EventKind::arrival, s);
        }
    }

    RunResult play() {
        ::prctl(PR_SET_TIMERSLACK, 1UL);
        while (now() < end_ || has_to_send() || (ledger_.open_requests() > 0 && now() < give_up_)) {
            while (!events_.empty() && events_.next_time() <= now()) handle(events_.pop());
            while (receive()) {
            }
            wait();
        }
        ledger_.close();
        return result();
    }

  private:
    struct Asked {
        ModelId model;
        std::uint32_t rows = 1;
    };

    bool has_to_send() const { return !events_.empty() && events_.next_time() < end_; }

    /// Calls that are open have different ones, and all are small.
    static std::size_t place_of(CallId call) { return call.value & 0xffffffff; }

    void handle(const Event& event) {
        if (event.at >= end_) return;
        if (event.kind == EventKind::arrival) {
            Source& source = sources_[event.index];
            // Nobody who asks once comes back, so each has a name of its own.
            send(event.at, source.model(), source.tenant(), 0,
                 fmt::format("once-{}", ledger_.requests()));
            events_.add(event.at + source.next_gap(), EventKind::arrival, event.index);
        } else {
            send(event.at, clients_[event.index].model(), 0, event.index,
                 fmt::format("client-{}", event.index));
        }
    }

    void send(TimePoint at, std::uint32_t model, std::uint32_t tenant, std::uint32_t client,
              const std::string& name) {
        const Ticket ticket = ledger_.open(at, model, tenant, client);
        const std::string id = std::to_string(ticket.call.value);
        header_.clear();
        header_.id = id;
        header_.model = scenario_.models[model].name;
        header_.client = name;
        if (!scenario_.tenants.empty()) header_.tenant = scenario_.tenants[tenant].name;
        if (ticket.deadline != kNever)
            header_.timeout = std::max<Duration>(ticket.deadline - now(), 1us);
        header_.inputs.push_back(
            {"x", DataType::f32, Shape{std::int64_t{ticket.rows}, std::int64_t{kColumns}}, 0});
        bytes_.clear();
        encode_request(header_, bytes_);
        const std::vector<float> values(std::size_t{ticket.rows} * kColumns);
        asked_.resize(std::max(asked_.size(), place_of(ticket.call) + 1));
        asked_[place_of(ticket.call)] = {ticket.model, ticket.rows};
        socket_.send(zmq::buffer(bytes_), zmq::send_flags::sndmore);
        socket_.send(zmq::buffer(values), zmq::send_flags::none);
    }

    bool receive() {
        zmq::message_t first;
        if (!socket_.recv(first, zmq::recv_flags::dontwait)) return false;
        for (bool more = first.more(); more;) {
            zmq::message_t frame;
            if (!socket_.recv(frame, zmq::recv_flags::none)) return false;
            more = frame.more();
        }
        const TimePoint at = now();
        if (!decoder_.decode(bytes_of(first)).ok()) return true;
        const ResponseHeader& header = decoder_.header();
        CallId call{};
        std::from_chars(header.id.data(), header.id.data() + header.id.size(), call.value);
        ended_.clear();
        if (header.code == StatusCode::ok) {
            answer(at, call);
        } else if (const auto ending = ledger_.reject(call, reason_of(header.code))) {
            ended_.push_back(*ending);
        }
        for (const Ending& ending : ended_) go_on(at, ending);
        return true;
    }

    void answer(TimePoint at, CallId call) {
        // To the ledger, each request is a batch of its own.
        const Asked& asked = asked_.at(place_of(call));
        Batch batch;
        batch.model = asked.model;
        batch.rows = asked.rows;
        batch.slices = {{call, 0, asked.rows}};
        ledger_.take(batch);
        ledger_.answer(at, batch, ended_);
    }

    void go_on(TimePoint at, const Ending& ending) {
        if (clients_.empty()) return;
        ThinkingClient& client = clients_[ending.client];
        if (client.go_on(ending.in_objective) && at >= from_ && at < end_) ++rounds_;
        events_.add(at + client.next_think(), EventKind::think_end, ending.client);
    }

    /// Until the next request is due or an answer is there. A ZeroMQ descriptor is edge-triggered,
    /// and sending may have swallowed its news, so it is asked first.
    void wait() {
        if ((socket_.get(zmq::sockopt::events) & ZMQ_POLLIN) != 0) return;
        const TimePoint due = events_.empty() ? give_up_ : events_.next_time();
        const Duration pause = std::clamp<Duration>(due - now(), 0ns, 10ms);
        const timespec timeout{0, pause.count()};
        pollfd fd{socket_.get(zmq::sockopt::fd), POLLIN, 0};
        ::ppoll(&fd, 1, &timeout, nullptr);
    }

    RunResult result() const {
        RunResult result;
        result.seconds = to_seconds(end_ - from_);
        for (std::size_t m = 0; m < scenario_.models.size(); ++m) {
            ModelResult& model = result.models.emplace_back();
            model.name = scenario_.models[m].name;
            model.ends = ledger_.ends_of_models()[m];
            model.latencies = ledger_.latencies()[m];
        }
        for (std::size_t t = 0; t < scenario_.tenants.size(); ++t) {
            const SimulatedTenant& tenant = scenario_.tenants[t];
            result.tenants.push_back(
                {tenant.name, tenant.floods, tenant.weight, ledger_.ends_of_tenants()[t]});
        }
        result.events_per_second = static_cast<double>(rounds_) / result.seconds;
        result.requests = ledger_.requests();
        return result;
    }

    const Scenario& scenario_;
    zmq::socket_t socket_;
    TimePoint begin_, from_, end_, give_up_;
    EventQueue events_;
    Ledger ledger_;
    std::vector<Source> sources_;
    std::vector<ThinkingClient> clients_;
    std::vector<Asked> asked_;  ///< by place_of() the call
    std::vector<Ending> ended_;
    std::uint64_t rounds_ = 0;
    RequestHeader header_;
    ResponseDecoder decoder_;
    std::string bytes_;
};

}  // namespace

Result<RunResult> play(const Scenario& scenario, const std::string& endpoint,
                       const LoadOptions& options) {
    try {
        zmq::context_t context;
        zmq::socket_t socket(context, zmq::socket_type::dealer);
        socket.set(zmq::sockopt::linger, 0);
        socket.set(zmq::sockopt::sndhwm, 0);
        socket.set(zmq::sockopt::rcvhwm, 0);
        socket.connect(endpoint);
        return Player(scenario, std::move(socket), options).play();
    } catch (const zmq::error_t& error) {
        return unavailable("cannot ask the daemon at " + endpoint + ": " + error.what());
    }
}

}  // namespace bunch::against
