#include "client/control_client.h"

#include <algorithm>
#include <cstdio>
#include <span>
#include <vector>
#include <zmq.hpp>

namespace bunch {
namespace {

std::string seconds_text(Duration span) {
    char text[32];
    std::snprintf(text, sizeof(text), "%g", to_seconds(span));
    return text;
}

Status no_answer(const std::string& endpoint, Duration timeout) {
    return unavailable("no answer from the control endpoint " + endpoint + " within " +
                       seconds_text(timeout) + " s: is bunchd running there?");
}

Status read_reply(zmq::socket_t& socket, google::protobuf::MessageLite& response) {
    std::vector<zmq::message_t> messages;
    do {
        messages.emplace_back();
        static_cast<void>(socket.recv(messages.back(), zmq::recv_flags::none));
    } while (messages.back().more());
    std::vector<std::span<const std::byte>> frames;
    for (const zmq::message_t& message : messages)
        frames.emplace_back(static_cast<const std::byte*>(message.data()), message.size());
    return decode_control_reply(frames, response);
}

}  // namespace

Status call_control(const std::string& endpoint, ControlMethod method,
                    const google::protobuf::MessageLite& request,
                    google::protobuf::MessageLite& response, Duration timeout) {
    try {
        zmq::context_t context;
        zmq::socket_t socket(context, zmq::socket_type::req);
        socket.set(zmq::sockopt::linger, 0);
        socket.connect(endpoint);
        const std::string body = request.SerializeAsString();
        socket.send(zmq::buffer(name_of(method)), zmq::send_flags::sndmore);
        socket.send(zmq::buffer(body), zmq::send_flags::none);
        zmq::pollitem_t item{socket.handle(), 0, ZMQ_POLLIN, 0};
        const auto ms = std::chrono::ceil<std::chrono::milliseconds>(timeout);
        if (zmq::poll(&item, 1, ms) == 0) return no_answer(endpoint, timeout);
        return read_reply(socket, response);
    } catch (const zmq::error_t& error) {
        return unavailable("cannot reach the control endpoint '" + endpoint + "': " + error.what() +
                           " (use ipc:///path/of/socket or tcp://host:port)");
    }
}

std::string control_endpoint_for(const std::string& data_endpoint) {
    const std::size_t slash = data_endpoint.rfind('/');
    const std::size_t at = data_endpoint.rfind("data");
    if (at == std::string::npos || (slash != std::string::npos && at < slash)) return {};
    return std::string(data_endpoint).replace(at, 4, "control");
}

}  // namespace bunch
