#include "client/dealer.h"

#include <zmq.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace bunch {
namespace {

constexpr int kMonitored =
    ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;

void release_shared(void*, void* hint) {
    static_cast<SharedBytes*>(hint)->let_go();
}

void release_message(void* context) {
    delete static_cast<zmq::message_t*>(context);
}

zmq::message_t message_of(const OutFrame& frame) {
    if (frame.shared == nullptr) return {frame.bytes.data(), frame.bytes.size()};
    frame.shared->hold();
    const auto bytes = frame.shared->buffer().bytes();
    return {bytes.data(), bytes.size(), &release_shared, frame.shared};
}

std::string monitor_address() {
    static std::atomic<std::uint64_t> next{0};
    return "inproc://bunch-monitor-" + std::to_string(next++);
}

}  // namespace

Result<Dealer> Dealer::connect(zmq::context_t& context, const std::string& endpoint) {
    try {
        Dealer dealer;
        dealer.socket_ = zmq::socket_t(context, zmq::socket_type::dealer);
        dealer.socket_.set(zmq::sockopt::linger, 0);
        // Credits bound what is sent; a full queue would only hide it.
        dealer.socket_.set(zmq::sockopt::sndhwm, 0);
        dealer.socket_.set(zmq::sockopt::rcvhwm, 0);
        dealer.socket_.set(zmq::sockopt::reconnect_ivl, 20);
        dealer.socket_.set(zmq::sockopt::reconnect_ivl_max, 500);
        const std::string address = monitor_address();
        if (zmq_socket_monitor(dealer.socket_.handle(), address.c_str(), kMonitored) != 0)
            throw zmq::error_t();
        dealer.monitor_ = zmq::socket_t(context, zmq::socket_type::pair);
        dealer.monitor_.set(zmq::sockopt::linger, 0);
        dealer.monitor_.connect(address);
        dealer.socket_.connect(endpoint);
        return dealer;
    } catch (const zmq::error_t& error) {
        return invalid_argument("cannot connect to '" + endpoint + "': " + error.what() +
                                " (use ipc:///path/of/socket or tcp://host:port)");
    }
}

Dealer::Sent Dealer::send(std::span<const OutFrame> frames) {
    for (std::size_t i = 0; i < frames.size(); ++i) {
        zmq::message_t message = message_of(frames[i]);
        const int more = i + 1 < frames.size() ? ZMQ_SNDMORE : 0;
        // Once its first frame was taken, ZeroMQ takes the whole message.
        if (zmq_msg_send(message.handle(), socket_.handle(), ZMQ_DONTWAIT | more) < 0)
            return zmq_errno() == EAGAIN ? Sent::would_block : Sent::failed;
    }
    return Sent::yes;
}

bool Dealer::receive(std::vector<zmq::message_t>& frames, std::size_t max_frames) {
    frames.clear();
    bool more = true;
    while (more) {
        zmq::message_t& frame = frames.size() <= max_frames ? frames.emplace_back() : frames.back();
        if (zmq_msg_recv(frame.handle(), socket_.handle(), ZMQ_DONTWAIT) < 0) return false;
        more = zmq_msg_more(frame.handle()) != 0;
    }
    return true;
}

Dealer::Event Dealer::next_event() {
    zmq::message_t head;
    if (zmq_msg_recv(head.handle(), monitor_.handle(), ZMQ_DONTWAIT) < 0) return Event::none;
    zmq::message_t address;
    if (zmq_msg_recv(address.handle(), monitor_.handle(), ZMQ_DONTWAIT) < 0) return Event::none;
    std::uint16_t event = 0;
    if (head.size() >= sizeof event) std::memcpy(&event, head.data(), sizeof event);
    return event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED ? Event::connected : Event::disconnected;
}

void Dealer::wait(Duration timeout, int fd) {
    std::array<zmq_pollitem_t, 3> items = {{{socket_.handle(), 0, ZMQ_POLLIN, 0},
                                            {monitor_.handle(), 0, ZMQ_POLLIN, 0},
                                            {nullptr, fd, ZMQ_POLLIN, 0}}};
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
    zmq_poll(items.data(), fd >= 0 ? 3 : 2,
             static_cast<long>(std::clamp<std::int64_t>(ms, 0, 60'000)));
}

Buffer buffer_of(zmq::message_t&& frame) {
    const auto* data = static_cast<const std::byte*>(frame.data());
    if (frame.size() <= Buffer::kInline) return Buffer::copy_of({data, frame.size()});
    auto* held = new zmq::message_t(std::move(frame));
    return Buffer::hold({static_cast<std::byte*>(held->data()), held->size()}, &release_message,
                        held);
}

}  // namespace bunch
