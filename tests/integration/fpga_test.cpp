// FPGA cards in the real daemon: an emulated one beside a CPU that runs the model's twin, broken in
// every way while requests come. Nothing may be lost, answers are right or an honest error, and the
// card is used again once it is repaired.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <sstream>

#include "backends/xrt/emulation/arrangement.h"
#include "backends/xrt/emulation/model_folder.h"
#include "tests/integration/daemon_process.h"
#include "tests/integration/fpga_load.h"
#include "tests/integration/raw_client.h"

namespace bunch {
namespace {

using emulation::Board;
using testing::HasSubstr;

std::string facile_config(const Facile& model, const std::string& cpu = "cpu0",
                          const std::string& fpga_options = "{card = \"0\"}") {
    std::ostringstream text;
    text << "[restart]\nmax_pause = \"200ms\"\n"
         << "[[device]]\nname = \"fpga0\"\nbackend = \"xrt\"\nlanes = 2\noptions = " << fpga_options
         << '\n';
    if (!cpu.empty())
        text << "[[device]]\nname = \"" << cpu << "\"\nbackend = \"cpu\"\nlanes = 1\n";
    text << "[[model]]\nname = \"facile\"\nmax_batch_rows = 16\npath = \"" << model.manifest
         << "\"\ndevices = [\"fpga0\"]\n";
    if (!cpu.empty())
        text << "twin = {devices = [\"" << cpu << "\"], max_deviation = " << model.accepted
             << "}\n";
    return text.str();
}

/// One row; `timeout_us`: 0 for none.
std::vector<std::string> facile_request(const std::string& id = "1", std::int64_t timeout_us = 0) {
    auto header = request_header("facile", {1, kFacileWidth}, id);
    header.mutable_inputs(0)->set_name("input");
    if (timeout_us > 0) (*header.mutable_parameters())["timeout"].set_int64_param(timeout_us);
    return request_frames(header, std::vector<float>(kFacileWidth, 0.5F));
}

const bool kArranged = [] {
    emulation::arrange_cards(
        "[[card]]\nstate = \"card0.state\"\nlatency = \"100us\"\n"
        "[[card]]\nstate = \"card1.state\"\nload_time = \"50ms\"\n");
    return true;
}();

class Fpga : public testing::Test {
  protected:
    void SetUp() override {
        if (!DaemonProcess::has_runner("xrt") || !DaemonProcess::has_runner("cpu"))
            GTEST_SKIP() << "this build has no FPGA or no CPU runner";
        card().reset();
    }

    emulation::CardState& card() { return emulation::card_state("card0.state"); }
    emulation::CardFaults& faults() { return card().faults(); }

    void start() {
        daemon_.emplace(facile_config(model_));
        daemon_->start_and_wait();
        ASSERT_TRUE(daemon_->wait_for_metric("bunch_device_up{device=\"fpga0\"", 1));
        ASSERT_TRUE(daemon_->wait_for_metric("bunch_device_up{device=\"cpu0\"", 1));
        load_ = std::make_unique<Load>(daemon_->data_endpoint(), model_);
        ASSERT_TRUE(load_->wait_for("fpga", 100));
        ASSERT_TRUE(load_->wait_for("cpu", 20));
    }

    /// The daemon has seen the fault, and the CPU goes on.
    void expect_fault(const std::string& kind, const std::string& remedy) {
        EXPECT_TRUE(daemon_->wait_for_log("device_fault device=fpga0 kind=" + kind));
        EXPECT_THAT(daemon_->log(), HasSubstr(remedy));
        EXPECT_GE(daemon_->metric("bunch_device_faults_total{device=\"fpga0\",backend=\"xrt\","
                                  "kind=\"" +
                                  kind + "\"}"),
                  1);
        EXPECT_TRUE(load_->wait_for("cpu", 50));
    }

    void expect_back() {
        EXPECT_TRUE(daemon_->wait_for_metric("bunch_device_up{device=\"fpga0\"", 1));
        EXPECT_TRUE(load_->wait_for("fpga", 50)) << daemon_->http_get("/metrics");
    }

    /// Every request was answered once, every answer was right or an error, and the daemon has
    /// counted as many. `honest`: errors that are to be expected, beside deadlines that passed.
    void expect_nothing_lost(const std::string& honest = "") {
        counts_ = load_->stop();
        EXPECT_EQ(counts_.answered, counts_.sent);
        EXPECT_EQ(counts_.wrong, 0u);
        for (const auto& [status, count] : counts_.failures)
            EXPECT_TRUE(status == "deadline_exceeded" || status == honest)
                << count << " times " << status << ": " << counts_.failure;
        const auto sent = static_cast<double>(counts_.sent);
        EXPECT_TRUE(daemon_->wait_for_metric("bunch_requests_total{", sent));
        EXPECT_EQ(daemon_->metric("bunch_requests_total{"), sent);
        EXPECT_EQ(daemon_->stop().code, 0);
    }

    const Facile model_;
    std::optional<DaemonProcess> daemon_;
    std::unique_ptr<Load> load_;
    LoadCounts counts_;
};

TEST_F(Fpga, AndItsTwinServeTogetherAndSayWhichMadeAnAnswer) {
    start();

    EXPECT_TRUE(daemon_->wait_for_metric("bunch_device_clock_hertz{device=\"fpga0\"", 300e6));
    expect_nothing_lost();
}

TEST_F(Fpga, ThatHangsIsGivenUpAndUsedAgainAfterAReset) {
    start();
    faults().hanging_units = 0b01;

    expect_fault("hang", "did not end a call of");
    // Its process was killed with the call in it, so the driver refuses all work.
    EXPECT_TRUE(daemon_->wait_for_log("kind=dead"));
    EXPECT_THAT(daemon_->log(), HasSubstr("xbutil reset --device"));
    EXPECT_EQ(daemon_->metric("bunch_device_up{device=\"fpga0\""), 0);
    card().reset();

    expect_back();
    expect_nothing_lost();
}

TEST_F(Fpga, ThatTheDriverGaveUpIsUsedAgainAfterAReset) {
    start();
    faults().board = Board::dead;

    expect_fault("dead", "xbutil reset --device");
    EXPECT_TRUE(daemon_->wait_for_log("device_lost device=fpga0"));
    EXPECT_EQ(daemon_->metric("bunch_device_up{device=\"fpga0\""), 0);
    card().reset();

    expect_back();
    expect_nothing_lost();
}

TEST_F(Fpga, ThatFallsOffTheBusIsUsedAgainWhenItIsBack) {
    start();
    faults().board = Board::gone;

    expect_fault("gone", "lspci -d 10ee:");
    faults().board = Board::well;

    expect_back();
    expect_nothing_lost();
}

TEST_F(Fpga, ThatEndsACallInAnErrorGoesOn) {
    start();
    faults().failing_runs = 1;

    expect_fault("call_failed", "--report firewall");
    expect_back();
    EXPECT_EQ(daemon_->metric("bunch_runner_restarts_total{device=\"fpga0\""), 0);
    expect_nothing_lost("internal");  // a request that ran alone; others run again
}

TEST_F(Fpga, ThatEndsTheCallOfOneRequestInAnErrorSaysSo) {
    daemon_.emplace(facile_config(model_, ""));
    daemon_->start_and_wait();
    RawClient client(daemon_->data_endpoint());
    faults().failing_runs = 1;

    const RawReply reply = client.ask(facile_request());

    EXPECT_EQ(reply.status(), "internal");
    EXPECT_THAT(reply.message(), HasSubstr("in the state ERROR"));
    EXPECT_EQ(client.ask(facile_request()).status(), "ok");
    EXPECT_EQ(daemon_->stop().code, 0);
}

TEST_F(Fpga, ThatEndsEveryCallInAnErrorIsStartedAnew) {
    start();
    faults().failing_runs = 1000000;
    ASSERT_TRUE(daemon_->wait_for_metric("bunch_runner_restarts_total{device=\"fpga0\"", 1));
    faults().failing_runs = 0;

    expect_fault("call_failed", "calls before it");
    expect_back();
    expect_nothing_lost("internal");
}

TEST_F(Fpga, WhoseDesignCannotBeLoadedIsTriedAgainUntilItCan) {
    start();
    card().reset();  // the design is gone, too
    faults().failing_loads = 3;
    faults().board = Board::dead;
    ASSERT_TRUE(daemon_->wait_for_log("kind=dead"));
    faults().board = Board::well;

    expect_fault("load_failed", "bunch xclbin inspect");
    expect_back();
    expect_nothing_lost();
}

TEST_F(Fpga, WhoseMemoryIsFullIsUsedAgainOnceThereIsSome) {
    start();
    faults().taken_bytes = std::uint64_t{1} << 60;
    faults().board = Board::dead;  // what is there is held; a new runner needs its own
    ASSERT_TRUE(daemon_->wait_for_log("kind=dead"));
    faults().board = Board::well;

    expect_fault("memory_full", "lower max_rows");
    EXPECT_TRUE(daemon_->wait_for_log("model_refused model=facile version=1 device=fpga0"));
    faults().taken_bytes = 0;

    expect_back();
    expect_nothing_lost();
}

TEST_F(Fpga, ThatAnotherProcessUsesIsWaitedForAndThenGivenUpUntilItIsFree) {
    faults().busy_loads = 1000000;
    daemon_.emplace(facile_config(model_, "cpu0", "{card = \"0\", busy_timeout = \"200ms\"}"));
    daemon_->start_and_wait();
    load_ = std::make_unique<Load>(daemon_->data_endpoint(), model_);

    expect_fault("busy", "another process uses the card");
    faults().busy_loads = 0;

    expect_back();
    expect_nothing_lost();
}

TEST_F(Fpga, IsDrivenByOneDaemonAndTakenOverByTheNextWhenThatEnds) {
    daemon_.emplace(facile_config(model_));
    daemon_->start_and_wait();
    ASSERT_TRUE(daemon_->wait_for_metric("bunch_device_up{device=\"fpga0\"", 1));
    DaemonProcess second(facile_config(model_));
    second.start_and_wait();

    EXPECT_TRUE(second.wait_for_log("device_fault device=fpga0 kind=busy"));
    EXPECT_THAT(second.log(), HasSubstr("the card is in use by process"));
    EXPECT_EQ(daemon_->stop().code, 0);
    EXPECT_TRUE(second.wait_for_metric("bunch_device_up{device=\"fpga0\"", 1));
    EXPECT_EQ(second.stop().code, 0);
}

TEST_F(Fpga, ThatIsAloneLetsCallsEndHonestlyWhileItIsBroken) {
    daemon_.emplace(facile_config(model_, ""));
    daemon_->start_and_wait();
    RawClient client(daemon_->data_endpoint());
    ASSERT_EQ(client.ask(facile_request()).status(), "ok");
    faults().board = Board::dead;

    const RawReply reply = client.ask(facile_request("2", 500000));

    EXPECT_THAT(reply.status(), testing::AnyOf("unavailable", "deadline_exceeded"));
    EXPECT_TRUE(daemon_->wait_for_log("device_fault device=fpga0 kind=dead"));
    card().reset();
    EXPECT_TRUE(daemon_->wait_for_metric("bunch_device_up{device=\"fpga0\"", 1));
    EXPECT_EQ(client.ask(facile_request("3")).status(), "ok");
}

TEST_F(Fpga, HoldsOneDesignAtATimeAndIsReconfiguredForTheOther) {
    emulation::FpgaFolder first = emulation::copying_model("first");
    emulation::FpgaFolder second = emulation::copying_model("second");
    second.uuid = 2;
    const auto model = [](const std::string& name, const std::string& manifest) {
        return "[[model]]\nname = \"" + name + "\"\npath = \"" + manifest + "\"\n";
    };
    emulation::CardState& other = emulation::card_state("card1.state");
    other.reset();
    const std::uint64_t before = other.faults().loads;
    DaemonProcess daemon(
        "[[device]]\nname = \"fpga1\"\nbackend = \"xrt\"\noptions = {card = \"1\"}\n" +
        model("first", emulation::write_model(first, emulation::card_folder())) +
        model("second", emulation::write_model(second, emulation::card_folder())));
    daemon.start_and_wait();
    RawClient client(daemon.data_endpoint());

    for (const char* name : {"first", "second", "first", "second"}) {
        auto header = request_header(name, {2, 16});
        std::vector<float> rows(32, 1.5F);
        const RawReply reply = client.ask(request_frames(header, rows));
        ASSERT_EQ(reply.status(), "ok") << reply.message() << daemon.log();
        EXPECT_EQ(reply.floats(0), rows);
    }

    EXPECT_GE(other.faults().loads - before, 4u);
    EXPECT_EQ(daemon.stop().code, 0);
}

}  // namespace
}  // namespace bunch
