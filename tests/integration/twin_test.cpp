// An FPGA model and its twin in floating point: an emulated card and the CPU serve one model
// together.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>
#include <string>

#include "backends/xrt/emulation/arrangement.h"
#include "tests/integration/daemon_process.h"
#include "tests/integration/raw_client.h"
#include "zoo/fpga/fpga_models.h"
#include "zoo/random.h"

namespace bunch {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr std::uint64_t kSeed = 3;
constexpr int kRequests = 300;
constexpr int kRows = 200;
constexpr int kInputs = 18;

class Twin : public testing::Test {
  protected:
    void SetUp() override {
        emulation::arrange_cards("[[card]]\nname = \"emulated\"\nstate = \"card.state\"\n");
        const auto written = write_fpga_zoo_model(
            "facile_fpga", emulation::card_folder() + "/model", {.seed = kSeed});
        ASSERT_TRUE(written.ok()) << written.status().message();
        model_ = *written;
    }

    /// The model on a card, and its twin on the CPU for whoever accepts `deviation`.
    std::string config(double deviation, const std::string& more = "") const {
        return fmt::format(
            "[[device]]\nname = \"card\"\nbackend = \"xrt\"\noptions = {{device_class = "
            "\"fpga\"}}\n"
            "[[device]]\nname = \"cpu\"\nbackend = \"cpu\"\n"
            "[[model]]\nname = \"facile\"\npath = \"{}\"\ndevices = [\"card\"]\n"
            "twin = {{devices = [\"cpu\"], max_deviation = {}}}\nmax_batch_rows = 400\n{}",
            model_.manifest, deviation, more);
    }

    static std::vector<float> rows_of(int request) {
        Random random(kSeed * 1000 + static_cast<std::uint64_t>(request));
        std::vector<float> rows(kRows * kInputs);
        for (float& number : rows) number = static_cast<float>(random.normal());
        return rows;
    }

    /// Largest difference of the answer to what the network gives in floating point.
    double deviation(int request, const std::vector<float>& answer) const {
        const std::vector<float> rows = rows_of(request);
        double largest = 0;
        for (std::size_t row = 0; row < kRows; ++row) {
            const auto input = std::span(rows).subspan(row * kInputs, kInputs);
            largest = std::max(largest, double{std::abs(answer[row] - run(network_, input)[0])});
        }
        return largest;
    }

    FpgaZooResult model_;
    DenseNetwork network_ = fpga_zoo_network("facile_fpga", kSeed);
};

inference::ModelInferRequest header_of(int request) {
    auto header = request_header("facile", {kRows, kInputs}, std::to_string(request));
    header.mutable_inputs(0)->set_name("input");
    return header;
}

TEST_F(Twin, SharesTheWorkWithTheCardAndEveryAnswerSaysWhoMadeIt) {
    DaemonProcess daemon(config(model_.max_deviation));
    daemon.start_and_wait();
    ASSERT_TRUE(daemon.wait_for_log("device=card max_batch_rows"));
    ASSERT_TRUE(daemon.wait_for_log("device=cpu max_batch_rows"));
    RawClient client(daemon.data_endpoint());

    for (int i = 0; i < kRequests; ++i) client.send(request_frames(header_of(i), rows_of(i)));

    std::map<std::string, double> largest;  // by what made the answer
    for (int i = 0; i < kRequests; ++i) {
        const auto reply = client.receive();
        ASSERT_TRUE(reply);
        ASSERT_EQ(reply->status(), "ok") << reply->message();
        const auto& said = reply->header.parameters();
        double& far = largest[said.at("device_class").string_param() + " " +
                              said.at("precision").string_param()];
        far = std::max(far, deviation(std::stoi(reply->header.id()), reply->floats(0)));
    }
    // A request may be cut, so that both had a part in its answer.
    bool card_was_named = false;
    for (const auto& [made_by, far] : largest) {
        if (made_by == "cpu f32") {
            EXPECT_LT(far, 1e-5);
            continue;
        }
        EXPECT_THAT(made_by, AllOf(HasSubstr("fpga"), HasSubstr("ap_fixed<16,6>")));
        EXPECT_GT(far, 1e-5) << made_by;
        EXPECT_LE(far, model_.max_deviation) << made_by;
        card_was_named = true;
    }
    EXPECT_TRUE(card_was_named);
    EXPECT_EQ(largest.count("cpu f32"), 1U) << testing::PrintToString(largest);
    for (const char* device : {"card", "cpu"}) {
        const std::string batches = fmt::format(
            "bunch_batch_rows_count{{model=\"facile\",version=\"1\",device=\"{}\"", device);
        EXPECT_TRUE(daemon.wait_for_metric(batches, 1)) << device;
    }
}

TEST_F(Twin, IsNotStartedWhenItDeviatesFurtherThanIsAccepted) {
    DaemonProcess daemon(config(model_.max_deviation / 2));

    daemon.start();

    EXPECT_EQ(daemon.wait().code, 78);
    EXPECT_THAT(daemon.log(), HasSubstr("max_deviation is above what is accepted"));
}

TEST_F(Twin, LeavesARequestToOneClassOfDeviceWhereTheModelAsksForThat) {
    DaemonProcess daemon(config(model_.max_deviation, "numerics = \"same_class\"\n"));
    daemon.start_and_wait();
    ASSERT_TRUE(daemon.wait_for_log("device=card max_batch_rows"));
    RawClient client(daemon.data_endpoint());

    for (int i = 0; i < kRequests; ++i) client.send(request_frames(header_of(i), rows_of(i)));

    std::set<std::string> classes;
    for (int i = 0; i < kRequests; ++i) {
        const auto reply = client.receive();
        ASSERT_TRUE(reply);
        ASSERT_EQ(reply->status(), "ok") << reply->message();
        classes.insert(reply->header.parameters().at("device_class").string_param());
    }
    EXPECT_EQ(classes.size(), 1U) << testing::PrintToString(classes);
}

}  // namespace
}  // namespace bunch
