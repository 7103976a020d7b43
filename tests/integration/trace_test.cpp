// A trace of the real daemon, fetched as an operator does, plays to the same decisions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "bench/replay/check.h"
#include "cli/run.h"
#include "tests/integration/daemon_process.h"
#include "tests/integration/raw_client.h"

namespace bunch {
namespace {

using testing::HasSubstr;

struct Ran {
    int code = -1;
    std::string out, error;
};

Ran bunch_trace(const DaemonProcess& daemon, const std::string& file) {
    const std::string endpoint = daemon.data_endpoint();
    const std::vector<const char*> argv = {"bunch", "trace", file.c_str(), "--endpoint",
                                           endpoint.c_str()};
    std::ostringstream out, error;
    Ran ran;
    ran.code = run(static_cast<int>(argv.size()), argv.data(), {out, error});
    ran.out = out.str();
    ran.error = error.str();
    return ran;
}

Result<trace::File> read_trace(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    return trace::parse_file(std::as_bytes(std::span(bytes)));
}

/// `count` requests of one to three rows, a third of them with deadlines that may pass.
void serve(RawClient& client, int count) {
    for (int i = 0; i < count; ++i) {
        auto header = request_header("echo", {1 + i % 3, 4}, std::to_string(i));
        if (i % 3 == 0) (*header.mutable_parameters())["timeout"].set_int64_param(2000);
        client.send(
            request_frames(header, std::vector<float>(static_cast<std::size_t>(1 + i % 3) * 4)));
    }
    for (int i = 0; i < count; ++i) ASSERT_TRUE(client.receive());
}

TEST(TraceOfADaemon, PlaysToTheSameDecisions) {
    DaemonProcess daemon(echo_config("1ms", "50us", "max_batch_rows = 8"));
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());
    serve(client, 1000);
    const std::string path = daemon.folder() + "/trace";

    const Ran ran = bunch_trace(daemon, path);
    ASSERT_EQ(ran.code, 0) << ran.error;
    const auto file = read_trace(path);
    ASSERT_TRUE(file.ok()) << file.status().to_string();
    const auto check = replay::check_decisions(*file);

    EXPECT_THAT(ran.out, HasSubstr("all since the daemon's start"));
    ASSERT_TRUE(check.ok()) << check.status().to_string();
    EXPECT_FALSE(check->difference) << "event " << check->difference->event << ":\n"
                                    << check->difference->decisions;
    EXPECT_GT(check->decisions, 100u);
    EXPECT_GT(check->events, 1000u);
}

TEST(TraceOfADaemon, SaysHowMuchOfItWasOverwritten) {
    DaemonProcess daemon("[trace]\nevents = 16384\n" + echo_config());
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());
    while (daemon.metric("bunch_rows_total") < 60000) serve(client, 2000);
    const std::string path = daemon.folder() + "/trace";

    const Ran ran = bunch_trace(daemon, path);

    ASSERT_EQ(ran.code, 0) << ran.error;
    EXPECT_THAT(ran.out, HasSubstr("earlier events were overwritten"));
    const auto check = replay::check_decisions(*read_trace(path));
    EXPECT_EQ(check.status().code(), StatusCode::failed_precondition);
    EXPECT_THAT(check.status().message(), HasSubstr("raise trace.events"));
}

TEST(TraceOfADaemon, IsRefusedWhereNothingIsRecorded) {
    DaemonProcess daemon("[trace]\nevents = 0\n" + echo_config());
    daemon.start_and_wait();
    const std::string path = daemon.folder() + "/trace";

    const Ran ran = bunch_trace(daemon, path);

    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.error, HasSubstr("set events of [trace]"));
    EXPECT_FALSE(std::ifstream(path + ".part"));
    EXPECT_FALSE(std::ifstream(path));
}

TEST(TraceOfADaemon, NeedsAPlaceForItsFile) {
    DaemonProcess daemon(echo_config());
    daemon.start_and_wait();

    const Ran ran = bunch_trace(daemon, daemon.folder() + "/no/such/folder/trace");

    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.error, HasSubstr("cannot write"));
}

}  // namespace
}  // namespace bunch
