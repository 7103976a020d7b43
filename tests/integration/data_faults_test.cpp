// A request whose data make a model fail: it alone is answered with that.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>

#include "tests/backends/graph/network_maker.h"
#include "tests/integration/daemon_process.h"
#include "tests/integration/raw_client.h"

namespace bunch {
namespace {

/// Rows of one number, which picks one of ten rows of a table.
std::string lookup_model() {
    test_network::NetworkMaker maker(1);
    const std::string index = maker.add("Cast", {maker.input({-1, 1})}, {{"to", std::int64_t{7}}});
    maker.network.inputs[0].name = "x";
    maker.network.operations[0].inputs = {"x"};
    maker.output(maker.add("Gather", {maker.constant({10, 4}), index}));
    return onnx_bytes(maker.network);
}

TEST(DataFaults, FailTheRequestWithTheWrongDataAndNoneOfAnotherClient) {
    constexpr int kRequests = 300;
    if (!DaemonProcess::has_runner("cpu")) GTEST_SKIP() << "the CPU runner is not built";
    DaemonProcess daemon(
        "[[device]]\nname = \"cpu0\"\nbackend = \"cpu\"\nlanes = 1\n"
        "[[model]]\nname = \"lookup\"\npath = \"lookup.onnx\"\nmax_batch_rows = 32\n");
    std::ofstream(daemon.folder() + "/lookup.onnx", std::ios::binary) << lookup_model();
    daemon.start_and_wait();
    RawClient good(daemon.data_endpoint()), bad(daemon.data_endpoint());
    constexpr int kWrong = 3;

    for (int i = 0; i < kRequests; ++i) {
        good.send(request_frames(request_header("lookup", {1, 1}, std::to_string(i)),
                                 {static_cast<float>(i % 10)}));
        if (i % 100 == 50) bad.send(request_frames(request_header("lookup", {1, 1}, "bad"), {99}));
    }

    std::map<std::string, int> statuses;
    for (int i = 0; i < kRequests; ++i) {
        const auto reply = good.receive();
        ASSERT_TRUE(reply);
        ++statuses[reply->status()];
    }
    EXPECT_EQ(statuses, (std::map<std::string, int>{{"ok", kRequests}}));
    for (int i = 0; i < kWrong; ++i) {
        const auto reply = bad.receive();
        ASSERT_TRUE(reply);
        EXPECT_EQ(reply->status(), "invalid_argument") << reply->message();
        EXPECT_NE(reply->message().find("99"), std::string::npos) << reply->message();
    }
    EXPECT_EQ(daemon.stop().code, 0);
}

}  // namespace
}  // namespace bunch
