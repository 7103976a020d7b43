#include "client/connection.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>

namespace bunch {
namespace {

// Requests are looked at no more often than this; deadlines are as precise.
constexpr Duration kCheckPause = std::chrono::milliseconds(1);
constexpr std::size_t kMessagesPerPoll = 1024;

std::string made_up_name() {
    static std::atomic<std::uint64_t> next{0};
    std::array<char, 64> host{};
    if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
    return std::string(host.data()) + "-" + std::to_string(getpid()) + "-" + std::to_string(next++);
}

std::span<const std::byte> bytes_of(const zmq::message_t& frame) {
    return {static_cast<const std::byte*>(frame.data()), frame.size()};
}

Status check_request(const Request& request) {
    const auto fits = [](const std::string& name) {
        return !name.empty() && name.size() <= kMaxNameBytes;
    };
    if (!fits(request.model) || request.version.size() > kMaxNameBytes) {
        return invalid_argument("a request names its model, in 1 to " +
                                std::to_string(kMaxNameBytes) + " bytes");
    }
    if (request.inputs.size() > kMaxTensors || request.outputs.size() > kMaxTensors) {
        return invalid_argument("more than " + std::to_string(kMaxTensors) +
                                " inputs or outputs, which is the limit");
    }
    if (request.tenant.size() > kMaxIdBytes) {
        return invalid_argument("the tenant's name has " + std::to_string(request.tenant.size()) +
                                " bytes, the limit is " + std::to_string(kMaxIdBytes));
    }
    for (const NamedTensor& input : request.inputs) {
        const auto bytes = byte_size(input.type, input.shape);
        if (!fits(input.name) || !bytes || *bytes != input.buffer.size()) {
            return invalid_argument("input '" + input.name.substr(0, kMaxNameBytes) + "' has " +
                                    std::to_string(input.buffer.size()) + " bytes, " +
                                    std::string(name_of(input.type)) + " " +
                                    input.shape.to_string() + " needs " +
                                    std::to_string(bytes.value_or(0)));
        }
    }
    if (!std::all_of(request.outputs.begin(), request.outputs.end(), fits))
        return invalid_argument("a requested output has no name, or one that is too long");
    return {};
}

std::int64_t bytes_in(const Request& request) {
    std::size_t bytes = 0;
    for (const NamedTensor& input : request.inputs) bytes += input.buffer.size();
    return static_cast<std::int64_t>(bytes);
}

}  // namespace

Connection::Connection(ConnectionOptions options)
    : options_(std::move(options)), credit_bytes_(options_.initial_credit_bytes) {}

Result<std::unique_ptr<Connection>> Connection::open(ConnectionOptions options) {
    if (options.endpoints.empty()) return invalid_argument("no endpoint to connect to");
    if (options.client.empty()) options.client = made_up_name();
    if (options.client.size() > kMaxIdBytes) {
        return invalid_argument("the client's name has " + std::to_string(options.client.size()) +
                                " bytes, the limit is " + std::to_string(kMaxIdBytes));
    }
    std::unique_ptr<Connection> connection(new Connection(std::move(options)));
    BUNCH_ASSIGN_OR_RETURN(
        connection->dealer_,
        Dealer::connect(connection->context_, connection->options_.endpoints.front()));
    connection->connecting_since_ = now();
    connection->schedule(connection->connecting_since_ + connection->options_.connect_timeout);
    return connection;
}

Result<RequestId> Connection::submit(Request request, ResponseCallback callback) {
    BUNCH_RETURN_IF_ERROR(check_request(request));
    if (waiting_count_ >= options_.max_waiting) {
        return resource_exhausted(std::to_string(waiting_count_) +
                                  " requests already wait for the server's credit, the limit is "
                                  "max_waiting = " +
                                  std::to_string(options_.max_waiting));
    }
    OpenRequest* entry = open_.add();
    if (entry == nullptr) {
        return resource_exhausted(std::to_string(OpenRequests::kMost) +
                                  " requests are open, which is the limit of a connection");
    }
    entry->submitted = now();
    entry->request = std::move(request);
    entry->callback = std::move(callback);
    entry->charged_bytes = bytes_in(entry->request);
    share_large_inputs(*entry, options_.zero_copy_bytes);
    if (entry->request.timeout && !entry->request.late_ok) {
        entry->deadline = saturating_add(saturating_add(entry->submitted, *entry->request.timeout),
                                         options_.deadline_grace);
        schedule(entry->deadline);
    }
    const RequestId id = entry->id;
    if (waiting_count_ > 0 || !try_to_send(*entry, entry->submitted)) {
        waiting_.push_back(id);
        ++waiting_count_;
    }
    return id;
}

void Connection::fill_header(const OpenRequest& entry, TimePoint at) {
    const Request& request = entry.request;
    header_.clear();
    header_.model = request.model;
    header_.version = request.version;
    header_.client = options_.client;
    header_.priority = request.priority;
    header_.tenant = request.tenant;
    header_.late_ok = request.late_ok;
    if (request.timeout) {
        const Duration left = saturating_add(entry.submitted, *request.timeout) - at;
        header_.timeout = std::max<Duration>(left, std::chrono::microseconds(1));
    }
    for (const NamedTensor& input : request.inputs)
        header_.inputs.push_back({input.name, input.type, input.shape, 0});
    for (const std::string& output : request.outputs) header_.outputs.push_back(output);
}

/// Sends if credit and ZeroMQ allow. The entry is in state sent afterwards, or as it was.
bool Connection::try_to_send(OpenRequest& entry, TimePoint at) {
    const bool is_first = entry.state == OpenRequest::State::waiting;
    const std::int64_t charge = entry.charged_bytes + expected_reply_bytes_;
    if (is_first && outstanding_bytes_ > 0 && outstanding_bytes_ + charge > credit_bytes_)
        return false;
    std::array<char, 20> id_text;
    const auto id_end =
        std::to_chars(id_text.data(), id_text.data() + id_text.size(), entry.id.value);
    fill_header(entry, at);
    header_.id = {id_text.data(), static_cast<std::size_t>(id_end.ptr - id_text.data())};
    header_bytes_.clear();
    encode_request(header_, header_bytes_);
    out_.clear();
    out_.push_back({std::as_bytes(std::span<const char>(header_bytes_)), nullptr});
    for (std::size_t i = 0; i < entry.request.inputs.size(); ++i) {
        SharedBytes* shared = entry.shared.empty() ? nullptr : entry.shared[i];
        out_.push_back({std::as_const(entry.request.inputs[i].buffer).bytes(), shared});
    }
    if (dealer_.send(out_) != Dealer::Sent::yes) return false;
    ++counters_.sent;
    ++entry.sends;
    entry.resend_at = saturating_add(at, options_.resend_after);
    schedule(entry.resend_at);
    if (is_first) {
        entry.state = OpenRequest::State::sent;
        entry.charged_bytes = charge;
        outstanding_bytes_ += charge;
    }
    return true;
}

void Connection::send_waiting(TimePoint at) {
    while (!waiting_.empty()) {
        OpenRequest* entry = open_.find(waiting_.front());
        if (entry != nullptr) {
            if (!try_to_send(*entry, at)) return;
            --waiting_count_;
        }
        waiting_.pop_front();
    }
}

void Connection::send_cancel(RequestId id) {
    const std::string id_text = std::to_string(id.value);
    header_.clear();
    header_.id = id_text;
    header_.client = options_.client;
    header_.cancel = true;
    header_bytes_.clear();
    encode_request(header_, header_bytes_);
    const OutFrame frame{std::as_bytes(std::span<const char>(header_bytes_)), nullptr};
    // If it cannot be sent, the server works in vain: the answer will be dropped here.
    static_cast<void>(dealer_.send({&frame, 1}));
}

bool Connection::cancel(RequestId id) {
    OpenRequest* entry = open_.find(id);
    if (entry == nullptr) return false;
    if (entry->state == OpenRequest::State::sent) send_cancel(id);
    return fail(*entry, cancelled("by the client"), now());
}

void Connection::cancel_all() {
    std::vector<RequestId> ids;
    open_.for_each([&](const OpenRequest& entry) { ids.push_back(entry.id); });
    for (const RequestId id : ids) cancel(id);
}

std::size_t Connection::poll(Duration timeout, int wake_fd) {
    TimePoint at = now();
    const TimePoint until = saturating_add(at, timeout);
    bool woken = false;
    while (true) {
        std::size_t ended = receive_all();
        at = now();
        if (ended == 0 || at - last_check_ >= kCheckPause) ended += check(at);
        if (ended > 0 || at >= until || woken) return ended;
        dealer_.wait(std::max(std::min(until, next_check_) - at, kCheckPause), wake_fd);
        woken = wake_fd >= 0;
    }
}

std::size_t Connection::receive_all() {
    std::size_t ended = 0;
    for (std::size_t i = 0; i < kMessagesPerPoll; ++i) {
        if (!dealer_.receive(in_, kMaxTensors + 1)) break;
        ended += take_message() ? 1 : 0;
    }
    return ended;
}

bool Connection::take_message() {
    if (!decoder_.decode(bytes_of(in_.front())).ok()) {
        ++counters_.garbage;
        return false;
    }
    const ResponseHeader& header = decoder_.header();
    if (header.credit_bytes) credit_bytes_ = std::max<std::int64_t>(*header.credit_bytes, 0);
    OpenRequest* entry = open_.find(header.id);
    if (entry == nullptr) {
        ++counters_.late;
        send_waiting(now());
        return false;
    }
    if (!take_outputs(header)) {
        ++counters_.garbage;
        return false;
    }
    response_.status =
        header.code == StatusCode::ok ? Status() : Status(header.code, std::string(header.message));
    response_.model = header.model;
    response_.version = header.version;
    response_.device_class = header.device_class;
    response_.precision = header.precision;
    ++counters_.answered;
    return finish(*entry, response_, now());
}

bool Connection::take_outputs(const ResponseHeader& header) {
    if (in_.size() != header.outputs.size() + 1) return false;
    std::size_t bytes = in_.front().size();
    for (std::size_t i = 0; i < header.outputs.size(); ++i) {
        if (in_[i + 1].size() != header.outputs[i].bytes) return false;
        bytes += in_[i + 1].size();
    }
    if (header.code == StatusCode::ok) expected_reply_bytes_ = static_cast<std::int64_t>(bytes);
    response_.outputs.resize(header.outputs.size());
    for (std::size_t i = 0; i < header.outputs.size(); ++i) {
        NamedTensor& output = response_.outputs[i];
        output.name = header.outputs[i].name;
        output.type = header.outputs[i].type;
        output.shape = header.outputs[i].shape;
        output.buffer = buffer_of(std::move(in_[i + 1]));
    }
    return true;
}

/// Closes the entry and gives `response` to its callback.
bool Connection::finish(OpenRequest& entry, Response& response, TimePoint at) {
    if (entry.state == OpenRequest::State::sent) {
        outstanding_bytes_ -= entry.charged_bytes;
    } else {
        --waiting_count_;
    }
    response.elapsed = at - entry.submitted;
    const ResponseCallback callback = std::move(entry.callback);
    response.request = open_.close(entry);
    if (waiting_count_ > 0) send_waiting(at);
    if (callback) callback(response);
    return true;
}

bool Connection::fail(OpenRequest& entry, Status status, TimePoint at) {
    // Not response_: a callback that is looking at it may cancel other requests.
    Response response;
    response.status = std::move(status);
    response.model = entry.request.model;
    return finish(entry, response, at);
}

}  // namespace bunch
