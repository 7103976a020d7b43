#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "muon/quantised/onnx_file.h"
#include "muon/rtl/adder_graph.h"
#include "muon/rtl/generator.h"
#include "muon/rtl/pipeline.h"
#include "muon/rtl/programs.h"
#include "muon/rtl/verify.h"
#include "muon/sample_file.h"
#include "muon/vectors.h"
#include "tests/muon/networks.h"

namespace bunch::muon {
namespace {

using testing::HasSubstr;

Rtl rtl_of(const IntegerNetwork& network) {
    return make_rtl(network, hash_of(onnx_bytes(network)));
}

std::int64_t value(const std::vector<Digit>& digits, const std::vector<std::int64_t>& variables) {
    std::int64_t sum = 0;
    for (const Digit& digit : digits)
        sum += digit.sign * variables[digit.variable] * (std::int64_t{1} << digit.shift);
    return sum;
}

TEST(AdderGraph, SignedDigitsMakeTheWeightWithoutNeighbours) {
    for (std::int32_t weight = -127; weight <= 127; ++weight) {
        const auto digits = signed_digits(0, weight);

        EXPECT_EQ(value(digits, {1}), weight);
        for (std::size_t i = 1; i < digits.size(); ++i)
            EXPECT_GE(digits[i].shift - digits[i - 1].shift, 2);
    }
    EXPECT_EQ(signed_digits(0, 31).size(), 2U);
}

TEST(AdderGraph, SharingKeepsEverySumAndSavesAdders) {
    Random random(9);
    AdderGraph graph{6, {}, {}};
    for (int o = 0; o < 12; ++o) {
        auto& sum = graph.sums.emplace_back();
        for (std::size_t i = 0; i < 6; ++i)
            for (const Digit& digit :
                 signed_digits(i, static_cast<std::int32_t>(random.uniform(-31, 32))))
                sum.push_back(digit);
    }
    const AdderGraph before = graph;

    share(graph);

    std::vector<std::int64_t> variables = {3, -7, 20, 255, 1, 90};
    for (const auto& [a, b] : graph.shared)
        variables.push_back(value({a}, variables) + value({b}, variables));
    for (std::size_t o = 0; o < 12; ++o)
        EXPECT_EQ(value(graph.sums[o], variables), value(before.sums[o], variables));
    EXPECT_LT(graph.adders(), 0.85 * static_cast<double>(before.adders()));
}

TEST(Pipeline, PutsARegisterWhereTwoLevelsAreFull) {
    Pipeline pipeline;
    const auto a = pipeline.given("a", -8, 7), b = pipeline.given("b", 0, 3);
    const auto c = pipeline.logic("c", {a, b}, "{0} + {1}", -8, 10);
    const auto d = pipeline.logic("d", {c, b}, "{0} + {1}", -8, 13);
    const auto e = pipeline.logic("e", {d, a}, "{0} + {1}", -16, 20);

    EXPECT_EQ(pipeline.stage(d), 0);
    EXPECT_EQ(pipeline.stage(e), 1);
    EXPECT_THAT(pipeline.wires(), HasSubstr("wire signed [5:0] e = d_t1 + a_t1;"));
    EXPECT_THAT(pipeline.clocked(), HasSubstr("d_t1 <= d;"));
    EXPECT_EQ(pipeline.register_bits(), 5U + 4U);
}

TEST(Rtl, OfEqualNetworksIsEqualText) {
    const IntegerNetwork network = random_integer_network(Task::recalibration, {10, 6}, 3);

    const Rtl one = rtl_of(network), other = rtl_of(network);

    EXPECT_EQ(one.core, other.core);
    EXPECT_EQ(one.manifest, other.manifest);
    EXPECT_THAT(one.core, HasSubstr("layer1_unit2: weights"));
    EXPECT_NE(one.core,
              rtl_of(*with_one_weight_changed(network, wire_fields(network.task, 100, 1))).core);
}

class RtlFolder : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = testing::TempDir() + std::to_string(::getpid()) + "_muon_rtl_" +
                  testing::UnitTest::GetInstance()->current_test_info()->name();
        std::filesystem::remove_all(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    std::string folder_;
};

TEST_F(RtlFolder, ManifestMustFitItsFilesAndItsNetwork) {
    const IntegerNetwork network = random_integer_network(Task::pair, {6}, 3);
    const std::string identity = hash_of(onnx_bytes(network));
    const auto message = [&](const std::string& of) {
        return read_manifest(folder_, of).status().message();
    };
    EXPECT_EQ(read_manifest(folder_, identity).status().code(), StatusCode::not_found);
    const Rtl rtl = rtl_of(network);
    ASSERT_TRUE(write_rtl(folder_, rtl).ok());

    const auto manifest = read_manifest(folder_, identity);

    ASSERT_TRUE(manifest.ok()) << manifest.status().to_string();
    EXPECT_EQ(manifest->latency, rtl.latency);
    EXPECT_EQ(manifest->input_bits, 66);
    EXPECT_THAT(message("0123"), HasSubstr("not 0123"));
    ASSERT_TRUE(write_text(folder_ + "/muon_core.sv", rtl.core + " ").ok());
    EXPECT_THAT(message(identity), HasSubstr("muon_core.sv' is not what"));
    ASSERT_TRUE(write_text(folder_ + "/manifest.json", "{}").ok());
    EXPECT_THAT(message(identity), HasSubstr("no manifest"));
}

TEST_F(RtlFolder, ComputesTheIntegersInVerilatorWhateverStalls) {
    if (!has_program("verilator")) GTEST_SKIP() << "verilator is missing";
    for (const Task task : {Task::recalibration, Task::pair}) {
        const IntegerNetwork network = random_integer_network(task, {10, 6}, 21);
        const auto fields = wire_fields(task, 20'000, 5);
        const auto expected = run_fields(network, fields);
        auto bench = RtlBench::build(rtl_of(network));
        ASSERT_TRUE(bench.ok()) << bench.status().to_string();
        const int latency = rtl_of(network).latency;

        for (const BenchSettings& settings :
             {BenchSettings{"stream", 1, 0, 8}, BenchSettings{"stream", 2, 30, 8},
              BenchSettings{"full", 3, 0, 8, kRoomAtFull},
              BenchSettings{"crossings", 4, 0, 6, kRoomAtMixed}}) {
            const auto result = bench->run(network, fields, expected, settings);
            ASSERT_TRUE(result.ok()) << result.status().to_string();
            const Status verdict = judge(settings.mode, settings, *result, latency);
            EXPECT_TRUE(verdict.ok()) << verdict.to_string();
            if (settings.stall_percent == 0 && settings.mode == "stream") {
                EXPECT_LE(result->clocks, 20'000U + 40U);
            }
        }
        const BenchSettings too_fast{"full", 3, 0, 4, kRoomAtFull};
        const auto crowded = bench->run(network, fields, expected, too_fast);
        EXPECT_THAT(judge("too fast", too_fast, *crowded, latency).message(),
                    HasSubstr("muons waited at a time, there is room for 8"));
        const auto wrong = run_fields(*with_one_weight_changed(network, fields), fields);
        EXPECT_GT(bench->run(network, fields, wrong, {})->mismatches, 100U);
    }
}

TEST_F(RtlFolder, ComputesNetworksWithDeadUnitsAndOutputsWithoutWeights) {
    if (!has_program("verilator")) GTEST_SKIP() << "verilator is missing";
    for (const Task task : {Task::recalibration, Task::pair}) {
        IntegerNetwork network = random_integer_network(task, {4}, 21);
        IntegerLayer &hidden = network.layers[0], &last = network.layers[1];
        std::fill_n(hidden.weights.begin(), hidden.inputs, 0);
        hidden.biases[0] = -3000;
        std::fill_n(last.weights.begin(), last.inputs, 0);  // of the pair network all there are
        last.biases[0] = -700;
        const auto fields = wire_fields(task, 500, 5);
        const Rtl rtl = rtl_of(network);
        auto bench = RtlBench::build(rtl);
        ASSERT_TRUE(bench.ok()) << bench.status().to_string();

        const BenchSettings settings{"stream", 1, 0, 8};
        const auto result = bench->run(network, fields, run_fields(network, fields), settings);

        ASSERT_TRUE(result.ok()) << result.status().to_string();
        const Status verdict = judge("dead", settings, *result, rtl.latency);
        EXPECT_TRUE(verdict.ok()) << verdict.to_string();
        EXPECT_GE(rtl.latency, 2);
    }
}

TEST_F(RtlFolder, IsCountedByYosys) {
    if (!has_program("yosys")) GTEST_SKIP() << "yosys is missing";
    const auto area = area_of(folder_, rtl_of(random_integer_network(Task::recalibration, {4}, 3)));

    ASSERT_TRUE(area.ok()) << area.status().to_string();
    EXPECT_GT(area->luts, 200U);
    EXPECT_GT(area->flip_flops, 100U);
    EXPECT_EQ(area->dsps, 1U);
    EXPECT_LE(area->lut_levels + area->carry_levels, 12U);
}

TEST(Netlist, LongestPathEndsAtRegisters) {
    const auto cell = [](const char* type, const char* in, const char* out) {
        return std::string(R"({"type":")") + type +
               R"(","port_directions":{"I":"input","O":"output"},"connections":{"I":)" + in +
               R"(,"O":)" + out + "}}";
    };
    const std::string netlist =
        R"({"modules":{"muon_core":{"cells":{"a":)" + cell("LUT2", "[1,\"0\"]", "[2]") +
        R"(,"b":)" + cell("CARRY4", "[2]", "[3]") + R"(,"c":)" + cell("FDRE", "[3]", "[4]") +
        R"(,"d":)" + cell("LUT6", "[4]", "[5]") + R"(,"e":)" + cell("DSP48E2", "[5]", "[6]") +
        "}}}}";

    const auto area = area_of_netlist(netlist);

    ASSERT_TRUE(area.ok()) << area.status().to_string();
    EXPECT_EQ(area->luts, 2U);
    EXPECT_EQ(area->flip_flops, 1U);
    EXPECT_EQ(area->dsps, 1U);
    EXPECT_EQ(area->lut_levels, 1U);
    EXPECT_EQ(area->carry_levels, 1U);
    EXPECT_THAT(area_of_netlist("{}").status().message(), HasSubstr("no netlist"));
}

}  // namespace
}  // namespace bunch::muon
