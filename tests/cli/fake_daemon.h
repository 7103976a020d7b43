/// A daemon for tests of the command line, in a process of its own: `bunch bench` forks, and must
/// not do so beside threads. It has one ready model, "echo": FP32 "x" [-1,2] to "echo" [-1,2], and
/// one that is loading.
#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <string>

#include "protocol/bunch_status.pb.h"
#include "protocol/control.h"
#include "tests/client/fake_server.h"

namespace bunch {

class FakeDaemon {
  public:
    /// Requests of the tenant "poor" are refused. With `faulty`, every tenth answer is a failure
    /// and every seventh is of another request.
    explicit FakeDaemon(const TemporaryFolder& folder, bool faulty = false) {
        const std::string data = folder.endpoint("data.sock");
        const std::string control = folder.endpoint("control.sock");
        pid_ = fork();
        if (pid_ == 0) serve(data, control, faulty);
    }
    FakeDaemon(const FakeDaemon&) = delete;
    FakeDaemon& operator=(const FakeDaemon&) = delete;
    ~FakeDaemon() {
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }

  private:
    [[noreturn]] static void serve(const std::string& data, const std::string& control,
                                   bool faulty) {
        FakeServer server(data);
        zmq::context_t context;
        zmq::socket_t calls(context, zmq::socket_type::rep);
        calls.bind(control);
        std::uint64_t served = 0;
        while (true) {
            answer_call(calls, served);
            auto request = server.receive(std::chrono::milliseconds(1));
            if (!request) continue;
            ++served;
            const auto& parameters = request->header.parameters();
            const auto tenant = parameters.find("tenant");
            if (tenant != parameters.end() && tenant->second.string_param() == "poor") {
                server.refuse(*request, "resource_exhausted", "the quota of 'poor' is used up");
                continue;
            }
            if (faulty && served % 10 == 0) {
                server.refuse(*request, "resource_exhausted", "on purpose");
                continue;
            }
            if (faulty && served % 7 == 0) request->frames[0][0] ^= 1;
            server.echo(*request);
        }
    }

    static void answer_call(zmq::socket_t& socket, std::uint64_t served) {
        zmq::message_t method;
        if (!socket.recv(method, zmq::recv_flags::dontwait)) return;
        zmq::message_t body;
        static_cast<void>(socket.recv(body));
        const ControlReply reply = reply_to(method.to_string(), body.to_string(), served);
        socket.send(zmq::buffer(reply.status), zmq::send_flags::sndmore);
        socket.send(zmq::buffer(reply.message), zmq::send_flags::sndmore);
        socket.send(zmq::buffer(reply.body), zmq::send_flags::none);
    }

    static ControlReply reply_to(const std::string& method, const std::string& body,
                                 std::uint64_t served) {
        if (method == "Status") return control_reply(status(served));
        if (method == "RepositoryIndex") return control_reply(index());
        inference::ModelMetadataRequest request;
        request.ParseFromString(body);
        if (method != "ModelMetadata" || request.name() != "echo")
            return control_failure(not_found("Request for unknown model '" + request.name() + "'"));
        return control_reply(metadata());
    }

    static inference::ModelMetadataResponse metadata() {
        inference::ModelMetadataResponse response;
        response.set_name("echo");
        response.add_versions("1");
        for (auto* tensor : {response.add_inputs(), response.add_outputs()}) {
            tensor->set_datatype("FP32");
            tensor->add_shape(-1);
            tensor->add_shape(2);
        }
        response.mutable_inputs(0)->set_name("x");
        response.mutable_outputs(0)->set_name("echo");
        return response;
    }

    static inference::RepositoryIndexResponse index() {
        inference::RepositoryIndexResponse response;
        auto* ready = response.add_models();
        ready->set_name("echo");
        ready->set_version("1");
        ready->set_state("READY");
        auto* loading = response.add_models();
        loading->set_name("big");
        loading->set_state("LOADING");
        loading->set_reason("reading weights");
        return response;
    }

    /// Counters grow with every request: half of the time is spent computing.
    static v1::StatusResponse status(std::uint64_t served) {
        v1::StatusResponse response;
        response.set_name("fake");
        response.set_version("0");
        response.set_ready(true);
        auto* device = response.add_devices();
        device->set_name("dev0");
        device->set_state("up");
        device->set_lane_seconds(static_cast<double>(served));
        device->set_compute_seconds(static_cast<double>(served) * 0.5);
        device->set_useful_seconds(static_cast<double>(served) * 0.25);
        auto* model = response.add_models();
        model->set_name("echo");
        model->set_version("1");
        model->set_state("ready");
        model->set_served(served);
        model->set_rows(served * 4);
        model->set_batches(served);
        return response;
    }

    pid_t pid_ = -1;
};

}  // namespace bunch
