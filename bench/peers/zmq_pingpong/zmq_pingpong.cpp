// The floor under the latency of bunchd: two processes that throw a message of two frames to and
// fro over ipc, with nothing behind them but ZeroMQ. One message is open at a time.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <zmq.hpp>

#include "cli/bench_histogram.h"
#include "core/time.h"

namespace {

struct Options {
    std::uint64_t count = 20000;
    std::size_t header_bytes = 57;  // of a small request to bunchd
    std::size_t body_bytes = 20;    // five FP32
    bool json = false;
};

/// Sends every message back where it came from, for ever.
[[noreturn]] void serve(const std::string& endpoint) {
    zmq::context_t context;
    zmq::socket_t socket(context, zmq::socket_type::router);
    socket.bind(endpoint);
    while (true) {
        zmq::message_t frame;
        bool more = true;
        while (more) {
            static_cast<void>(socket.recv(frame));
            more = frame.more();
            socket.send(frame, more ? zmq::send_flags::sndmore : zmq::send_flags::none);
        }
    }
}

void round_trip(zmq::socket_t& socket, const std::string& header, const std::string& body) {
    socket.send(zmq::buffer(header), zmq::send_flags::sndmore);
    socket.send(zmq::buffer(body), zmq::send_flags::none);
    zmq::message_t frame;
    do {
        static_cast<void>(socket.recv(frame));
    } while (frame.more());
}

bunch::LatencyHistogram measure(const Options& options, const std::string& endpoint) {
    zmq::context_t context;
    zmq::socket_t socket(context, zmq::socket_type::dealer);
    socket.set(zmq::sockopt::linger, 0);
    socket.connect(endpoint);
    const std::string header(options.header_bytes, 'h');
    const std::string body(options.body_bytes, 'b');
    for (std::uint64_t i = 0; i < options.count / 10; ++i) round_trip(socket, header, body);
    bunch::LatencyHistogram latencies;
    for (std::uint64_t i = 0; i < options.count; ++i) {
        const bunch::TimePoint begin = bunch::now();
        round_trip(socket, header, body);
        latencies.add(bunch::now() - begin);
    }
    return latencies;
}

void report(const Options& options, const bunch::LatencyHistogram& latencies) {
    const auto seconds = [&](double fraction) {
        return bunch::to_seconds(latencies.quantile(fraction));
    };
    if (options.json) {
        const nlohmann::json object = {{"latency_seconds",
                                        {{"p50", seconds(0.5)},
                                         {"p90", seconds(0.9)},
                                         {"p99", seconds(0.99)},
                                         {"max", bunch::to_seconds(latencies.max())}}}};
        std::cout << object.dump(2) << '\n';
        return;
    }
    std::printf("ZeroMQ ipc round trip of %zu + %zu bytes: p50 %.1f us  p90 %.1f us  p99 %.1f us\n",
                options.header_bytes, options.body_bytes, seconds(0.5) * 1e6, seconds(0.9) * 1e6,
                seconds(0.99) * 1e6);
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    CLI::App app("Round trip time of ZeroMQ over ipc, alone", "zmq_pingpong");
    app.add_option("--count", options.count, "Round trips to measure")->capture_default_str();
    app.add_option("--header", options.header_bytes, "Bytes of the first frame")
        ->capture_default_str();
    app.add_option("--body", options.body_bytes, "Bytes of the second frame")
        ->capture_default_str();
    app.add_flag("--json", options.json, "Print JSON");
    CLI11_PARSE(app, argc, argv);

    std::string folder = (std::filesystem::temp_directory_path() / "pingpong-XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr) {
        std::perror("cannot make a temporary folder");
        return 1;
    }
    const std::string endpoint = "ipc://" + folder + "/socket";
    const pid_t server = fork();
    if (server < 0) {
        std::perror("cannot start the server");
        return 1;
    }
    if (server == 0) serve(endpoint);
    report(options, measure(options, endpoint));
    kill(server, SIGKILL);
    waitpid(server, nullptr, 0);
    std::filesystem::remove_all(folder);
    return 0;
}
