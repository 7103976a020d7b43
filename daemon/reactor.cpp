#include "daemon/reactor.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/check.h"
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
constexpr Duration kTick = std::chrono::milliseconds(100);

Rejection reason_of(StatusCode code, bool draining) {
    switch (code) {
        case StatusCode::not_found:
            return Rejection::unknown_model;
        case StatusCode::resource_exhausted:
            return Rejection::queue_full;
        case StatusCode::deadline_exceeded:
            return Rejection::deadline;
        case StatusCode::unavailable:
            return draining ? Rejection::draining : Rejection::no_device;
        default:
            return Rejection::too_large;
    }
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

}  // namespace

Result<std::unique_ptr<Reactor>> Reactor::open(const Config& config, Metrics& metrics,
                                               HealthBoard& health) {
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
                                                std::move(control), std::move(context)));
}

Reactor::Reactor(const Config& config, Metrics& metrics, HealthBoard& health, zmq::socket_t data,
                 zmq::socket_t control, std::unique_ptr<zmq::context_t> context)
    : config_(config),
      metrics_(metrics),
      health_(health),
      models_(table_of(config.models)),
      devices_(table_of(config.devices, metrics)),
      scheduler_(/*seed=*/1),
      slab_(config.limits.max_open_calls, config.limits.max_open_bytes),
      desk_(slab_, models_, metrics),
      gather_(config.limits.gather_threads),
      lanes_(scheduler_, slab_, desk_, models_, devices_, metrics, gather_,
             config.limits.gather_inline_bytes),
      data_(std::move(data), 0, config.limits, slab_, models_, *this, metrics.daemon()),
      control_(std::move(control), server_, models_, devices_, scheduler_, metrics),
      context_(std::move(context)),
      commands_(SIZE_MAX),
      notices_(SIZE_MAX),
      timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)),
      instances_(config.models.size(),
                 std::vector<std::optional<InstanceId>>(config.devices.size())) {
    BUNCH_CHECK(timer_.get() >= 0);
    const TimePoint at = now();
    server_.name = config.server.name;
    server_.started = at;
    desk_.add_frontend(data_);
    SchedulerConfig policies;
    for (const ServedModel& model : models_.all())
        policies.models.push_back(policy_of(model.id, model.spec));
    scheduler_.configure(at, std::move(policies));
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
    rebuild_poll_items();
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
    if (lanes_generation_ != lanes_.generation()) rebuild_poll_items();
    arm_timer();
    zmq_poll(reinterpret_cast<zmq_pollitem_t*>(poll_items_.data()),
             static_cast<int>(poll_items_.size()), -1);
}

void Reactor::rebuild_poll_items() {
    poll_items_ = {{data_.socket().handle(), 0, ZMQ_POLLIN, 0},
                   {control_.socket().handle(), 0, ZMQ_POLLIN, 0},
                   {nullptr, commands_.fd(), ZMQ_POLLIN, 0},
                   {nullptr, gather_.finished().fd(), ZMQ_POLLIN, 0},
                   {nullptr, timer_.get(), ZMQ_POLLIN, 0}};
    first_lane_ = poll_items_.size();
    lane_fds_.clear();
    lanes_.add_fds(lane_fds_);
    for (const int fd : lane_fds_) poll_items_.push_back({nullptr, fd, ZMQ_POLLIN, 0});
    lanes_generation_ = lanes_.generation();
}

void Reactor::arm_timer() {
    const TimePoint due = std::min(next_tick_, scheduler_.next_wakeup().value_or(kNever));
    if (due == armed_for_) return;
    armed_for_ = due;
    // Zero would disarm; a time in the past fires at once.
    const auto since_start = std::max(due.time_since_epoch(), Duration(1));
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(since_start);
    itimerspec spec{};
    spec.it_value.tv_sec = whole.count();
    spec.it_value.tv_nsec = (since_start - whole).count();
    ::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
}

void Reactor::turn(TimePoint at) {
    const auto is_ready = [&](std::size_t item) { return poll_items_[item].revents != 0; };
    if (is_ready(4)) {
        std::uint64_t expirations = 0;
        [[maybe_unused]] const auto bytes = ::read(timer_.get(), &expirations, sizeof expirations);
        armed_for_ = kNever;
    }
    for (std::size_t i = first_lane_; i < poll_items_.size(); ++i)
        if (is_ready(i)) lanes_.receive(at, i - first_lane_);
    at = now();
    if (is_ready(3)) lanes_.finish_gathers(at);
    if (is_ready(2)) take_commands(at);
    if (is_ready(0)) data_.receive(kMessagesPerTurn);
    if (is_ready(1)) control_.receive(kQuestionsPerTurn);
    decide(now());
    report_lost_lanes();
    publish_queues(at);
    if (at >= next_tick_) tick(at);
}

void Reactor::admit(TimePoint at) {
    const CallId id = slab_.open();
    OpenCall& open = *slab_.find(id);
    Call& call = open.call;
    call.times.admitted = now();
    Ticket ticket;
    ticket.call = id;
    ticket.client = call.client;
    ticket.deadline = call.deadline;
    ticket.bytes = open.input_bytes;
    ticket.model = call.model;
    ticket.rows = call.rows;
    ticket.priority = call.priority;
    scheduler_.submit(at, ticket);
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
            lanes_.start(at, std::move(dispatch->batch));
        }
    }
}

void Reactor::reject(const Reject& rejection) {
    if (rejection.status.code() == StatusCode::cancelled) {
        desk_.forget(rejection.call);
        return;
    }
    metrics_.daemon().reject(reason_of(rejection.status.code(), server_.draining));
    desk_.fail(rejection.call, rejection.status);
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
        const QueueStats queue = scheduler_.stats(model.id);
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
    notices_.post(Drained{abandoned});
}

}  // namespace bunch
