#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "cli/bench_histogram.h"
#include "cli/bench_inputs.h"
#include "cli/bench_report.h"

namespace bunch {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST(LatencyHistogram, FindsQuantilesOfAnySizeWithinThreePercent) {
    std::mt19937_64 random(5);
    for (const double scale : {1.0, 1e3, 1e6, 1e9, 1e11}) {
        LatencyHistogram histogram;
        std::vector<double> values;
        for (int i = 0; i < 1000; ++i) {
            values.push_back(std::floor(scale * (1.0 + static_cast<double>(random() % 1000) / 10)));
            histogram.add(Duration(static_cast<std::int64_t>(values.back())));
        }
        std::sort(values.begin(), values.end());
        for (const double fraction : {0.001, 0.5, 0.9, 0.99, 1.0}) {
            const double wanted = values[static_cast<std::size_t>(fraction * 1000) - 1];
            const auto found = static_cast<double>(histogram.quantile(fraction).count());
            EXPECT_NEAR(found, wanted, 0.03 * wanted) << scale << " " << fraction;
        }
        EXPECT_EQ(histogram.max().count(), static_cast<std::int64_t>(values.back()));
    }
}

TEST(LatencyHistogram, AddsUpWithOthers) {
    LatencyHistogram a;
    LatencyHistogram b;
    a.add(1us);
    b.add(3us);
    b.add(-1us);
    a.add(b);
    EXPECT_EQ(a.count(), 3u);
    EXPECT_EQ(a.max(), 3us);
    EXPECT_EQ(a.quantile(0), 0us);
    EXPECT_EQ(LatencyHistogram().quantile(0.5), 0ns);
}

TEST(LatencyHistogram, TakesLatenciesBeyondItsRange) {
    LatencyHistogram histogram;
    histogram.add(Duration::max());
    EXPECT_EQ(histogram.count(), 1u);
    EXPECT_GT(histogram.quantile(0.5), 1h);
}

ModelSignature signature_with(DataType type) {
    return {{{"x", type, {kAnyExtent, 7}}}, {{"y", DataType::f32, {kAnyExtent, 1}}}, true};
}

TEST(BenchInputs, AreTheSameForTheSameSeedOnly) {
    for (int number = 0; is_data_type(static_cast<std::uint8_t>(number)); ++number) {
        const auto signature = signature_with(static_cast<DataType>(number));
        const Request a = random_request("m", signature, 3, 1);
        const Request b = random_request("m", signature, 3, 1);
        const Request c = random_request("m", signature, 3, 2);
        EXPECT_EQ(a.inputs[0].shape, Shape({3, 7}));
        EXPECT_TRUE(std::ranges::equal(a.inputs[0].buffer.bytes(), b.inputs[0].buffer.bytes()));
        EXPECT_FALSE(std::ranges::equal(a.inputs[0].buffer.bytes(), c.inputs[0].buffer.bytes()));
    }
}

TEST(BenchInputs, KnowWhetherAModelBatches) {
    inference::ModelMetadataResponse metadata;
    metadata.set_name("m");
    auto* input = metadata.add_inputs();
    input->set_name("x");
    input->set_datatype("FP32");
    input->add_shape(-1);
    input->add_shape(3);
    EXPECT_TRUE(signature_of(metadata)->batched);

    input->set_shape(0, 5);
    EXPECT_FALSE(signature_of(metadata)->batched);

    input->set_shape(1, -1);
    EXPECT_THAT(signature_of(metadata).status().message(), HasSubstr("open extents"));

    input->set_datatype("BYTES");
    EXPECT_THAT(signature_of(metadata).status().message(), HasSubstr("which bench cannot make"));
}

TEST(BenchInputs, HaveLengthsFromTheRangesThatWereAskedFor) {
    inference::ModelMetadataResponse metadata;
    for (const char* name : {"points", "features", "mask"}) {
        auto* input = metadata.add_inputs();
        input->set_name(name);
        input->set_datatype("FP32");
        for (const std::int64_t extent : {-1, 2, -1}) input->add_shape(extent);
    }
    const BenchLengths lengths{{*parse_lengths("points,features=8..50")}, {"mask"}};

    const auto signature = signature_of(metadata, lengths);

    ASSERT_TRUE(signature.ok()) << signature.status().message();
    std::set<std::int64_t> seen;
    for (std::uint64_t seed = 0; seed < 500; ++seed) {
        const Request request =
            random_request("m", with_lengths(*signature, lengths, seed), 3, seed);
        ASSERT_EQ(request.inputs.size(), 2u);
        ASSERT_EQ(request.inputs[0].shape, request.inputs[1].shape);
        seen.insert(request.inputs[0].shape[2]);
    }
    EXPECT_EQ(*seen.begin(), 8);
    EXPECT_EQ(*seen.rbegin(), 50);
    EXPECT_EQ(seen.size(), 43u);
}

TEST(BenchInputs, RefuseLengthsThatMakeNoSense) {
    EXPECT_EQ(parse_lengths("x=30")->least, 30);
    for (const char* text : {"x", "=3", "x=9..8", "x=-1", "x=3..", "x=99999999999"})
        EXPECT_THAT(parse_lengths(text).status().message(), HasSubstr("is no range of lengths"));
    inference::ModelMetadataResponse metadata;
    EXPECT_THAT(signature_of(metadata, {{}, {"mask"}}).status().message(),
                HasSubstr("the model has no input 'mask'"));
}

Response response_with(const char* name, std::vector<float> values) {
    Response response;
    response.request = random_request("m", signature_with(DataType::f32), 1, 1);
    const auto count = static_cast<std::int64_t>(values.size());
    response.outputs.push_back({name, DataType::f32, Shape{1, count},
                                Buffer::copy_of(std::as_bytes(std::span<const float>(values)))});
    return response;
}

TEST(AnswerCheck, WantsTheSameAnswerWithinTheTolerance) {
    AnswerCheck check;
    EXPECT_TRUE(check.is_right(response_with("y", {100, 1}), 1e-3));
    EXPECT_TRUE(check.is_right(response_with("y", {100.05F, 1}), 1e-3));
    EXPECT_FALSE(check.is_right(response_with("y", {100.5F, 1}), 1e-3));
    EXPECT_FALSE(check.is_right(response_with("z", {100, 1}), 1e-3));
    EXPECT_FALSE(check.is_right(response_with("y", {100, 1, 1}), 1e-3));
    EXPECT_FALSE(check.is_right(response_with("y", {100, std::nanf("")}), 1e-3));
}

TEST(AnswerCheck, WantsAnEchoToBeTheInput) {
    AnswerCheck check;
    Response response = response_with("echo", {1, 2, 3, 4, 5, 6, 7});
    EXPECT_FALSE(check.is_right(response, 1e-3));
    response.outputs[0].buffer = Buffer::copy_of(response.request.inputs[0].buffer.bytes());
    EXPECT_TRUE(check.is_right(response, 1e-3));
}

TEST(DaemonView, IsEmptyWhereTheDaemonDoesNotTell) {
    const DaemonView view = daemon_view(std::nullopt, v1::StatusResponse(), "m");
    EXPECT_FALSE(view.mean_batch_rows || view.duty_cycle || view.useful_duty);
    EXPECT_FALSE(daemon_view(v1::StatusResponse(), v1::StatusResponse(), "m").duty_cycle);
}

TEST(DaemonView, CountsTheDevicesOfTheModelOnly) {
    v1::StatusResponse before;
    before.add_models()->set_name("m");
    before.mutable_models(0)->add_devices("a");
    for (const char* name : {"a", "b"}) before.add_devices()->set_name(name);
    v1::StatusResponse after = before;
    after.mutable_devices(0)->set_lane_seconds(10);
    after.mutable_devices(0)->set_compute_seconds(9);
    after.mutable_devices(1)->set_lane_seconds(10);

    const DaemonView view = daemon_view(before, after, "m");

    EXPECT_DOUBLE_EQ(*view.duty_cycle, 0.9);
    EXPECT_FALSE(view.useful_duty);
    EXPECT_FALSE(view.mean_batch_rows);
}

}  // namespace
}  // namespace bunch
