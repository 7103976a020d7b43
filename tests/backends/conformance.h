/// What every backend promises, tested over the path that the daemon uses: RunnerHost, lanes,
/// messages, serve(). A backend's test describes itself and gets the whole suite:
///
///     #include "tests/backends/conformance.h"
///     INSTANTIATE_TEST_SUITE_P(Npu, BackendConformance, testing::Values(npu_subject()), name_of);
///
/// Where the backend says `unavailable`, the suite is skipped with that reason.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <ostream>
#include <random>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "tests/fakes/host_driver.h"
#include "tests/fakes/thread_launcher.h"

namespace bunch::test {

struct ConformanceSubject {
    std::string name;  ///< letters and digits
    MakeBackend make;
    BackendOptions options;

    /// A batched model; each batch size from 1 to its max_batch_rows is run.
    ModelSpec model;

    /// What the model makes of `inputs`, computed by code that shares nothing with the backend.
    /// Outputs have their shapes and bytes already.
    std::function<void(std::span<const ConstTensorView> inputs,
                       std::span<const TensorView> outputs)>
        reference;
    double tolerance = 0;  ///< |got - want| <= tolerance * (1 + |want|), for floating point

    /// Models that cannot be loaded, and a part of the reason that must be told.
    std::vector<std::pair<ModelSpec, std::string>> unloadable;

    /// Inputs are drawn from [-scale, scale].
    double scale = 1;
};

inline void PrintTo(const ConformanceSubject& subject, std::ostream* out) {
    *out << subject.name;
}

inline std::string name_of(const testing::TestParamInfo<ConformanceSubject>& info) {
    return info.param.name;
}

inline void fill_at_random(const TensorView& tensor, double scale, std::mt19937& random) {
    std::uniform_real_distribution<float> real(static_cast<float>(-scale),
                                               static_cast<float>(scale));
    if (tensor.type == DataType::f32) {
        for (std::size_t at = 0; at < tensor.bytes.size(); at += sizeof(float)) {
            const float number = real(random);
            std::memcpy(tensor.bytes.data() + at, &number, sizeof number);
        }
    } else {
        for (std::byte& byte : tensor.bytes) byte = static_cast<std::byte>(random() % 2);
    }
}

class BackendConformance : public testing::TestWithParam<ConformanceSubject> {
  protected:
    void SetUp() override {
        auto backend = GetParam().make(GetParam().options);
        if (backend.status().code() == StatusCode::unavailable)
            GTEST_SKIP() << backend.status().to_string();
        ASSERT_TRUE(backend.ok()) << backend.status().to_string();
        launcher_ = thread_launcher(GetParam().make);
        DeviceSettings settings;
        settings.name = "subject";
        settings.backend = GetParam().name;
        settings.options = GetParam().options;
        settings.trial_loads = false;
        driver_.emplace(std::move(settings), *launcher_);
    }

    /// Starts the device with these models; fails the test if one does not come up.
    void start(const std::vector<ModelSpec>& models) {
        for (std::size_t i = 0; i < models.size(); ++i)
            driver_->host().load(ModelId{static_cast<std::uint32_t>(i)}, models[i]);
        driver_->host().start(now());
        auto up = driver_->wait_for<DeviceUp>();
        ASSERT_TRUE(up);
        device_ = up->device;
        lanes_ = std::move(up->lanes);
        for (std::size_t i = 0; i < models.size(); ++i) {
            auto instance = driver_->wait_for<InstanceUp>();
            ASSERT_TRUE(instance);
            loaded_.push_back(instance->loaded);
        }
    }

    /// Sends a batch of random rows and keeps what the reference makes of it.
    void send(LaneLink& lane, BatchId batch, std::uint32_t rows) {
        const ModelSignature& signature = loaded_.at(0).signature;
        auto views = lane.begin(batch, ModelId{0}, signature, rows);
        ASSERT_TRUE(views.ok()) << views.status().to_string();
        std::vector<ConstTensorView> inputs;
        for (const TensorView& input : views->inputs) {
            fill_at_random(input, GetParam().scale, random_);
            inputs.emplace_back(input);
        }
        std::vector<Tensor> wanted;
        std::vector<TensorView> outputs;
        for (const TensorSpec& output : signature.outputs) {
            const Shape shape = output.shape.with_rows(rows);
            wanted.push_back(
                {output.type, shape, Buffer::allocate(*byte_size(output.type, shape))});
        }
        for (Tensor& tensor : wanted) outputs.push_back(tensor.view());
        GetParam().reference(inputs, outputs);
        wanted_[batch] = std::move(wanted);
        const Status sent = lane.run(views->slot, now());
        ASSERT_TRUE(sent.ok()) << sent.to_string();
    }

    /// Takes the next batch back and compares it.
    void take(LaneLink& lane) {
        const auto report = wait_for_batch(lane);
        ASSERT_TRUE(report.ok()) << report.status().to_string();
        ASSERT_TRUE(report->status.ok()) << report->status.to_string();
        const auto& wanted = wanted_.at(report->batch);
        ASSERT_EQ(report->outputs.size(), wanted.size());
        for (std::size_t i = 0; i < wanted.size(); ++i) compare(report->outputs[i], wanted[i]);
        lane.release(report->slot);
    }

    void compare(const ConstTensorView& got, const Tensor& want) const {
        ASSERT_EQ(got.shape, want.shape);
        ASSERT_EQ(got.bytes.size(), want.buffer.size());
        if (got.type != DataType::f32) {
            EXPECT_EQ(std::memcmp(got.bytes.data(), want.view().bytes.data(), got.bytes.size()), 0);
            return;
        }
        const std::vector<float> have = floats_of(got);
        const std::vector<float> wish = floats_of(want.view());
        for (std::size_t i = 0; i < have.size(); ++i) {
            const double allowed = GetParam().tolerance * (1 + std::abs(double{wish[i]}));
            ASSERT_LE(std::abs(double{have[i]} - double{wish[i]}), allowed)
                << "element " << i << " of a tensor " << got.shape.to_string() << ": " << have[i]
                << ", the reference says " << wish[i];
        }
    }

    /// Runs a batch that must fail, and a good one after it.
    void expect_failure(LaneLink& lane, ModelId model, const ModelSignature& signature,
                        std::uint32_t rows) {
        const auto views = lane.begin(BatchId{1000}, model, signature, rows);
        ASSERT_TRUE(views.ok()) << views.status().to_string();
        ASSERT_TRUE(lane.run(views->slot, now()).ok());
        const auto report = wait_for_batch(lane);
        ASSERT_TRUE(report.ok()) << report.status().to_string();
        EXPECT_FALSE(report->status.ok());
        EXPECT_NE(report->status.message(), "");
        EXPECT_TRUE(report->outputs.empty());
        lane.release(report->slot);

        send(lane, BatchId{1001}, 1);
        take(lane);
    }

    static constexpr std::uint32_t kSeed = 20240607;  // printed with every failure: trace_

    std::unique_ptr<Launcher> launcher_;
    std::optional<HostDriver> driver_;
    DeviceDescription device_;
    std::vector<std::unique_ptr<LaneLink>> lanes_;
    std::vector<LoadedModel> loaded_;
    std::map<BatchId, std::vector<Tensor>> wanted_;
    std::mt19937 random_{kSeed};
    testing::ScopedTrace trace_{__FILE__, __LINE__, "seed " + std::to_string(kSeed)};
};

TEST_P(BackendConformance, DescribesADeviceThatCanRunSomething) {
    ASSERT_NO_FATAL_FAILURE(start({}));

    EXPECT_NE(device_.device_class, "");
    EXPECT_EQ(lanes_.size(), device_.lanes);
    EXPECT_EQ(lanes_.front()->slots(), device_.slots_per_lane);
}

TEST_P(BackendConformance, LoadsWithTheSignatureAndTheRowsThatWereAskedFor) {
    ASSERT_NO_FATAL_FAILURE(start({GetParam().model}));

    EXPECT_LE(loaded_[0].max_batch_rows, GetParam().model.max_batch_rows);
    EXPECT_GE(loaded_[0].max_batch_rows, 1u);
    if (!GetParam().model.signature.inputs.empty()) {
        EXPECT_EQ(loaded_[0].signature, GetParam().model.signature);
    }
}

TEST_P(BackendConformance, AgreesWithTheReferenceForEveryBatchSize) {
    ASSERT_NO_FATAL_FAILURE(start({GetParam().model}));

    for (std::uint32_t rows = 1; rows <= loaded_[0].max_batch_rows; ++rows) {
        SCOPED_TRACE("rows " + std::to_string(rows));
        ASSERT_NO_FATAL_FAILURE(send(*lanes_[0], BatchId{rows}, rows));
        ASSERT_NO_FATAL_FAILURE(take(*lanes_[0]));
    }
}

TEST_P(BackendConformance, KeepsBatchesOfAllLanesAndSlotsApart) {
    ASSERT_NO_FATAL_FAILURE(start({GetParam().model}));
    std::uint64_t batch = 0;

    for (int round = 0; round < 4; ++round) {
        for (const auto& lane : lanes_) {
            while (lane->free_slots() > 0) {
                const auto rows =
                    static_cast<std::uint32_t>(1 + batch % std::min(loaded_[0].max_batch_rows, 5u));
                ASSERT_NO_FATAL_FAILURE(send(*lane, BatchId{batch++}, rows));
            }
        }
        for (const auto& lane : lanes_)
            while (!lane->batches().empty()) ASSERT_NO_FATAL_FAILURE(take(*lane));
    }
}

TEST_P(BackendConformance, ReportsTimesInOrder) {
    ASSERT_NO_FATAL_FAILURE(start({GetParam().model}));
    const TimePoint before = now();
    ASSERT_NO_FATAL_FAILURE(send(*lanes_[0], BatchId{1}, 1));

    const auto report = wait_for_batch(*lanes_[0]);

    ASSERT_TRUE(report.ok());
    EXPECT_GE(report->times.transfer_begin, before);
    EXPECT_GE(report->times.compute_begin, report->times.transfer_begin);
    EXPECT_GE(report->times.compute_end, report->times.compute_begin);
    EXPECT_GE(report->times.transfer_end, report->times.compute_end);
    EXPECT_LE(report->times.transfer_end, now());
}

TEST_P(BackendConformance, RunsTwoInstancesAtOnce) {
    ASSERT_NO_FATAL_FAILURE(start({GetParam().model, GetParam().model}));
    driver_->host().unload(now(), ModelId{1});

    ASSERT_NO_FATAL_FAILURE(send(*lanes_[0], BatchId{1}, 1));
    ASSERT_NO_FATAL_FAILURE(take(*lanes_[0]));
}

TEST_P(BackendConformance, RefusesABatchOfAModelThatIsNotLoaded) {
    ASSERT_NO_FATAL_FAILURE(start({GetParam().model}));

    expect_failure(*lanes_[0], ModelId{77}, loaded_[0].signature, 1);
}

TEST_P(BackendConformance, RefusesRowsBeyondItsLimit) {
    ASSERT_NO_FATAL_FAILURE(start({GetParam().model}));

    expect_failure(*lanes_[0], ModelId{0}, loaded_[0].signature, loaded_[0].max_batch_rows + 1);
}

TEST_P(BackendConformance, RefusesABatchOfWrongShape) {
    ASSERT_NO_FATAL_FAILURE(start({GetParam().model}));
    ModelSignature wrong = loaded_[0].signature;
    wrong.inputs[0].shape = Shape{kAnyExtent, 3, 5, 7, 11};

    expect_failure(*lanes_[0], ModelId{0}, wrong, 1);
}

TEST_P(BackendConformance, SaysWhyAModelCannotBeLoadedAndRunsTheOthers) {
    ASSERT_NO_FATAL_FAILURE(start({GetParam().model}));
    std::uint32_t id = 100;

    for (const auto& [model, reason] : GetParam().unloadable) {
        driver_->host().load(ModelId{id++}, model);
        driver_->host().advance(now());
        const auto failed = driver_->wait_for<InstanceFailed>();
        ASSERT_TRUE(failed) << model.name;
        EXPECT_THAT(failed->status.message(), testing::HasSubstr(reason));
    }
    ASSERT_NO_FATAL_FAILURE(send(*lanes_[0], BatchId{1}, 1));
    ASSERT_NO_FATAL_FAILURE(take(*lanes_[0]));
}

}  // namespace bunch::test
