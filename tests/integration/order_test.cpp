// What a client may rely on when its requests run on several lanes.
#include <gtest/gtest.h>

#include <string>

#include "tests/integration/daemon_process.h"
#include "tests/integration/raw_client.h"

namespace bunch {
namespace {

TEST(ClientOrder, IsKeptOverLanesOfUnequalSpeedWhereTheModelSaysSo) {
    constexpr int kRequests = 300;
    DaemonProcess daemon(
        "[[device]]\nname = \"sim0\"\nbackend = \"simulated\"\nlanes = 4\n"
        "options = {fixed = \"500us\", noise = 1.0}\n"
        "[[model]]\nname = \"echo\"\nkeep_client_order = true\nmax_batch_rows = 4\n"
        "inputs = [{ name = \"x\", type = \"FP32\", shape = [-1, 4] }]\n"
        "outputs = [{ name = \"echo\", type = \"FP32\", shape = [-1, 4] }]\n");
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());

    for (int i = 0; i < kRequests; ++i)
        client.send(
            request_frames(request_header("echo", {1, 4}, std::to_string(i)), {1, 2, 3, 4}));

    for (int i = 0; i < kRequests; ++i) {
        const auto reply = client.receive();
        ASSERT_TRUE(reply);
        ASSERT_EQ(reply->status(), "ok") << reply->message();
        ASSERT_EQ(reply->header.id(), std::to_string(i));
    }
}

}  // namespace
}  // namespace bunch
