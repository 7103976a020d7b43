#include "daemon/reactor.h"

#include <algorithm>

#include "core/check.h"
#include "daemon/reasons.h"
#include "monitoring/log.h"

namespace bunch {
namespace {

// Messages read in one turn before everything else gets its chance.
constexpr std::size_t kMessagesPerTurn = 512;
constexpr std::size_t kQuestionsPerTurn = 16;
constexpr int kDataReceiveMark = 64;
constexpr int kDataSendMark = 0;  // replies are counted in bytes instead
constexpr int kControlReceiveMark = 16;
constexpr int kControlSendMark = 64;  // further answers to a client that does not read are dropped
// Places in the list of descriptors to poll.
enum Source : std::size_t { kData, kControl, kCommands, kGathers, kFirstLane };

constexpr Duration kTick = std::chrono::milliseconds(100);
constexpr Duration kReportPeriod = std::chrono::minutes(3);  // of what was learnt, to disk

bool has_messages(zmq::socket_t& socket) {
    return (socket.get(zmq::sockopt::events) & ZMQ_POLLIN) != 0;
}

ModelTable table_of(const std::vector<ModelSpec>& models) {
    ModelTable table;
    for (const ModelSpec& spec : models)
        table.add(ModelId{static_cast<std::uint32_t>(table.all().size())}, spec);
    return table;
}

DeviceTable table_of(const std::vector<DeviceConfig>& devices, Metrics& metrics) {
    DeviceTable table;
    for (const DeviceConfig& config : devices) {
        ServedDevice& device = table.emplace_back();
        device.id = DeviceId{static_cast<std::uint32_t>(table.size() - 1)};
        device.name = config.name;
        device.backend = config.backend;
        device.batch_timeout = config.batch_timeout;
        device.metrics = &metrics.device(config.name, config.backend);
    }
    return table;
}

Ticket ticket_of(CallId id, const OpenCall& open) {
    const Call& call = open.call;
    Ticket ticket;
    ticket.call = id;
    ticket.client = call.client;
    ticket.deadline = call.deadline;
    ticket.bytes = open.input_bytes;
    ticket.model = call.model;
    ticket.tenant = call.tenant;
    ticket.rows = call.rows;
    ticket.shape_class = call.shape_class;
    ticket.priority = call.priority;
    ticket.late_ok = call.late_ok;
    return ticket;
}

RecordedScheduler::OpenCalls open_calls_of(CallSlab& slab) {
    return [&slab](const RecordedScheduler::Visit& visit) {
        slab.for_each([&](CallId id, const OpenCall& open) {
            visit(open.call.times.received, ticket_of(id, open));
        });
    };
}

}  // namespace

Result<std::unique_ptr<Reactor>> Reactor::open(const Config& config, Metrics& metrics,
                                               HealthBoard& health,
                                               std::vector<LearntCurve> curves) {
    auto context = std::make_unique<zmq::context_t>(1);
    context->set(zmq::ctxopt::max_sockets, 1023);
    BUNCH_ASSIGN_OR_RETURN(zmq::socket_t data,
                           bind_router(*context, config.server.data_endpoints, kDataReceiveMark,
                                       kDataSendMark, config.limits));
    LimitsConfig control_limits = config.limits;
    control_limits.max_message_bytes = std::uint64_t{1} << 20;
    BUNCH_ASSIGN_OR_RETURN(zmq::socket_t control,
                           bind_router(*context, config.server.control_endpoints,
                                       kControlReceiveMark, kControlSendMark, control_limits));
    return std::unique_ptr<Reactor>(new Reactor(config, metrics, health, std::move(data),
                                                std::move(control), std::move(context),
                                                std::move(curves)));
}

Reactor::Reactor(const Config& config, Metrics& metrics, HealthBoard& health, zmq::socket_t data,
                 zmq::socket_t control, std::unique_ptr<zmq::context_t> context,
                 std::vector<LearntCurve> curves)
    : config_(config),
      metrics_(metrics),
      health_(health),
      models_(table_of(config.models)),
      tenants_(config.tenants, metrics),
      devices_(table_of(config.devices, metrics)),
      slab_(config.limits.max_open_calls, config.limits.max_open_bytes),
      scheduler_(/*seed=*/1, config.trace.events, open_calls_of(slab_)),
      desk_(slab_, models_, tenants_, metrics),
      gather_(config.limits.gather_threads),
      lanes_(scheduler_, slab_, desk_, models_, devices_, metrics, gather_,
             config.limits.gather_inline_bytes),
      data_(std::move(data), 0, config.limits, slab_, models_, tenants_, *this, metrics.daemon()),
      control_(std::move(control), server_, models_, devices_, scheduler_, metrics),
      context_(std::move(context)),
      commands_(SIZE_MAX),
      notices_(SIZE_MAX),
      instances_(config.models.size(),
                 std::vector<std::optional<InstanceId>>(config.devices.size())) {
    const TimePoint at = now();
    server_.name = config.server.name;
    server_.started = at;
    desk_.add_frontend(data_);
    SchedulerConfig policies;
    for (const ServedModel& model : models_.all())
        policies.models.push_back(policy_of(model.id, model.spec));
    policies.tenants = tenants_.policies();
    policies.minimum_share = config.scheduler.minimum_share;
    scheduler_.configure(at, std::move(policies));
    if (!curves.empty()) scheduler_.recall(at, curves);
    reported_ = std::move(curves);
    next_report_ = at + kReportPeriod;
    for (ServedModel& model : models_.all()) {
        for (const ServedDevice& device : devices_) {
            const auto& wanted = model.spec.devices;
            if (std::find(wanted.begin(), wanted.end(), device.name) == wanted.end()) continue;
            auto& instance = instances_[model.id.value][device.id.value];
            instance = InstanceId{next_instance_++};
            scheduler_.instance_up(at,
                                   {*instance, model.id, device.id, 1, InstanceState::expected});
        }
    }
    rebuild_poll_fds();
}

Reactor::~Reactor() {
    // The context waits for replies that are being sent; they count in data_, which goes later.
    data_.socket().close();
    control_.socket().close();
    context_->close();
}

void Reactor::run() {
    while (!stopped_) {
        wait();
        turn(now());
    }
}

void Reactor::wait() {
    if (lanes_generation_ != lanes_.generation()) rebuild_poll_fds();
    // A ZeroMQ descriptor is edge-triggered: sending may have swallowed its news, so ask first.
    data_waits_ = has_messages(data_.socket());
    const TimePoint due = std::min(next_tick_, scheduler_.next_wakeup().value_or(kNever));
    const Duration pause =
        data_waits_ || control_waits_ ? Duration::zero() : std::max(due - now(), Duration::zero());
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(pause);
    const timespec timeout{whole.count(), (pause - whole).count()};
    if (::ppoll(poll_fds_.data(), poll_fds_.size(), &timeout, nullptr) < 0)
        for (pollfd& fd : poll_fds_) fd.revents = 0;  // interrupted: nothing is known
}

void Reactor::rebuild_poll_fds() {
    const auto zmq_fd = [](zmq::socket_t& socket) { return socket.get(zmq::sockopt::fd); };
    poll_fds_ = {{zmq_fd(data_.socket()), POLLIN, 0},
                 {zmq_fd(control_.socket()), POLLIN, 0},
                 {commands_.fd(), POLLIN, 0},
                 {gather_.finished().fd(), POLLIN, 0}};
    lane_fds_.clear();
    lanes_.add_fds(lane_fds_);
    for (const int fd : lane_fds_) poll_fds_.push_back({fd, POLLIN, 0});
    lanes_generation_ = lanes_.generation();
}

void Reactor::turn(TimePoint at) {
    const auto is_ready = [&](std::size_t source) { return poll_fds_[source].revents != 0; };
    for (std::size_t i = kFirstLane; i < poll_fds_.size(); ++i)
        if (is_ready(i)) lanes_.receive(at, i - kFirstLane);
    at = now();
    if (is_ready(kGathers)) lanes_.finish_gathers(at);
    if (is_ready(kCommands)) take_commands(at);
    if (data_waits_ || is_ready(kData)) data_.receive(kMessagesPerTurn);
    if (control_waits_ || is_ready(kControl)) {
        control_.receive(kQuestionsPerTurn);
        control_waits_ = has_messages(control_.socket());
    }
    decide(now());
    report_lost_lanes();
    publish_queues(at);
    if (at >= next_tick_) tick(at);
}

void Reactor::admit(TimePoint at) {
    const CallId id = slab_.open();
    OpenCall& open = *slab_.find(id);
    open.call.times.admitted = now();
    scheduler_.submit(at, ticket_of(id, open));
}

void Reactor::cancel(TimePoint at, const Origin& origin, ClientId client,
                     std::string_view request_id) {
    slab_.for_each([&](CallId id, OpenCall& open) {
        const Call& call = open.call;
        if (call.origin.frontend == origin.frontend && call.origin.peer == origin.peer &&
            call.client == client && call.request_id == request_id)
            scheduler_.cancel(at, id);
    });
}

void Reactor::decide(TimePoint at) {
    decisions_.clear();
    scheduler_.decide(at, decisions_);
    for (Decision& decision : decisions_) {
        if (const auto* rejection = std::get_if<Reject>(&decision)) {
            reject(*rejection);
        } else if (auto* dispatch = std::get_if<Dispatch>(&decision)) {
            lanes_.start(at, std::move(*dispatch));
        } else {
            load(at, std::get<Load>(decision));
        }
    }
}

void Reactor::reject(const Reject& rejection) {
    const std::optional<Rejection> reason = rejection_of(rejection);
    if (!reason) {
        desk_.forget(rejection.call);
        return;
    }
    metrics_.daemon().reject(*reason);
    if (const OpenCall* open = slab_.find(rejection.call))
        tenants_.metrics_of(open->call.tenant).reject(*reason);
    desk_.fail(rejection.call, rejection.status);
}

void Reactor::load(TimePoint at, const Load& load) {
    ServedDevice& device = devices_[load.device.value];
    BUNCH_CHECK(device.in_flight == 0);
    device.loading_since = at;
    notices_.post(ImageWanted{load.device, device.life, load.model});
}

void Reactor::report_lost_lanes() {
    for (LostLane& lost : lanes_.take_lost()) {
        if (is_drained_) continue;  // main stops the runners
        const ServedDevice& device = devices_[lost.device.value];
        log::warn("lane_lost", {{"device", device.name}, {"reason", lost.reason}});
        notices_.post(LaneBroken{lost.device, std::move(lost.reason)});
    }
}

void Reactor::publish_queues(TimePoint at) {
    for (const ServedModel& model : models_.all()) {
        const QueueStats queue = scheduler_.state().stats(model.id);
        ModelMetrics& metrics = desk_.metrics_of(model.id);
        metrics.queued_requests.set(queue.queued_calls);
        metrics.queued_rows.set(queue.queued_rows);
        metrics.queued_bytes.set(queue.queued_bytes);
        lanes_.work_waits(at, model.id, queue.queued_calls > 0);
    }
}

void Reactor::tick(TimePoint at) {
    next_tick_ = at + kTick;
    lanes_.tick(at);
    DaemonMetrics& metrics = metrics_.daemon();
    metrics.open_calls.set(slab_.open_calls());
    metrics.open_bytes.set(slab_.open_bytes());
    metrics.clients.set(data_.clients());
    control_.tick(at);
    if (at >= next_report_) {
        next_report_ = at + kReportPeriod;
        report_learnt();
    }
    if (drain_until_) finish_drain(at);
}

void Reactor::finish_drain(TimePoint at) {
    if (is_drained_) return;
    // Replies that are being sent are given a moment when the sockets close.
    if (slab_.open_calls() > 0 && at < *drain_until_) return;
    const std::size_t abandoned = slab_.open_calls();
    slab_.for_each([&](CallId id, OpenCall&) {
        desk_.fail(id, unavailable("the server shut down before this request could run"));
    });
    is_drained_ = true;
    report_learnt();
    notices_.post(Drained{abandoned});
}

/// The main thread writes it: this one must not wait for a disk.
void Reactor::report_learnt() {
    std::vector<LearntCurve> learnt = scheduler_.state().learnt();
    if (learnt == reported_) return;
    reported_ = learnt;
    notices_.post(Learnt{std::move(learnt)});
}

}  // namespace bunch
