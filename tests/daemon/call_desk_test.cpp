#include "daemon/call_desk.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "tests/fakes/memory_frontend.h"

namespace bunch {
namespace {

/// A desk for one model "net" with input x[-1,2] and output y[-1,2].
class CallDeskTest : public testing::Test {
  protected:
    CallDeskTest() : slab_(100, 1 << 20), desk_(slab_, add_model(models_), tenants_, metrics_) {
        desk_.add_frontend(frontend_);
    }

    static ModelTable& add_model(ModelTable& models) {
        ModelSpec spec;
        spec.name = "net";
        spec.signature.inputs = {{"x", DataType::f32, {kAnyExtent, 2}}};
        spec.signature.outputs = {{"y", DataType::f32, {kAnyExtent, 2}}};
        models.add(ModelId{0}, spec).has_signature = true;
        return models;
    }

    CallId open(const std::string& request_id, std::uint32_t rows) {
        Call& call = slab_.draft().call;
        call.request_id = request_id;
        call.rows = rows;
        call.times = {};
        call.times.received = now();
        call.times.admitted = call.times.received;
        return slab_.open();
    }

    /// The outcome of a batch whose output y counts up from 0.
    BatchOutcome outcome(std::uint32_t rows) {
        values_.resize(rows * 2);
        std::iota(values_.begin(), values_.end(), 0.0F);
        outputs_ = {{DataType::f32, Shape{rows, 2}, std::as_bytes(std::span(values_))}};
        const TimePoint at = now();
        return {outputs_, rows, "cpu", "f32", at, at, {at, at, at, at}, at};
    }

    static std::vector<float> floats(const Tensor& tensor) {
        std::vector<float> values(tensor.buffer.size() / sizeof(float));
        std::memcpy(values.data(), tensor.buffer.bytes().data(), tensor.buffer.size());
        return values;
    }

    ModelTable models_;
    Metrics metrics_;
    TenantTable tenants_{{{"a", 1, 0, 0}}, metrics_};
    MemoryFrontend frontend_;
    CallSlab slab_;
    CallDesk desk_;
    std::vector<float> values_;
    std::vector<ConstTensorView> outputs_;
};

TEST_F(CallDeskTest, GivesEachCallItsOwnRowsOfABatch) {
    const CallId a = open("a", 1);
    const CallId b = open("b", 2);

    const BatchOutcome batch = outcome(3);
    desk_.deliver({a, 0, 1}, 0, batch);
    desk_.deliver({b, 0, 2}, 1, batch);

    ASSERT_EQ(frontend_.answers.size(), 2u);
    EXPECT_EQ(frontend_.answers[0].request_id, "a");
    EXPECT_EQ(floats(frontend_.answers[0].outputs[0]), (std::vector<float>{0, 1}));
    EXPECT_EQ(floats(frontend_.answers[1].outputs[0]), (std::vector<float>{2, 3, 4, 5}));
    EXPECT_EQ(frontend_.answers[1].device_class, "cpu");
    EXPECT_EQ(slab_.open_calls(), 0u);
    EXPECT_EQ(models_.find(ModelId{0})->served, 2u);
}

TEST_F(CallDeskTest, JoinsTheSlicesOfALargeCallInTheirOrderWhicheverComesFirst) {
    const CallId id = open("large", 3);

    desk_.deliver({id, 1, 2}, 0, outcome(2));
    EXPECT_TRUE(frontend_.answers.empty());
    desk_.deliver({id, 0, 1}, 1, outcome(2));

    ASSERT_EQ(frontend_.answers.size(), 1u);
    EXPECT_EQ(floats(frontend_.answers[0].outputs[0]), (std::vector<float>{2, 3, 0, 1, 2, 3}));
}

TEST_F(CallDeskTest, NamesAllDeviceClassesAndPrecisionsThatMadeAnAnswer) {
    const CallId id = open("large", 3);
    BatchOutcome fixed = outcome(1);
    fixed.device_class = "fpga";
    fixed.precision = "ap_fixed<16,6>";

    desk_.deliver({id, 0, 1}, 0, outcome(1));
    desk_.deliver({id, 1, 1}, 0, fixed);
    desk_.deliver({id, 2, 1}, 0, outcome(1));

    ASSERT_EQ(frontend_.answers.size(), 1u);
    EXPECT_EQ(frontend_.answers[0].device_class, "cpu+fpga");
    EXPECT_EQ(frontend_.answers[0].precision, "f32+ap_fixed<16,6>");
}

TEST_F(CallDeskTest, FailsALargeCallWhoseSlicesHaveOutputsOfDifferentShapes) {
    const CallId id = open("large", 3);
    const std::vector<float> wide(2 * 1000);
    const std::vector<ConstTensorView> wider = {
        {DataType::f32, Shape{2, 1000}, std::as_bytes(std::span(wide))}};
    BatchOutcome second = outcome(1);

    desk_.deliver({id, 0, 1}, 0, second);
    second.outputs = wider;
    desk_.deliver({id, 1, 2}, 0, second);

    ASSERT_EQ(frontend_.answers.size(), 1u);
    EXPECT_EQ(frontend_.answers[0].status.code(), StatusCode::internal);
    EXPECT_EQ(slab_.open_calls(), 0u);
}

TEST_F(CallDeskTest, AnswersACallOnlyOnce) {
    const CallId id = open("a", 2);

    desk_.fail(id, internal_error("device on fire"));
    desk_.fail(id, internal_error("again"));
    desk_.deliver({id, 0, 2}, 0, outcome(2));
    desk_.forget(id);

    ASSERT_EQ(frontend_.answers.size(), 1u);
    EXPECT_EQ(frontend_.answers[0].status.message(), "device on fire");
    EXPECT_TRUE(frontend_.forgotten.empty());
    EXPECT_NE(metrics_.text().find("bunch_replies_dropped_total{reason=\"call_closed\"} 1"),
              std::string::npos);
}

TEST_F(CallDeskTest, CountsRowsAndTheirPartOfTheDevicesTimeForTheTenant) {
    const TenantId tenant = tenants_.find("a");
    const CallId id = open("x", 3);
    slab_.find(id)->call.tenant = tenant;
    BatchOutcome batch = outcome(12);
    batch.times.compute_end = batch.times.compute_begin + std::chrono::milliseconds(40);

    desk_.deliver({id, 0, 3}, 2, batch);

    EXPECT_EQ(tenants_.metrics_of(tenant).requests.value(), 1u);
    EXPECT_EQ(tenants_.metrics_of(tenant).rows.value(), 3u);
    EXPECT_EQ(tenants_.metrics_of(tenant).compute.value(), 10'000'000u);
    EXPECT_EQ(tenants_.metrics_of(TenantId{0}).requests.value(), 0u);
}

TEST_F(CallDeskTest, ForgetsACancelledCallWithoutAnAnswer) {
    const CallId id = open("a", 1);

    desk_.forget(id);

    EXPECT_TRUE(frontend_.answers.empty());
    EXPECT_EQ(frontend_.forgotten, std::vector<std::string>{"a"});
    EXPECT_EQ(slab_.open_calls(), 0u);
}

}  // namespace
}  // namespace bunch
