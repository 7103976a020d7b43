// A reconfigurable card that holds one image at a time, simulated: two models take turns on it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <string>

#include "tests/integration/daemon_process.h"
#include "tests/integration/raw_client.h"

namespace bunch {
namespace {

using testing::HasSubstr;

std::string card_with(const std::string& more_options) {
    std::string config =
        "[[device]]\nname = \"card\"\nbackend = \"simulated\"\n"
        "options = {fixed = \"100us\", load_time = \"20ms\", \"a.image\" = \"one\", "
        "\"b.image\" = \"two\"" +
        more_options + "}\n";
    for (const char* model : {"a", "b"})
        config += "[[model]]\nname = \"" + std::string(model) +
                  "\"\ninputs = [{ name = \"x\", type = \"FP32\", shape = [-1, 4] }]\n"
                  "outputs = [{ name = \"echo\", type = \"FP32\", shape = [-1, 4] }]\n";
    return config;
}

std::vector<std::string> request(const std::string& model, const std::string& id) {
    return request_frames(request_header(model, {1, 4}, id), {1, 2, 3, 4});
}

TEST(Images, AreLoadedForModelsThatHaveWork) {
    DaemonProcess daemon(card_with(""));
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());

    EXPECT_EQ(client.ask(request("a", "1")).status(), "ok");
    EXPECT_EQ(daemon.metric("bunch_device_image_loads_total"), 0);
    EXPECT_EQ(client.ask(request("b", "2")).status(), "ok");
    EXPECT_EQ(daemon.metric("bunch_device_image_loads_total"), 1);
    EXPECT_EQ(client.ask(request("a", "3")).status(), "ok");

    EXPECT_EQ(daemon.metric("bunch_device_image_loads_total"), 2);
    EXPECT_THAT(daemon.log(), HasSubstr("image_loaded device=card model=b"));
}

TEST(Images, AreSwappedWithoutLosingARequest) {
    constexpr int kRequests = 2000;
    DaemonProcess daemon(card_with(""));
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());

    for (int i = 0; i < kRequests; ++i)
        client.send(request(i % 3 == 0 ? "b" : "a", std::to_string(i)));

    for (int i = 0; i < kRequests; ++i) {
        const auto reply = client.receive();
        ASSERT_TRUE(reply);
        ASSERT_EQ(reply->status(), "ok") << reply->message();
        ASSERT_EQ(reply->header.model_name(), std::stoi(reply->header.id()) % 3 == 0 ? "b" : "a");
    }
    EXPECT_GE(daemon.metric("bunch_device_image_loads_total"), 1);
    EXPECT_LE(daemon.metric("bunch_device_image_loads_total"), 100);
}

TEST(Images, AreAsTheNextRunnerFindsThemAfterALoss) {
    DaemonProcess daemon(card_with(""));
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());
    EXPECT_EQ(client.ask(request("b", "1")).status(), "ok");

    for (const pid_t runner : daemon.runners("simulated")) ::kill(runner, SIGKILL);

    EXPECT_EQ(client.ask(request("b", "2")).status(), "ok");
    EXPECT_EQ(client.ask(request("a", "3")).status(), "ok");
}

TEST(Images, ThatCannotBeLoadedMakeTheirModelUnavailableAndNoOther) {
    DaemonProcess daemon(card_with(", \"b.broken\" = true"));
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());
    EXPECT_EQ(client.ask(request("a", "1")).status(), "ok");

    EXPECT_EQ(client.ask(request("b", "2")).status(), "unavailable");

    EXPECT_EQ(client.ask(request("a", "3")).status(), "ok");
    EXPECT_THAT(daemon.log(), HasSubstr("model_refused model=b"));
    EXPECT_THAT(daemon.log(), HasSubstr("the image 'two' is broken"));
}

}  // namespace
}  // namespace bunch
