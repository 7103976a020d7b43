#include "tests/integration/raw_client.h"

#include <gtest/gtest.h>

#include <cstring>

namespace bunch {

std::string RawReply::status() const {
    const auto status = header.parameters().find("status");
    return status == header.parameters().end() ? "ok" : status->second.string_param();
}

std::string RawReply::message() const {
    const auto message = header.parameters().find("message");
    return message == header.parameters().end() ? "" : message->second.string_param();
}

std::vector<float> RawReply::floats(std::size_t frame) const {
    std::vector<float> values(frames.at(frame).size() / sizeof(float));
    if (!values.empty()) std::memcpy(values.data(), frames[frame].data(), frames[frame].size());
    return values;
}

RawClient::RawClient(const std::string& endpoint, int receive_mark)
    : socket_(context_, zmq::socket_type::dealer) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::sndhwm, 0);
    socket_.set(zmq::sockopt::rcvhwm, receive_mark);
    socket_.connect(endpoint);
}

void RawClient::send(const std::vector<std::string>& frames) {
    for (std::size_t i = 0; i < frames.size(); ++i) {
        const auto flags = i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none;
        socket_.send(zmq::buffer(frames[i]), flags);
    }
}

std::optional<RawReply> RawClient::receive(int patience_ms) {
    socket_.set(zmq::sockopt::rcvtimeo, patience_ms);
    zmq::message_t frame;
    if (!socket_.recv(frame)) return std::nullopt;
    RawReply reply;
    EXPECT_TRUE(reply.header.ParseFromArray(frame.data(), static_cast<int>(frame.size())));
    while (frame.more()) {
        if (!socket_.recv(frame)) return std::nullopt;
        reply.frames.push_back(frame.to_string());
    }
    return reply;
}

RawReply RawClient::ask(const std::vector<std::string>& frames) {
    send(frames);
    auto reply = receive();
    if (!reply) ADD_FAILURE() << "no reply";
    return reply.value_or(RawReply{});
}

inference::ModelInferRequest request_header(const std::string& model,
                                            const std::vector<std::int64_t>& shape,
                                            const std::string& id) {
    inference::ModelInferRequest header;
    header.set_model_name(model);
    header.set_id(id);
    (*header.mutable_parameters())["client"].set_string_param("raw");
    auto* input = header.add_inputs();
    input->set_name("x");
    input->set_datatype("FP32");
    for (const std::int64_t extent : shape) input->add_shape(extent);
    return header;
}

std::vector<std::string> request_frames(const inference::ModelInferRequest& header,
                                        const std::vector<float>& values) {
    std::string bytes(values.size() * sizeof(float), '\0');
    if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
    return {header.SerializeAsString(), bytes};
}

}  // namespace bunch
