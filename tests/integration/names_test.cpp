// A model whose open extents have names on one of its devices and none on another.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/backends/graph/network_maker.h"
#include "tests/integration/daemon_process.h"

namespace bunch {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

class NamedExtents : public testing::Test {
  protected:
    void SetUp() override {
        if (!DaemonProcess::has_runner("cpu")) GTEST_SKIP() << "the CPU runner is not built";
        maker_.output(maker_.add("Relu", {maker_.input({-1, -1})}));
    }

    /// The file, which the CPU runs, calls the second extent L; the simulated device goes by the
    /// configuration, which calls it `extent`.
    std::string config(const std::string& extent, const std::string& more_of_model = "") const {
        const auto tensor = [&](const std::string& name) {
            return "[{ name = \"" + name + "\", type = \"FP32\", shape = [-1, " + extent + "] }]\n";
        };
        return "[[device]]\nname = \"cpu0\"\nbackend = \"cpu\"\nlanes = 1\n"
               "[[device]]\nname = \"sim0\"\nbackend = \"simulated\"\n"
               "[[model]]\nname = \"net\"\npath = \"net.onnx\"\n" +
               more_of_model + "inputs = " + tensor(maker_.network.inputs[0].name) +
               "outputs = " + tensor(maker_.network.outputs[0]);
    }

    void start(DaemonProcess& daemon) const {
        std::ofstream(daemon.folder() + "/net.onnx", std::ios::binary)
            << onnx_bytes(maker_.network);
        daemon.start();
    }

    test_network::NetworkMaker maker_{1};
};

TEST_F(NamedExtents, ServeTheModelOnBothDevices) {
    for (const std::string extent : {"-1", "\"M\""}) {
        DaemonProcess daemon(config(extent));
        start(daemon);

        for (const std::string device : {"cpu0", "sim0"})
            EXPECT_TRUE(daemon.wait_for_log("model_ready model=net version=1 device=" + device));

        EXPECT_THAT(daemon.log(), Not(HasSubstr("model_refused")));
    }
}

// Whichever loads it first: the other cannot be padded by that name.
TEST_F(NamedExtents, MustHaveTheNameThatPaddingGoesBy) {
    DaemonProcess daemon(config("\"M\"", "padding = [{dimension = \"L\", buckets = [8]}]\n"));
    start(daemon);

    EXPECT_TRUE(daemon.wait_for_log("model_refused model=net version=1 device=sim0"));
    EXPECT_TRUE(daemon.wait_for_log("model_ready model=net version=1 device=cpu0"));
    EXPECT_THAT(daemon.log(), AnyOf(HasSubstr("no input has an open extent called 'L'"),
                                    HasSubstr("FP32 [-1,M] here, 'v0' FP32 [-1,L] there")));
}

}  // namespace
}  // namespace bunch
