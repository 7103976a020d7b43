#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "muon/quantised/onnx_file.h"
#include "muon/rtl/programs.h"
#include "muon/rtl/verify.h"
#include "muon/sample_file.h"
#include "muon/vectors.h"
#include "tests/muon/command_line.h"
#include "tests/muon/dead_unit.h"
#include "tests/muon/environment.h"
#include "tests/muon/networks.h"

namespace bunch::muon {
namespace {

using testing::HasSubstr;
using testing::Not;

class VerifyCommand : public testing::Test {
  protected:
    void SetUp() override {
        if (!has_program("verilator")) GTEST_SKIP() << "verilator is missing";
        folder_ = testing::TempDir() + std::to_string(::getpid()) + "_muon_verify_" +
                  testing::UnitTest::GetInstance()->current_test_info()->name();
        std::filesystem::remove_all(folder_);
        ASSERT_TRUE(write_integers(folder_ + "/s/muons/fields.npy",
                                   wire_fields(Task::recalibration, 3'000, 4), kMuonFields)
                        .ok());
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    /// Writes the network's ONNX file and has `bunch-muon rtl` make its folder.
    void make(const IntegerNetwork& network) const {
        ASSERT_TRUE(write_onnx(folder_ + "/n.onnx", network).ok());
        ASSERT_EQ(command("rtl " + folder_ + "/n.onnx --out " + folder_ + "/rtl"), 0);
    }

    /// Changes the folder's manifest as if that had always been in it.
    void set_in_manifest(const std::string& key, const nlohmann::json& value) const {
        auto manifest = nlohmann::json::parse(*read_text(folder_ + "/rtl/manifest.json"));
        (key.find('.') == key.npos ? manifest : manifest["files"])[key] = value;
        ASSERT_TRUE(write_text(folder_ + "/rtl/manifest.json", manifest.dump()).ok());
    }

    std::string line() const {
        return "verify " + folder_ + "/rtl --model " + folder_ + "/n.onnx --sample " + folder_ +
               "/s --vectors 3000";
    }

    std::string folder_;
};

TEST_F(VerifyCommand, PassesWhatTheRtlCommandMadeAndLeavesNoBuildBehind) {
    make(random_integer_network(Task::recalibration, {4}, 3));

    const std::string said = output_of_command(line());

    EXPECT_THAT(said, HasSubstr("a sample per clock"));
    EXPECT_THAT(said, HasSubstr("at most 8 muons waited, room for 8"));
    EXPECT_FALSE(std::filesystem::exists(folder_ + "/rtl/verilated"));
    const auto made = nlohmann::json::parse(*read_text(folder_ + "/rtl/rtl.json"));
    EXPECT_EQ(made["settings"]["model"], folder_ + "/n.onnx");
    EXPECT_GT(made["results"]["latency_clocks"], 2);
    const auto record = nlohmann::json::parse(*read_text(folder_ + "/rtl/verify.json"));
    EXPECT_EQ(record["settings"]["seed"], 1);
    EXPECT_EQ(record["verdict"], "equal");
    EXPECT_EQ(record["results"].size(), 5U);
    EXPECT_EQ(record["results"]["a sample per clock"]["returned"], 3'000);
}

TEST_F(VerifyCommand, CompilesTheFilesOfTheFolderNotNewOnes) {
    const IntegerNetwork network = random_integer_network(Task::recalibration, {4}, 3);
    make(network);
    const auto other = with_one_weight_changed(network, wire_fields(network.task, 100, 4));
    ASSERT_TRUE(other.ok()) << other.status().to_string();
    const std::string core = make_rtl(*other, hash_of(onnx_bytes(network))).core;
    ASSERT_TRUE(write_text(folder_ + "/rtl/muon_core.sv", core).ok());
    set_in_manifest("muon_core.sv", hash_of(core));

    EXPECT_THAT(error_of(line()), HasSubstr("differ from the integers"));
    EXPECT_THAT(*read_text(folder_ + "/rtl/verify.json"), HasSubstr("differ from the integers"));
}

TEST_F(VerifyCommand, RefusesAManifestWithAnotherLatencyOrWidths) {
    make(random_integer_network(Task::recalibration, {4}, 3));
    const std::string manifest = *read_text(folder_ + "/rtl/manifest.json");
    for (const char* key : {"latency_clocks", "input_bits", "output_bits"}) {
        set_in_manifest(key, 99);

        EXPECT_THAT(error_of(line()), HasSubstr("make the RTL again")) << key;
        ASSERT_TRUE(write_text(folder_ + "/rtl/manifest.json", manifest).ok());
    }
}

TEST_F(VerifyCommand, PassesANetworkWhoseFirstWeightsReadADeadUnit) {
    make(network_with_dead_unit(Task::recalibration));

    EXPECT_THAT(output_of_command(line()), HasSubstr("control: one weight changed"));
}

TEST_F(VerifyCommand, NamesWhatItCannotRun) {
    make(random_integer_network(Task::recalibration, {4}, 3));
    error_of(line() + " --stalls 100", 2);
    error_of(line() + " --vectors 100000000000", 2);
    auto fields = wire_fields(Task::recalibration, 10, 4);
    fields[7 * kMuonFields + 1] = 256;
    ASSERT_TRUE(write_integers(folder_ + "/s/muons/fields.npy", fields, kMuonFields).ok());

    EXPECT_THAT(error_of(line()), HasSubstr("fields.npy', row 7: eta 256"));
}

TEST_F(VerifyCommand, SaysWhenVerilatorCannotWorkInTheTemporaryFolder) {
    make(random_integer_network(Task::recalibration, {4}, 3));
    const std::string spaced = folder_ + "/with space";
    std::filesystem::create_directories(spaced);

    {
        const EnvironmentChange temporary("TMPDIR", spaced);
        EXPECT_THAT(error_of(line()), HasSubstr("Verilator cannot work in"));
    }
    {
        const EnvironmentChange temporary("TMPDIR", folder_ + "/nowhere");
        EXPECT_THAT(error_of(line()), HasSubstr("set TMPDIR"));
    }
    EXPECT_TRUE(std::filesystem::is_empty(spaced));
}

TEST(Vectors, BeyondTheSampleAreNewAndFitTheWires) {
    std::vector<std::int32_t> fields = {1, 2, 3, 1, 4, 5, 6, 7, 0, 8};
    const std::vector<std::int32_t> sample = fields;

    fill_up(fields, Task::recalibration, 3'000, 5);

    ASSERT_EQ(fields.size(), 3'000 * kMuonFields);
    EXPECT_TRUE(std::equal(sample.begin(), sample.end(), fields.begin()));
    std::set<std::vector<std::int32_t>> rows;
    for (std::size_t i = 0; i < fields.size(); i += kMuonFields) {
        const auto begin = fields.begin() + static_cast<std::ptrdiff_t>(i);
        rows.insert({begin, begin + kMuonFields});
        for (std::size_t field = 0; field < kMuonFields; ++field) {
            EXPECT_GE(fields[i + field], kLowestField[field]);
            EXPECT_LE(fields[i + field], kHighestField[field]);
        }
    }
    EXPECT_GT(rows.size(), 2'990U);
    fill_up(fields, Task::recalibration, 1, 5);
    EXPECT_EQ(fields, (std::vector<std::int32_t>{1, 2, 3, 1, 4}));
}

TEST(Judge, RefusesWhatWasLostChangedLateOrHadNoRoom) {
    const BenchSettings full{"full", 1, 0, 8, kRoomAtFull}, plain{"stream", 1, 0, 8};
    const BenchResult good{100, 100, 0, 120, 13, 12, 8, 1.0};
    const auto message = [&](const BenchSettings& settings, BenchResult result) {
        return judge("run", settings, result, 12).message();
    };
    EXPECT_EQ(message(full, good), "");
    EXPECT_EQ(message(plain, good), "");

    BenchResult bad = good;
    bad.most_waiting = 9;
    EXPECT_THAT(message(full, bad), HasSubstr("9 muons waited at a time, there is room for 8"));
    EXPECT_EQ(message(plain, bad), "");  // a stream's samples wait where they come from
    bad = good;
    bad.returned = 99;
    EXPECT_THAT(message(full, bad), HasSubstr("99 of 100"));
    bad = good;
    bad.mismatches = 1;
    EXPECT_THAT(message(full, bad), HasSubstr("1 differ"));
    bad = good;
    bad.latency_with_queue = 14;
    EXPECT_THAT(message(plain, bad), HasSubstr("after 14 clocks, not after 13"));
}

TEST(Control, TakesAWeightThatMatters) {
    const IntegerNetwork network = network_with_dead_unit(Task::recalibration);
    const std::vector<std::int32_t> fields = {100, 50, 40, 1, 12, 300, -50, 200, 0, 8};

    const auto other = with_one_weight_changed(network, fields);

    ASSERT_TRUE(other.ok()) << other.status().to_string();
    EXPECT_NE(run_fields(*other, fields), run_fields(network, fields));
    IntegerNetwork constant = network;
    for (IntegerLayer& layer : constant.layers)
        std::fill(layer.weights.begin(), layer.weights.end(), 0);
    EXPECT_THAT(with_one_weight_changed(constant, fields).status().message(),
                HasSubstr("they prove nothing"));
}

}  // namespace
}  // namespace bunch::muon
