// FPGA cards in the real daemon: an emulated one beside a CPU that runs the model's twin, broken in
// every way while requests come. Nothing may be lost, answers are right or an honest error, and the
// card is used again once it is repaired.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <thread>

#include "backends/xrt/emulation/arrangement.h"
#include "backends/xrt/emulation/model_folder.h"
#include "tests/integration/daemon_process.h"
#include "tests/integration/raw_client.h"
#include "zoo/fpga/fpga_models.h"

namespace bunch {
namespace {

using emulation::Board;
using testing::HasSubstr;

constexpr std::int64_t kRows = 8;
constexpr std::int64_t kWidth = 18;
constexpr int kWindow = 32;

/// The model of all tests, with a time limit that no call reaches on a busy machine, and no test
/// has to wait for long.
struct Facile {
    Facile() {
        const auto written =
            write_fpga_zoo_model("facile_fpga", emulation::card_folder() + "/facile", {.units = 2});
        EXPECT_TRUE(written.ok()) << written.status().to_string();
        manifest = written->manifest;
        accepted = written->max_deviation;
        std::stringstream text;
        text << std::ifstream(manifest).rdbuf();
        std::string lines = text.str();
        lines.replace(lines.find("\"5s\""), 4, "\"2s\"");
        std::ofstream(manifest) << lines;
    }
    const DenseNetwork network = fpga_zoo_network("facile_fpga", 1);
    std::string manifest;
    double accepted = 0;
};

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

/// Requests without a pause, from a thread of its own, each answer compared with what the network
/// makes of its rows.
class Load {
  public:
    Load(const std::string& endpoint, const Facile& model)
        : endpoint_(endpoint), model_(model), thread_([this] { run(); }) {}
    ~Load() { stop(); }
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;

    /// Ends it once every request has been answered.
    void stop() {
        stopping_ = true;
        if (thread_.joinable()) thread_.join();
    }

    /// Waits until `more` further answers have come from devices of that class; at most a minute.
    bool wait_for(const std::string& device_class, std::uint64_t more) {
        std::atomic<std::uint64_t>& count = device_class == "cpu" ? from_cpu_ : from_fpga_;
        const std::uint64_t wanted = count + more;
        const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(1);
        while (count < wanted && std::chrono::steady_clock::now() < give_up)
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        return count >= wanted;
    }

    // After stop().
    std::uint64_t sent() const { return sent_; }
    std::uint64_t answered() const { return answered_; }
    std::uint64_t wrong() const { return wrong_; }
    const std::map<std::string, std::uint64_t>& failures() const { return failures_; }
    const std::string& failure() const { return failure_; }

  private:
    void run() {
        RawClient client(endpoint_);
        std::map<std::string, std::vector<float>> open;
        while (!stopping_ || !open.empty()) {
            while (!stopping_ && open.size() < kWindow) ask(client, open);
            const auto reply = client.receive();
            if (!reply) break;  // lost
            take(*reply, open);
        }
    }

    void ask(RawClient& client, std::map<std::string, std::vector<float>>& open) {
        std::vector<float> rows(kRows * kWidth);
        for (float& number : rows) number = normal_(random_);
        const std::string id = std::to_string(sent_++);
        auto header = request_header("facile", {kRows, kWidth}, id);
        header.mutable_inputs(0)->set_name("input");
        client.send(request_frames(header, rows));
        open[id] = std::move(rows);
    }

    void take(const RawReply& reply, std::map<std::string, std::vector<float>>& open) {
        const auto asked = open.find(reply.header.id());
        if (asked == open.end()) {
            ++wrong_;
            return;
        }
        ++answered_;
        if (reply.status() != "ok") {
            ++failures_[reply.status()];
            failure_ = reply.message();
        } else {
            check(reply, asked->second);
        }
        open.erase(asked);
    }

    void check(const RawReply& reply, const std::vector<float>& rows) {
        const std::vector<float> values = reply.floats(0);
        for (std::size_t i = 0; i < kRows; ++i) {
            const float want =
                bunch::run(model_.network, std::span(rows).subspan(i * kWidth, kWidth)).front();
            if (values.size() != kRows || !(std::abs(values[i] - want) <= model_.accepted))
                ++wrong_;
        }
        const auto parameter = [&reply](const char* name) {
            return reply.header.parameters().at(name).string_param();
        };
        const std::string made_by = parameter("device_class");
        const bool on_cpu = made_by.find("cpu") != std::string::npos;
        const bool on_fpga = made_by.find("fpga-") != std::string::npos;
        // Its rows may have run on both.
        const std::string precision = parameter("precision");
        if (on_cpu != (precision.find("f32") != std::string::npos)) ++wrong_;
        if (on_fpga != (precision.find("ap_fixed<16,6") != std::string::npos)) ++wrong_;
        from_cpu_ += on_cpu ? 1 : 0;
        from_fpga_ += on_fpga ? 1 : 0;
    }

    const std::string endpoint_;
    const Facile& model_;
    std::atomic<bool> stopping_{false};
    std::atomic<std::uint64_t> from_cpu_{0};
    std::atomic<std::uint64_t> from_fpga_{0};
    std::uint64_t sent_ = 0;
    std::uint64_t answered_ = 0;
    std::uint64_t wrong_ = 0;
    std::map<std::string, std::uint64_t> failures_;
    std::string failure_;
    std::mt19937 random_{7};
    std::normal_distribution<float> normal_;
    std::thread thread_;
};

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
        EXPECT_TRUE(load_->wait_for("cpu", 200));
    }

    void expect_back() {
        EXPECT_TRUE(daemon_->wait_for_metric("bunch_device_up{device=\"fpga0\"", 1));
        EXPECT_TRUE(load_->wait_for("fpga", 200));
    }

    /// Every request was answered, and every answer was right.
    void expect_nothing_lost() {
        load_->stop();
        EXPECT_EQ(load_->answered(), load_->sent());
        EXPECT_EQ(load_->wrong(), 0u);
        EXPECT_EQ(daemon_->stop().code, 0);
    }

    std::uint64_t failures() const {
        std::uint64_t all = 0;
        for (const auto& [status, count] : load_->failures()) all += count;
        return all;
    }

    const Facile model_;
    std::optional<DaemonProcess> daemon_;
    std::unique_ptr<Load> load_;
};

TEST_F(Fpga, AndItsTwinServeTogetherAndSayWhichMadeAnAnswer) {
    start();

    expect_nothing_lost();
    EXPECT_EQ(failures(), 0u) << load_->failure();
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
    EXPECT_EQ(failures(), 0u) << load_->failure();
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
    EXPECT_EQ(failures(), 0u) << load_->failure();
}

TEST_F(Fpga, ThatFallsOffTheBusIsUsedAgainWhenItIsBack) {
    start();
    faults().board = Board::gone;

    expect_fault("gone", "lspci -d 10ee:");
    faults().board = Board::well;

    expect_back();
    expect_nothing_lost();
    EXPECT_EQ(failures(), 0u) << load_->failure();
}

TEST_F(Fpga, ThatEndsACallInAnErrorSaysSoToItsCallersAndGoesOn) {
    start();
    faults().failing_runs = 1;

    expect_fault("call_failed", "--report firewall");
    expect_back();
    expect_nothing_lost();
    EXPECT_GT(failures(), 0u);
    EXPECT_EQ(load_->failures().count("internal"), 1u);
    EXPECT_EQ(load_->failures().size(), 1u);
    EXPECT_THAT(load_->failure(), HasSubstr("in the state ERROR"));
    EXPECT_EQ(daemon_->metric("bunch_runner_restarts_total{device=\"fpga0\""), 0);
}

TEST_F(Fpga, ThatEndsEveryCallInAnErrorIsStartedAnew) {
    start();
    faults().failing_runs = 1000000;
    ASSERT_TRUE(daemon_->wait_for_metric("bunch_runner_restarts_total{device=\"fpga0\"", 1));
    faults().failing_runs = 0;

    expect_fault("call_failed", "calls before it");
    expect_back();
    expect_nothing_lost();
    for (const auto& [status, count] : load_->failures()) EXPECT_EQ(status, "internal") << count;
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
    EXPECT_EQ(failures(), 0u) << load_->failure();
}

TEST_F(Fpga, WithoutMemoryForTheModelIsLeftOutWithARemedy) {
    faults().taken_bytes = std::uint64_t{1} << 60;
    daemon_.emplace(facile_config(model_));
    daemon_->start_and_wait();
    load_ = std::make_unique<Load>(daemon_->data_endpoint(), model_);

    expect_fault("memory_full", "lower max_rows");
    EXPECT_TRUE(daemon_->wait_for_log("model_refused model=facile version=1 device=fpga0"));
    expect_nothing_lost();
    EXPECT_EQ(failures(), 0u) << load_->failure();
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
    EXPECT_EQ(failures(), 0u) << load_->failure();
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
    auto header = request_header("facile", {1, kWidth});
    header.mutable_inputs(0)->set_name("input");
    const auto frames = request_frames(header, std::vector<float>(kWidth, 0.5F));
    ASSERT_EQ(client.ask(frames).status(), "ok");
    faults().board = Board::dead;
    header.set_id("2");
    (*header.mutable_parameters())["timeout"].set_int64_param(500000);

    const RawReply reply = client.ask(request_frames(header, std::vector<float>(kWidth, 0.5F)));

    EXPECT_THAT(reply.status(), testing::AnyOf("unavailable", "deadline_exceeded"));
    int code = 0;
    EXPECT_THAT(daemon_->http_get("/readyz", &code), HasSubstr("fpga0"));
    EXPECT_EQ(code, 503);
    card().reset();
    EXPECT_TRUE(daemon_->wait_for_metric("bunch_device_up{device=\"fpga0\"", 1));
    EXPECT_EQ(client.ask(frames).status(), "ok");
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
