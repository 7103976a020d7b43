// Compressed muon networks through the running daemon: on an emulated FPGA card, by its C++ model
// and by RTL under Verilator, and on the CPU. Every bit must be that of the integers.
//
// BUNCH_MUON_VECTORS: how many, for each (default 4000). BUNCH_MUON_NETWORKS: a folder with
// recalibration.onnx and pair.onnx to serve in place of networks with random weights.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <future>
#include <set>
#include <string>
#include <vector>

#include "backends/xrt/emulation/arrangement.h"
#include "client/client.h"
#include "muon/kernel_folder.h"
#include "muon/quantised/onnx_file.h"
#include "muon/rtl/verify.h"
#include "muon/sample_file.h"
#include "muon/vectors.h"
#include "tests/integration/daemon_process.h"
#include "tests/muon/kernel/test_kernels.h"

namespace bunch {
namespace {

namespace fs = std::filesystem;
using muon::Encoding;
using muon::IntegerNetwork;
using muon::Task;
using testing::HasSubstr;

constexpr std::uint64_t kSeed = 11;
constexpr std::size_t kMostRows = 1000;  // of a request
constexpr std::size_t kMostOpen = 16;    // requests
constexpr int kMostRounds = 20;          // until the scheduler has used both devices

std::string setting(const char* name, const std::string& otherwise) {
    const char* const value = std::getenv(name);
    return value == nullptr ? otherwise : value;
}

struct Served {
    Task task;
    bool rtl;
};

class ServedMuon : public testing::TestWithParam<Served> {
  protected:
    void SetUp() override {
        if (!DaemonProcess::has_runner("xrt") || !DaemonProcess::has_runner("cpu"))
            GTEST_SKIP() << "this build has no FPGA or no CPU runner";
        if (rtl() && !muon::has_program("verilator")) GTEST_SKIP() << "verilator is missing";
        emulation::arrange_cards("[[card]]\nname = \"emulated\"\nstate = \"card.state\"\n");
        const std::string networks = setting("BUNCH_MUON_NETWORKS", "");
        if (networks.empty()) {
            network_ = muon::kernel_network(task());
            fs::copy(BUNCH_TEST_KERNELS "/" + muon::kernel_name(task(), rtl()), folder_,
                     fs::copy_options::recursive);
            return;
        }
        auto network = muon::read_onnx(networks + "/" + std::string(name_of(task())) + ".onnx");
        ASSERT_TRUE(network.ok()) << network.status().message();
        network_ = *network;
        const auto written = muon::write_kernel_folder(folder_, network_, {.rtl = rtl()});
        ASSERT_TRUE(written.ok()) << written.status().message();
    }
    void TearDown() override { fs::remove_all(folder_); }

    static Task task() { return GetParam().task; }
    static bool rtl() { return GetParam().rtl; }
    static std::size_t vectors() { return std::stoul(setting("BUNCH_MUON_VECTORS", "4000")); }

    /// "card" on the emulated card alone, "cpu" on the CPU alone, "both" on either.
    std::string config() const {
        return fmt::format(
            "[[device]]\nname = \"card\"\nbackend = \"xrt\"\n"
            "options = {{device_class = \"fpga\"}}\n"
            "[[device]]\nname = \"cpu\"\nbackend = \"cpu\"\n"
            "[[model]]\nname = \"card\"\npath = \"{0}/muon.toml\"\ndevices = [\"card\"]\n"
            "max_batch_rows = 1024\n"
            "[[model]]\nname = \"cpu\"\npath = \"{0}/muon.onnx\"\ndevices = [\"cpu\"]\n"
            "max_batch_rows = 1024\n"
            "[[model]]\nname = \"both\"\npath = \"{0}/muon.toml\"\ndevices = [\"card\"]\n"
            "max_batch_rows = 400\ntwin = {{devices = [\"cpu\"], max_deviation = 0}}\n",
            folder_);
    }

    /// Rows of `fields` through the daemon, in requests of 1 to kMostRows, several open at once.
    void ask(Client& client, const std::string& model, std::span<const std::int32_t> fields) {
        const std::size_t columns = muon::input_count(task(), Encoding::raw);
        const std::size_t rows = fields.size() / columns;
        Random random(kSeed);
        std::deque<std::future<Response>> open;
        for (std::size_t row = 0; row < rows || !open.empty();) {
            if (row < rows && open.size() < kMostOpen) {
                const std::size_t some = std::min(rows - row, 1 + random.bits() % kMostRows);
                Request request{.model = model};
                request.add_input(
                    "fields", {static_cast<std::int64_t>(some), static_cast<std::int64_t>(columns)},
                    fields.subspan(row * columns, some * columns));
                open.push_back(client.infer(std::move(request)));
                row += some;
                continue;
            }
            const Response answer = open.front().get();
            open.pop_front();
            ASSERT_TRUE(answer.status.ok()) << model << ": " << answer.status.to_string();
            const auto numbers = answer.outputs.at(0).values<std::int32_t>();
            results_.insert(results_.end(), numbers.begin(), numbers.end());
            classes_.insert(answer.device_class);
        }
    }

    /// Whether each of the devices has run a batch of the model.
    static bool has_run(const DaemonProcess& daemon, const std::string& model,
                        const std::vector<std::string>& devices) {
        return std::all_of(devices.begin(), devices.end(), [&](const std::string& device) {
            return daemon.metric(fmt::format(
                       "bunch_batch_rows_count{{model=\"{}\",version=\"1\",device=\"{}\"", model,
                       device)) > 0;
        });
    }

    /// How many rows differ.
    std::size_t differing(const std::vector<std::int32_t>& expected) const {
        const std::size_t width = muon::output_count(task());
        if (results_.size() != expected.size()) return expected.size();
        std::size_t count = 0;
        for (std::size_t i = 0; i < expected.size(); i += width)
            if (!std::equal(expected.begin() + static_cast<std::ptrdiff_t>(i),
                            expected.begin() + static_cast<std::ptrdiff_t>(i + width),
                            results_.begin() + static_cast<std::ptrdiff_t>(i)))
                ++count;
        return count;
    }

    const std::string folder_ = testing::TempDir() + "served_muon_" +
                                muon::kernel_name(GetParam().task, GetParam().rtl) + "_" +
                                std::to_string(::getpid());
    IntegerNetwork network_;
    std::vector<std::int32_t> results_;
    std::set<std::string> classes_;
};

TEST_P(ServedMuon, IsBitForBitTheIntegersOnTheCardOnTheCpuAndOnBoth) {
    DaemonProcess daemon(config());
    daemon.start_and_wait();
    ASSERT_TRUE(daemon.wait_for_metric("bunch_device_up{device=\"card\"", 1));
    ASSERT_TRUE(daemon.wait_for_metric("bunch_device_up{device=\"cpu\"", 1));
    const auto client = Client::open({.endpoints = {daemon.data_endpoint()}});
    ASSERT_TRUE(client.ok());
    const auto fields = muon::wire_fields(task(), vectors(), kSeed);
    const auto expected = muon::run_fields(network_, fields);
    const auto changed = muon::run_fields(*muon::with_one_weight_changed(network_, fields), fields);

    struct Asked {
        std::string model;
        std::vector<std::string> devices;
    };
    for (const auto& [model, devices] :
         {Asked{"card", {"card"}}, Asked{"cpu", {"cpu"}}, Asked{"both", {"card", "cpu"}}}) {
        classes_.clear();
        int rounds = 0;
        do {
            results_.clear();
            ASSERT_NO_FATAL_FAILURE(ask(**client, model, fields));
            EXPECT_EQ(differing(expected), 0U) << model << ", seed " << kSeed;
            EXPECT_GT(differing(changed), 0U) << "these vectors prove nothing";
        } while (!has_run(daemon, model, devices) && ++rounds < kMostRounds);

        EXPECT_TRUE(has_run(daemon, model, devices)) << model << " left a device idle";
        const std::string classes = testing::PrintToString(classes_);
        if (devices.size() == 1) {
            EXPECT_EQ(classes_.size(), 1U) << classes;
            EXPECT_THAT(classes, HasSubstr(model == "cpu" ? "cpu" : "fpga"));
        }
        std::printf("%s, %s: %zu vectors, %zu differ; a weight changed: %zu; made by %s\n",
                    muon::kernel_name(task(), rtl()).c_str(), model.c_str(), vectors(),
                    differing(expected), differing(changed), classes.c_str());
    }
    EXPECT_EQ(daemon.stop().code, 0);
}

TEST_P(ServedMuon, IsNotServedWithFilesThatItsManifestWasNotWrittenFor) {
    const auto damage = [&](const std::string& name) {
        const std::string path = folder_ + "/" + name;
        std::string bytes = *muon::read_text(path);
        bytes.back() = static_cast<char>(bytes.back() ^ 1);
        ASSERT_TRUE(muon::write_text(path, bytes).ok());
    };
    damage("muon.xclbin");
    {
        DaemonProcess daemon(config());
        daemon.start();
        EXPECT_TRUE(daemon.wait_for_log("muon.toml was not written for")) << daemon.log();
        EXPECT_THAT(daemon.log(), HasSubstr("write the model's folder again"));
        daemon.stop();
    }
    damage("muon.onnx");
    DaemonProcess daemon(config());
    daemon.start();

    EXPECT_EQ(daemon.wait().code, 78);
    EXPECT_THAT(daemon.log(), HasSubstr("muon.onnx is not the file that"));
}

const auto kTaskName = [](const auto& served) {
    return std::string(muon::name_of(served.param.task));
};
INSTANTIATE_TEST_SUITE_P(Cpp, ServedMuon,
                         testing::Values(Served{Task::recalibration, false},
                                         Served{Task::pair, false}),
                         kTaskName);
INSTANTIATE_TEST_SUITE_P(Rtl, ServedMuon,
                         testing::Values(Served{Task::recalibration, true},
                                         Served{Task::pair, true}),
                         kTaskName);

}  // namespace
}  // namespace bunch
