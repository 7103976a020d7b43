#include "daemon/zmq_frontend.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>

#include "core/check.h"

namespace bunch {
namespace {

// Frames below this are copied out of ZeroMQ's shared receive buffers, larger ones are held.
constexpr std::size_t kHoldBytes = 4096;

// Priorities of the protocol: 1 is the most urgent, 0 means "not said".
constexpr std::uint8_t kDefaultPriority = 8;

void release_frame(void* frame) {
    delete static_cast<zmq::message_t*>(frame);
}

/// The first frame of a reply in memory of our own. When ZeroMQ lets go of it, the reply is sent
/// and its bytes no longer count.
struct ReplyBlock {
    UnsentReplies* peer;
    UnsentReplies* all;
    std::int64_t bytes;

    std::byte* data() { return reinterpret_cast<std::byte*>(this + 1); }
};

void release_reply(void*, void* hint) {
    auto* block = static_cast<ReplyBlock*>(hint);
    block->peer->bytes.fetch_sub(block->bytes, std::memory_order_relaxed);
    block->all->bytes.fetch_sub(block->bytes, std::memory_order_relaxed);
    std::free(block);
}

/// FNV-1a of the name that a client gave itself; 0 only for no name.
ClientId client_id(std::string_view name) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return ClientId{name.empty() ? 0 : std::max<std::uint64_t>(hash, 1)};
}

std::string bytes_text(std::uint64_t bytes) {
    return std::to_string(bytes) + " bytes";
}

}  // namespace

Result<zmq::socket_t> bind_router(zmq::context_t& context,
                                  const std::vector<std::string>& endpoints, int receive_mark,
                                  int send_mark, const LimitsConfig& limits) {
    std::string current;
    try {
        zmq::socket_t socket(context, zmq::socket_type::router);
        socket.set(zmq::sockopt::router_mandatory, true);
        socket.set(zmq::sockopt::rcvhwm, receive_mark);
        socket.set(zmq::sockopt::sndhwm, send_mark);
        socket.set(zmq::sockopt::linger, 1000);
        socket.set(zmq::sockopt::backlog, 1024);
        socket.set(zmq::sockopt::heartbeat_ivl, 30000);
        socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(limits.max_message_bytes));
        for (const std::string& endpoint : endpoints) {
            current = endpoint;
            socket.bind(endpoint);
        }
        return socket;
    } catch (const zmq::error_t& error) {
        return unavailable("cannot listen on '" + current + "': " + error.what() +
                           " (choose another, or remove what is there)");
    }
}

ZmqFrontend::ZmqFrontend(zmq::socket_t socket, std::uint32_t frontend, const LimitsConfig& limits,
                         CallSlab& slab, ModelTable& models, TenantTable& tenants, Intake& intake,
                         DaemonMetrics& metrics)
    : socket_(std::move(socket)),
      frontend_(frontend),
      limits_(limits),
      slab_(slab),
      models_(models),
      tenants_(tenants),
      intake_(intake),
      metrics_(metrics),
      peers_(limits.max_clients) {
    frames_.resize(limits.max_frames_per_message);
}

std::size_t ZmqFrontend::receive(std::size_t limit) {
    std::size_t count = 0;
    while (count < limit && receive_message()) ++count;
    return count;
}

bool ZmqFrontend::receive_message() {
    zmq::message_t routing_id;
    if (zmq_msg_recv(routing_id.handle(), socket_.handle(), ZMQ_DONTWAIT) < 0) return false;
    frame_count_ = 0;
    message_bytes_ = 0;
    bool more = routing_id.more();
    while (more) {
        // Frames beyond the limit overwrite the last one: they are refused below.
        zmq::message_t& frame = frames_[std::min(frame_count_, frames_.size() - 1)];
        frame.rebuild();
        if (zmq_msg_recv(frame.handle(), socket_.handle(), 0) < 0) return false;
        ++frame_count_;
        message_bytes_ += frame.size();
        more = frame.more();
    }
    handle_message(routing_id.to_string_view(), now());
    return true;
}

void ZmqFrontend::handle_message(std::string_view routing_id, TimePoint now) {
    Peer* peer = peers_.find_or_add(routing_id);
    if (peer == nullptr) {
        surplus_.routing_id = routing_id;
        static_cast<void>(decoder_.decode(header_frame()));  // for id and tenant
        refuse(surplus_, decoder_.header(),
               {resource_exhausted("there are already " + std::to_string(limits_.max_clients) +
                                   " clients with open requests (limits.max_clients)"),
                Rejection::too_many_calls});
        return;
    }
    if (const auto refusal = open_call(*peer, now)) refuse(*peer, decoder_.header(), *refusal);
}

std::span<const std::byte> ZmqFrontend::header_frame() const {
    if (frame_count_ == 0) return {};
    return {static_cast<const std::byte*>(frames_[0].data()), frames_[0].size()};
}

std::optional<ZmqFrontend::Refusal> ZmqFrontend::open_call(Peer& peer, TimePoint now) {
    if (const Status status = decoder_.decode(header_frame()); !status.ok())
        return Refusal{status, Rejection::malformed};
    const RequestHeader& header = decoder_.header();
    const ClientId client = client_id(header.client);
    if (header.cancel) {
        // Looking for the call costs time in proportion to all that are open.
        if (peer.open_calls > 0) intake_.cancel(now, {frontend_, peer.index}, client, header.id);
        return std::nullopt;
    }
    if (auto refusal = check_limits(peer)) return refusal;
    auto found = models_.find(header.model, header.version);
    if (!found.ok()) return Refusal{found.status(), Rejection::unknown_model};
    ServedModel& model = **found;
    if (!model.has_signature) {
        return Refusal{
            unavailable("model '" + model.spec.name + "' is " + std::string(name_of(model.state)) +
                        (model.message.empty() ? "" : ": " + model.message)),
            Rejection::no_device};
    }
    Call& call = slab_.draft().call;
    if (auto refusal = read_tensors(peer, model, call)) {
        slab_.abandon();
        return refusal;
    }
    call.model = model.id;
    if (const Status status = find_class(model, call); !status.ok()) {
        slab_.abandon();
        return Refusal{status, status.code() == StatusCode::resource_exhausted
                                   ? Rejection::queue_full
                                   : Rejection::wrong_shape};
    }
    call.origin = {frontend_, peer.index};
    call.client = client;
    call.tenant = tenants_.find(header.tenant);
    call.request_id = header.id;
    call.priority = header.priority == 0 ? kDefaultPriority : header.priority;
    call.late_ok = header.late_ok;
    call.deadline = header.timeout ? saturating_add(now, *header.timeout) : kNever;
    call.times = {};
    call.times.received = now;
    ++peer.open_calls;
    for (const Tensor& input : call.inputs) peer.request_bytes += input.buffer.size();
    intake_.admit(now);
    return std::nullopt;
}

std::optional<ZmqFrontend::Refusal> ZmqFrontend::check_limits(const Peer& peer) const {
    if (draining_) return Refusal{unavailable("the server is shutting down"), Rejection::draining};
    if (frame_count_ > frames_.size()) {
        return Refusal{
            invalid_argument("the message has " + std::to_string(frame_count_) +
                             " frames, the server takes " + std::to_string(frames_.size()) +
                             " (limits.max_frames_per_message)"),
            Rejection::too_large};
    }
    for (std::size_t i = 0; i < frame_count_; ++i) {
        if (frames_[i].size() <= limits_.max_frame_bytes) continue;
        return Refusal{
            invalid_argument("frame " + std::to_string(i) + " has " +
                             bytes_text(frames_[i].size()) + ", the server takes " +
                             bytes_text(limits_.max_frame_bytes) + " (limits.max_frame_bytes)"),
            Rejection::too_large};
    }
    if (message_bytes_ > limits_.max_message_bytes) {
        return Refusal{invalid_argument(
                           "the message has " + bytes_text(message_bytes_) + ", the server takes " +
                           bytes_text(limits_.max_message_bytes) + " (limits.max_message_bytes)"),
                       Rejection::too_large};
    }
    return check_room(peer, message_bytes_);
}

/// Whether a request of that many bytes may be held.
std::optional<ZmqFrontend::Refusal> ZmqFrontend::check_room(const Peer& peer,
                                                            std::uint64_t bytes) const {
    const std::uint64_t held =
        peer.request_bytes + static_cast<std::uint64_t>(std::max<std::int64_t>(
                                 0, peer.unsent.bytes.load(std::memory_order_relaxed)));
    if (held > 0 && held + bytes > limits_.client_credit_bytes) {
        return Refusal{resource_exhausted("this client has " + bytes_text(held) +
                                          " of requests and replies open, its credit is " +
                                          bytes_text(limits_.client_credit_bytes) +
                                          " (limits.client_credit_bytes)"),
                       Rejection::over_credit};
    }
    if (!slab_.has_room(bytes)) {
        return Refusal{resource_exhausted("the server has " + std::to_string(slab_.open_calls()) +
                                          " requests with " + bytes_text(slab_.open_bytes()) +
                                          " open, which is all it takes (limits.max_open_calls, "
                                          "limits.max_open_bytes)"),
                       Rejection::too_many_calls};
    }
    return std::nullopt;
}

std::optional<ZmqFrontend::Refusal> ZmqFrontend::read_tensors(const Peer& peer, ServedModel& model,
                                                              Call& call) {
    const RequestHeader& header = decoder_.header();
    const ModelSignature& signature = model.spec.signature;
    frame_bytes_.clear();
    for (std::size_t i = 1; i < frame_count_; ++i) frame_bytes_.push_back(frames_[i].size());
    const Result<std::uint32_t> rows =
        match_inputs(signature, header, frame_bytes_, order_, model.padding.made_inputs());
    if (!rows.ok()) return Refusal{rows.status(), Rejection::wrong_shape};
    call.rows = *rows;
    if (auto refusal = check_rows(model.spec, call.rows)) return refusal;
    call.inputs.resize(order_.size());
    std::uint64_t left_out = 0;
    for (std::size_t i = 0; i < order_.size(); ++i) {
        if (order_[i] == kLeftOut)
            left_out |= std::uint64_t{1} << i;
        else
            hold_frame(frames_[1 + order_[i]], header.inputs[order_[i]], call.inputs[i]);
    }
    if (left_out != 0)
        if (auto refusal = make_inputs(peer, model.padding, left_out, call)) return refusal;
    if (const Status status = select_outputs(signature, call); !status.ok())
        return Refusal{status, Rejection::wrong_shape};
    return std::nullopt;
}

/// Rows are a number in the header: nothing is made of them before they are known to be few.
std::optional<ZmqFrontend::Refusal> ZmqFrontend::check_rows(const ModelSpec& spec,
                                                            std::uint32_t rows) const {
    if (rows > spec.max_rows_per_request) {
        return Refusal{invalid_argument("model '" + spec.name + "': " + std::to_string(rows) +
                                        " rows in one request, max_rows_per_request is " +
                                        std::to_string(spec.max_rows_per_request)),
                       Rejection::too_large};
    }
    const auto row = row_bytes(spec.signature.outputs, spec.signature.batched);
    if (!row || *row <= limits_.max_message_bytes / rows) return std::nullopt;
    return Refusal{
        invalid_argument("the answer would have " + std::to_string(rows) + " rows of " +
                         bytes_text(*row) + ", the server sends " +
                         bytes_text(limits_.max_message_bytes) + " (limits.max_message_bytes)"),
        Rejection::too_large};
}

/// Masks and lengths that the client left out take memory as if it had sent them.
std::optional<ZmqFrontend::Refusal> ZmqFrontend::make_inputs(const Peer& peer,
                                                             const Padding& padding,
                                                             std::uint64_t left_out,
                                                             Call& call) const {
    const auto made = padding.shape_inputs(left_out, call.rows, call.inputs);
    if (!made.ok()) return Refusal{made.status(), Rejection::wrong_shape};
    const std::uint64_t bytes = message_bytes_ + *made;
    if (bytes > limits_.max_message_bytes) {
        return Refusal{
            invalid_argument("with the inputs that it leaves out the message would have " +
                             bytes_text(bytes) + ", the server takes " +
                             bytes_text(limits_.max_message_bytes) + " (limits.max_message_bytes)"),
            Rejection::too_large};
    }
    if (auto refusal = check_room(peer, bytes)) return refusal;
    padding.fill_inputs(left_out, call.inputs);
    return std::nullopt;
}

Status ZmqFrontend::select_outputs(const ModelSignature& signature, Call& call) {
    call.wanted_outputs = ~std::uint64_t{0};
    if (decoder_.header().outputs.empty()) return ok_status();
    BUNCH_RETURN_IF_ERROR(match_outputs(signature, decoder_.header(), order_));
    call.wanted_outputs = 0;
    for (const std::uint32_t output : order_) call.wanted_outputs |= std::uint64_t{1} << output;
    return ok_status();
}

/// Which calls it may share a batch with.
Status ZmqFrontend::find_class(ServedModel& model, Call& call) {
    call.shape_class = 0;
    if (!model.has_shape_classes) return ok_status();
    BUNCH_ASSIGN_OR_RETURN(call.shape_class, model.padding.fit(call.inputs, shapes_));
    BUNCH_RETURN_IF_ERROR(model.shape_classes.check(model.spec.signature, shapes_));
    if (call.shape_class != 0) return ok_status();
    BUNCH_ASSIGN_OR_RETURN(call.shape_class, model.shape_classes.take(shapes_));
    return ok_status();
}

void ZmqFrontend::hold_frame(zmq::message_t& frame, const TensorHeader& header,
                             Tensor& tensor) const {
    tensor.type = header.type;
    tensor.shape = header.shape;
    if (frame.size() < kHoldBytes) {
        tensor.buffer =
            Buffer::copy_of({static_cast<const std::byte*>(frame.data()), frame.size()});
        return;
    }
    auto* held = new zmq::message_t(std::move(frame));
    tensor.buffer =
        Buffer::hold({static_cast<std::byte*>(held->data()), held->size()}, &release_frame, held);
}

void ZmqFrontend::answer(const Call& call, const Answer& answer) {
    Peer& peer = peers_.at(call.origin.peer);
    header_bytes_.clear();
    if (answer.status.ok()) {
        encode(call, *models_.find(call.model), answer);
        send_reply(peer, answer.outputs, call.wanted_outputs);
    } else {
        encode_failure(call.request_id, answer.status,
                       static_cast<std::int64_t>(limits_.client_credit_bytes), header_bytes_);
        send_reply(peer, {}, 0);
    }
    close(call);
}

void ZmqFrontend::encode(const Call& call, const ServedModel& model, const Answer& answer) {
    response_.clear();
    response_.id = call.request_id;
    response_.model = model.spec.name;
    response_.version = model.spec.version;
    response_.device_class = answer.device_class;
    response_.precision = answer.precision;
    response_.credit_bytes = static_cast<std::int64_t>(limits_.client_credit_bytes);
    for (std::size_t i = 0; i < answer.outputs.size(); ++i) {
        if ((call.wanted_outputs >> i & 1) == 0) continue;
        const ConstTensorView& output = answer.outputs[i];
        response_.outputs.push_back(
            {model.spec.signature.outputs[i].name, output.type, output.shape, 0});
    }
    encode_response(response_, header_bytes_);
}

void ZmqFrontend::forget(const Call& call) {
    close(call);
}

void ZmqFrontend::close(const Call& call) {
    Peer& peer = peers_.at(call.origin.peer);
    BUNCH_DCHECK(peer.open_calls > 0);
    --peer.open_calls;
    for (const Tensor& input : call.inputs) peer.request_bytes -= input.buffer.size();
}

void ZmqFrontend::refuse(Peer& peer, const RequestHeader& header, const Refusal& refusal) {
    metrics_.reject(refusal.reason);
    tenants_.metrics_of(tenants_.find(header.tenant)).reject(refusal.reason);
    header_bytes_.clear();
    encode_failure(header.id, refusal.status,
                   static_cast<std::int64_t>(limits_.client_credit_bytes), header_bytes_);
    send_reply(peer, {}, 0);
}

bool ZmqFrontend::holds_too_much(const Peer& peer, std::int64_t bytes) const {
    const std::int64_t unsent = peer.unsent.bytes.load(std::memory_order_relaxed);
    if (unsent == 0) return false;  // whoever has read all so far gets its reply, however large
    const std::int64_t all = unsent_.bytes.load(std::memory_order_relaxed);
    return unsent + bytes > static_cast<std::int64_t>(limits_.client_credit_bytes) ||
           all + bytes > static_cast<std::int64_t>(limits_.max_open_bytes);
}

bool ZmqFrontend::send_reply(Peer& peer, const std::vector<ConstTensorView>& outputs,
                             std::uint64_t wanted_outputs) {
    auto bytes = static_cast<std::int64_t>(header_bytes_.size());
    for (std::size_t i = 0; i < outputs.size(); ++i)
        if ((wanted_outputs >> i & 1) != 0)
            bytes += static_cast<std::int64_t>(outputs[i].bytes.size());
    if (holds_too_much(peer, bytes)) {
        metrics_.drop_reply(DroppedReply::client_slow);
        return false;
    }
    zmq::message_t routing_id(peer.routing_id);
    if (zmq_msg_send(routing_id.handle(), socket_.handle(), ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) {
        metrics_.drop_reply(DroppedReply::client_left);
        return false;
    }
    void* memory = std::malloc(sizeof(ReplyBlock) + header_bytes_.size());
    BUNCH_CHECK(memory != nullptr);
    auto* block = new (memory) ReplyBlock{&peer.unsent, &unsent_, bytes};
    std::memcpy(block->data(), header_bytes_.data(), header_bytes_.size());
    peer.unsent.bytes.fetch_add(bytes, std::memory_order_relaxed);
    unsent_.bytes.fetch_add(bytes, std::memory_order_relaxed);
    zmq::message_t header(block->data(), header_bytes_.size(), &release_reply, block);
    const auto last = static_cast<std::size_t>(64 - std::countl_zero(wanted_outputs));
    const std::size_t count = std::min(last, outputs.size());
    zmq_msg_send(header.handle(), socket_.handle(), count > 0 ? ZMQ_SNDMORE : 0);
    for (std::size_t i = 0; i < count; ++i) {
        if ((wanted_outputs >> i & 1) == 0) continue;
        zmq::message_t frame(outputs[i].bytes.data(), outputs[i].bytes.size());
        const bool more = i + 1 < count && (wanted_outputs >> (i + 1)) != 0;
        zmq_msg_send(frame.handle(), socket_.handle(), more ? ZMQ_SNDMORE : 0);
    }
    return true;
}

}  // namespace bunch
