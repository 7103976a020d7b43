#include "backends/simulated/simulated_backend.h"

#include <cstring>

#include "backends/simulated/simulated_options.h"
#include "tests/backends/conformance.h"

namespace bunch::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// Element by element, where the backend copies whole stretches of bytes.
void echo_reference(std::span<const ConstTensorView> inputs, std::span<const TensorView> outputs) {
    for (std::size_t i = 0; i < outputs.size(); ++i) {
        const ConstTensorView& input = inputs[i % inputs.size()];
        const std::size_t size = size_of(input.type);
        const std::uint64_t from = *input.shape.elements_per_row();
        const std::uint64_t to = *outputs[i].shape.elements_per_row();
        for (std::uint64_t j = 0; j < to * static_cast<std::uint64_t>(input.shape[0]); ++j) {
            const std::uint64_t source = j / to * from + j % to % from;
            std::memcpy(outputs[i].bytes.data() + j * size, input.bytes.data() + source * size,
                        size);
        }
    }
}

ModelSpec two_in_three_out() {
    ModelSpec spec;
    spec.name = "echo";
    spec.max_batch_rows = 17;
    spec.signature = {{{"a", DataType::f32, {kAnyExtent, 3}}, {"b", DataType::i64, {kAnyExtent}}},
                      {{"short", DataType::f32, {kAnyExtent, 2}},
                       {"same", DataType::i64, {kAnyExtent}},
                       {"long", DataType::f32, {kAnyExtent, 2, 4}}},
                      true};
    return spec;
}

ConformanceSubject subject(const std::string& name, BackendOptions options) {
    ConformanceSubject subject;
    subject.name = name;
    subject.make = make_simulated_backend;
    subject.options = std::move(options);
    subject.model = two_in_three_out();
    subject.reference = echo_reference;
    ModelSpec without = two_in_three_out();
    without.signature = {};
    ModelSpec open = two_in_three_out();
    open.signature.inputs[0].shape.set(1, kAnyExtent);
    ModelSpec mixed = two_in_three_out();
    mixed.signature.outputs[0].type = DataType::f64;
    subject.unloadable = {{without, "declared"}, {open, "extent"}, {mixed, "'short' echoes input"}};
    return subject;
}

INSTANTIATE_TEST_SUITE_P(Simulated, BackendConformance,
                         testing::Values(subject("instant", {}),
                                         subject("slow", {{"fixed", "300us"},
                                                          {"per_row", "10us"},
                                                          {"lanes", "2"},
                                                          {"slots", "3"}})),
                         name_of);

TEST(SimulatedOptions, AreReadWithTheirUnits) {
    const auto options = SimulatedOptions::from({{"fixed", "5ms"},
                                                 {"per_row", "1.5us"},
                                                 {"lanes", "3"},
                                                 {"slots", "4"},
                                                 {"device_class", "simulated-gpu"}});

    ASSERT_TRUE(options.ok()) << options.status().to_string();
    EXPECT_EQ(options->all.fixed, 5ms);
    EXPECT_EQ(options->all.per_row, 1500ns);
    EXPECT_EQ(options->device, (DeviceDescription{"simulated-gpu", 3, 4, 0}));
}

TEST(SimulatedOptions, MayDifferFromModelToModel) {
    const auto options = SimulatedOptions::from({{"fixed", "5ms"},
                                                 {"per_row", "1us"},
                                                 {"noise", "0.1"},
                                                 {"seed", "7"},
                                                 {"load_time", "2s"},
                                                 {"net.v2.fixed", "1ms"},
                                                 {"net.v2.rows", "4"},
                                                 {"other.image", "b"}});

    ASSERT_TRUE(options.ok()) << options.status().to_string();
    EXPECT_EQ(options->times_of("net.v2").fixed, 1ms);
    EXPECT_EQ(options->times_of("net.v2").per_row, 1us);
    EXPECT_EQ(options->times_of("net.v2").rows, 4u);
    EXPECT_EQ(options->times_of("other").image, "b");
    EXPECT_EQ(options->times_of("other").fixed, 5ms);
    EXPECT_EQ(options->times_of("third").fixed, 5ms);
    EXPECT_EQ(options->times_of("third").rows, std::nullopt);
    EXPECT_EQ(options->noise, 0.1);
    EXPECT_EQ(options->seed, 7u);
    EXPECT_EQ(options->load_time, 2s);
}

TEST(SimulatedOptions, RefuseWhatTheyDoNotKnowAndSayWhatWouldBeRight) {
    const auto message = [](const BackendOptions& options) {
        return SimulatedOptions::from(options).status().message();
    };

    EXPECT_THAT(message({{"fixed", "5"}}), HasSubstr("with its unit"));
    EXPECT_THAT(message({{"per_row", "-1ms"}}), HasSubstr("with its unit"));
    EXPECT_THAT(message({{"lanes", "0"}}), HasSubstr("from 1 to 256"));
    EXPECT_THAT(message({{"slots", "2x"}}), HasSubstr("from 1 to 64"));
    EXPECT_THAT(message({{"device_class", "gpu"}}), HasSubstr("must begin with"));
    EXPECT_THAT(message({{"speed", "9"}}), HasSubstr("no option 'speed'"));
    EXPECT_THAT(message({{"m.speed", "9"}}), HasSubstr("no option 'm.speed'"));
    EXPECT_THAT(message({{"m.fixed", "9"}}), HasSubstr("option m.fixed = \"9\""));
    EXPECT_THAT(message({{"m.rows", "0"}}), HasSubstr("from 1 to 1048576"));
    EXPECT_THAT(message({{"m.image", ""}}), HasSubstr("write the image's name"));
    EXPECT_THAT(message({{"m.broken", "maybe"}}), HasSubstr("write true or false"));
    EXPECT_THAT(message({{"noise", "-0.1"}}), HasSubstr("from 0 to 2"));
    EXPECT_THAT(message({{"load_time", "soon"}}), HasSubstr("with its unit"));
}

TEST(SimulatedLane, RunsOneBatchAfterTheOtherInModelTime) {
    auto backend = make_simulated_backend({{"fixed", "2ms"}, {"per_row", "100us"}});
    ASSERT_TRUE(backend.ok());
    ASSERT_TRUE((*backend)->load(ModelId{1}, echo_model("m")).ok());
    auto lane = (*backend)->open_lane(0, {});
    ASSERT_TRUE(lane.ok());
    std::vector<float> in(40);
    std::vector<float> out(40);
    const ConstTensorView input(DataType::f32, {10, 4}, std::as_bytes(std::span(in)));
    const TensorView output{DataType::f32, {10, 4}, std::as_writable_bytes(std::span(out))};
    const TimePoint begun = now();

    ASSERT_TRUE((*lane)->submit(SlotId{0}, ModelId{1}, {&input, 1}, {&output, 1}).ok());
    ASSERT_TRUE((*lane)->submit(SlotId{1}, ModelId{1}, {&input, 1}, {&output, 1}).ok());
    EXPECT_FALSE((*lane)->wait(TimePoint{}));
    const auto first = (*lane)->wait(kNever);
    const auto second = (*lane)->wait(kNever);

    ASSERT_TRUE(first && second);
    EXPECT_EQ(first->slot, SlotId{0});
    EXPECT_EQ(first->times.compute_end - first->times.compute_begin, 3ms);
    EXPECT_EQ(second->times.compute_begin, first->times.compute_end);
    EXPECT_GE(now() - begun, 6ms);
}

/// A lane of a device with models "a" and "b", and one batch of a row for it.
class SimulatedDeviceTest : public testing::Test {
  protected:
    void open(const BackendOptions& options) {
        backend_ = std::move(make_simulated_backend(options).value());
        for (std::uint32_t i = 0; i < 2; ++i)
            loaded_.push_back(backend_->load(ModelId{i}, echo_model(i == 0 ? "a" : "b")).value());
        lane_ = std::move(backend_->open_lane(0, {}).value());
    }

    Status submit(std::uint32_t model) {
        const ConstTensorView input(DataType::f32, {1, 4}, std::as_bytes(std::span(in_)));
        const TensorView output{DataType::f32, {1, 4}, std::as_writable_bytes(std::span(out_))};
        return lane_->submit(SlotId{0}, ModelId{model}, {&input, 1}, {&output, 1});
    }

    Duration compute_of_next() {
        const auto completion = lane_->wait(kNever);
        return completion->times.compute_end - completion->times.compute_begin;
    }

    std::unique_ptr<Backend> backend_;
    std::vector<LoadedModel> loaded_;
    std::unique_ptr<Lane> lane_;
    std::array<float, 4> in_{};
    std::array<float, 4> out_{};
};

TEST_F(SimulatedDeviceTest, TakesTheTimeOfEachModelAndItsLimit) {
    open({{"fixed", "200us"}, {"b.fixed", "300us"}, {"b.rows", "3"}});

    ASSERT_TRUE(submit(0).ok());
    EXPECT_EQ(compute_of_next(), 200us);
    ASSERT_TRUE(submit(1).ok());
    EXPECT_EQ(compute_of_next(), 300us);
    EXPECT_EQ(loaded_[1].max_batch_rows, 3u);
    EXPECT_GT(loaded_[0].max_batch_rows, 3u);
}

TEST_F(SimulatedDeviceTest, TakesRandomTimesAroundTheMean) {
    open({{"fixed", "1us"}, {"noise", "0.3"}});
    constexpr int kBatches = 2000;
    Duration sum{};
    int above = 0;

    for (int i = 0; i < kBatches; ++i) {
        ASSERT_TRUE(submit(0).ok());
        const Duration compute = compute_of_next();
        sum += compute;
        above += compute > 1300ns ? 1 : 0;
    }

    // The seed is always 1: no run differs from another.
    EXPECT_NEAR(to_seconds(sum) / kBatches, 1e-6, 3e-8);
    EXPECT_NEAR(above, 0.145 * kBatches, 0.04 * kBatches);
}

TEST_F(SimulatedDeviceTest, HoldsOneImageAtATime) {
    open({{"a.image", "first"}, {"b.image", "second"}, {"load_time", "1ms"}});
    EXPECT_EQ(loaded_[0].image, "first");
    EXPECT_TRUE(loaded_[0].resident);
    EXPECT_EQ(loaded_[1].image, "second");
    EXPECT_FALSE(loaded_[1].resident);
    EXPECT_EQ(loaded_[1].load_time, 1ms);
    EXPECT_TRUE(submit(0).ok());
    EXPECT_THAT(submit(1).message(), HasSubstr("does not hold the image 'second'"));

    ASSERT_TRUE(backend_->activate(ModelId{1}).ok());

    EXPECT_TRUE(submit(1).ok());
    EXPECT_THAT(submit(0).message(), HasSubstr("does not hold the image 'first'"));
    EXPECT_FALSE(backend_->activate(ModelId{9}).ok());
}

}  // namespace
}  // namespace bunch::test
