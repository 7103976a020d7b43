/// The server's end of the data protocol under a test's control: it answers what, when and as badly
/// as the test says. Speaks through the generated protobuf classes only.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "client/connection.h"
#include "protocol/kserve_v2.pb.h"

namespace bunch {

/// A folder that goes away with the test.
class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "bunch-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) std::abort();
        path_ = name;
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() { std::filesystem::remove_all(path_); }

    std::string file(const std::string& name) const { return (path_ / name).string(); }
    std::string endpoint(const std::string& name = "data.sock") const {
        return "ipc://" + file(name);
    }

  private:
    std::filesystem::path path_;
};

class FakeServer {
  public:
    struct Received {
        std::string routing_id;
        inference::ModelInferRequest header;
        std::vector<std::string> frames;
    };

    explicit FakeServer(const std::string& endpoint) : socket_(context_, zmq::socket_type::router) {
        socket_.set(zmq::sockopt::linger, 0);
        socket_.set(zmq::sockopt::router_mandatory, true);
        socket_.bind(endpoint);
    }

    /// A request, if one arrives within `wait`.
    std::optional<Received> receive(std::chrono::milliseconds wait = {}) {
        zmq::pollitem_t item{socket_.handle(), 0, ZMQ_POLLIN, 0};
        if (zmq::poll(&item, 1, wait) == 0) return std::nullopt;
        Received received;
        received.routing_id = frame();
        received.header.ParseFromString(frame());
        while (more_) received.frames.push_back(frame());
        return received;
    }

    /// Answers with the first input as output "echo", and a credit if given.
    void echo(const Received& request, std::optional<std::int64_t> credit = std::nullopt) {
        inference::ModelInferResponse response;
        response.set_id(request.header.id());
        response.set_model_name(request.header.model_name());
        response.set_model_version("1");
        (*response.mutable_parameters())["device_class"].set_string_param("fake");
        if (credit) (*response.mutable_parameters())["credit_bytes"].set_int64_param(*credit);
        auto* output = response.add_outputs();
        output->set_name("echo");
        output->set_datatype(request.header.inputs(0).datatype());
        *output->mutable_shape() = request.header.inputs(0).shape();
        send(request.routing_id, {response.SerializeAsString(), request.frames.at(0)});
    }

    void refuse(const Received& request, const std::string& status, const std::string& message) {
        inference::ModelInferResponse response;
        response.set_id(request.header.id());
        (*response.mutable_parameters())["status"].set_string_param(status);
        (*response.mutable_parameters())["message"].set_string_param(message);
        send(request.routing_id, {response.SerializeAsString()});
    }

    void send(const std::string& routing_id, const std::vector<std::string>& frames) {
        socket_.send(zmq::buffer(routing_id), zmq::send_flags::sndmore);
        for (std::size_t i = 0; i < frames.size(); ++i) {
            const bool last = i + 1 == frames.size();
            socket_.send(zmq::buffer(frames[i]),
                         last ? zmq::send_flags::none : zmq::send_flags::sndmore);
        }
    }

  private:
    std::string frame() {
        zmq::message_t message;
        static_cast<void>(socket_.recv(message));
        more_ = message.more();
        return message.to_string();
    }

    zmq::context_t context_;
    zmq::socket_t socket_;
    bool more_ = false;
};

/// A request of `rows` rows of two floats, the first of which is `mark`.
inline Request request_marked(float mark, std::int64_t rows = 1) {
    std::vector<float> values(static_cast<std::size_t>(rows) * 2, mark);
    Request request;
    request.model = "echo";
    request.add_input("x", Shape{rows, 2}, std::span<const float>(values));
    return request;
}

/// Polls `connection`, and lets `also` do its part, until `done` or ten seconds are over.
template <typename Done, typename Also>
bool poll_until(Connection& connection, Done done, Also also) {
    const TimePoint give_up = now() + std::chrono::seconds(10);
    while (!done()) {
        if (now() > give_up) return false;
        also();
        connection.poll(std::chrono::milliseconds(1));
    }
    return true;
}

template <typename Done>
bool poll_until(Connection& connection, Done done) {
    return poll_until(connection, done, [] {});
}

}  // namespace bunch
