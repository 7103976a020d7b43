// The FPGA backend where things go wrong, call by call: what it tells, and what it never does. The
// daemon's part is tests/integration/fpga_test.cpp.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <vector>

#include "backends/xrt/emulation/arrangement.h"
#include "backends/xrt/emulation/card_command.h"
#include "backends/xrt/emulation/model_folder.h"
#include "backends/xrt/xrt_backend.h"
#include "backends/xrt/xrt_options.h"

namespace bunch::test {
namespace {

using namespace std::chrono_literals;
using emulation::Board;
using emulation::copying_model;
using emulation::fpga_spec;
using testing::HasSubstr;
using testing::IsEmpty;

const bool kArranged = [] {
    emulation::arrange_cards("[[card]]\nstate = \"card.state\"\n");
    return true;
}();

constexpr std::size_t kSlotBytes = 8192;
constexpr std::uint32_t kSlots = 4;

/// One lane with its arena, and the two tensors of a row of 16 floats.
struct TestLane {
    TestLane() : memory(static_cast<std::byte*>(std::aligned_alloc(4096, kSlots * kSlotBytes))) {
        std::memset(memory, 1, kSlots * kSlotBytes);
    }
    ~TestLane() {
        lane.reset();
        std::free(memory);
    }
    std::span<std::byte> arena() const { return {memory, kSlots * kSlotBytes}; }

    Status submit(std::uint32_t slot, ModelId model, std::int64_t rows = 1) const {
        const auto bytes = arena().subspan(slot * kSlotBytes);
        const auto half = 64 * static_cast<std::size_t>(rows);
        const ConstTensorView input(DataType::f32, {rows, 16}, bytes.first(half));
        const TensorView output{DataType::f32, {rows, 16}, bytes.subspan(half, half)};
        return lane->submit(SlotId{slot}, model, {&input, 1}, {&output, 1});
    }

    std::byte* memory;
    std::unique_ptr<Lane> lane;
};

class XrtFaults : public testing::Test {
  protected:
    void SetUp() override { card().reset(); }

    emulation::CardState& card() { return emulation::card_state("card.state"); }
    emulation::CardFaults& faults() { return card().faults(); }

    void open(BackendOptions options = {}) {
        options["slots"] = std::to_string(kSlots);
        auto backend = make_xrt_backend(options);
        ASSERT_TRUE(backend.ok()) << backend.status().to_string();
        backend_ = std::move(*backend);
        backend_->on_fault([this](const DeviceFault& fault) { told_.push_back(fault); });
        for (std::uint32_t i = 0; i < backend_->device().lanes; ++i) {
            lanes_.push_back(std::make_unique<TestLane>());
            auto lane = backend_->open_lane(i, lanes_.back()->arena());
            ASSERT_TRUE(lane.ok()) << lane.status().to_string();
            lanes_.back()->lane = std::move(*lane);
        }
    }

    Result<LoadedModel> load(std::uint32_t id, const emulation::FpgaFolder& folder) {
        return backend_->load(
            ModelId{id},
            fpga_spec(folder.name, emulation::write_model(folder, emulation::card_folder()), 32));
    }

    void open_with_one_model(const std::string& manifest_head = "time_limit = \"10s\"\n") {
        ASSERT_NO_FATAL_FAILURE(open());
        emulation::FpgaFolder folder = copying_model("one");
        folder.manifest_head += manifest_head;
        const auto loaded = load(1, folder);
        ASSERT_TRUE(loaded.ok()) << loaded.status().to_string();
    }

    /// One call through the first lane.
    Status run(std::uint32_t model, std::int64_t rows = 1) {
        BUNCH_RETURN_IF_ERROR(lanes_[0]->submit(0, ModelId{model}, rows));
        const auto completion = lanes_[0]->lane->wait(now() + 20s);
        return completion ? completion->status : internal_error("it does not end");
    }

    void call_a_hanging_unit();

    std::vector<DeviceFault> told_;
    std::unique_ptr<Backend> backend_;
    std::vector<std::unique_ptr<TestLane>> lanes_;
};

TEST_F(XrtFaults, SaysWhatIsWrongWithAnOption) {
    const auto message = [](const BackendOptions& options) {
        return fpga::XrtOptions::from(options).status().message();
    };

    EXPECT_THAT(message({{"card", "left"}}), HasSubstr("its index, \"0\", or its address"));
    EXPECT_THAT(message({{"lanes", "0"}}), HasSubstr("from 1 to 64"));
    EXPECT_THAT(message({{"slots", "9"}}), HasSubstr("from 1 to 8"));
    EXPECT_THAT(message({{"device_class", "a b"}}), HasSubstr("without blanks"));
    EXPECT_THAT(message({{"busy_timeout", "5"}}), HasSubstr("as \"30s\""));
    EXPECT_THAT(message({{"speed", "9"}}), HasSubstr("no option 'speed'"));
    EXPECT_TRUE(fpga::XrtOptions::from({{"card", "0000:65:00.1"}}).ok());
    EXPECT_THAT(make_xrt_backend({{"card", "7"}}).status().message(),
                HasSubstr("FPGA card 7 cannot be opened"));
}

TEST_F(XrtFaults, OnlyTriesAModelWithoutTheCardWhileThereIsNoLane) {
    auto backend = make_xrt_backend({});
    ASSERT_TRUE(backend.ok());
    const std::uint64_t before = faults().loads;
    faults().board = Board::dead;

    const auto loaded = (*backend)->load(
        ModelId{1},
        fpga_spec("tried", emulation::write_model(copying_model("tried"), emulation::card_folder()),
                  8));

    ASSERT_TRUE(loaded.ok()) << loaded.status().to_string();
    EXPECT_EQ(loaded->signature.inputs.front().name, "x");
    EXPECT_EQ(faults().loads, before);
}

void XrtFaults::call_a_hanging_unit() {
    ASSERT_NO_FATAL_FAILURE(open_with_one_model("time_limit = \"50ms\"\n"));
    faults().hanging_units = 1;
    ASSERT_TRUE(lanes_[0]->submit(0, ModelId{1}).ok());

    EXPECT_FALSE(lanes_[0]->lane->wait(now() + 1ms));
    EXPECT_ANY_THROW(lanes_[0]->lane->wait(now() + 20s));

    ASSERT_EQ(told_.size(), 1u);
    EXPECT_EQ(told_[0].kind, FaultKind::hang);
    EXPECT_TRUE(told_[0].ends_runner);
    EXPECT_THAT(told_[0].message, HasSubstr("unit 'k_1' of kernel 'k' did not end a call of 1 rows "
                                            "within 0.05 s"));
    // Nothing more is told, and nothing ends, until the process does.
    EXPECT_TRUE(lanes_[0]->submit(1, ModelId{1}).ok());
    EXPECT_ANY_THROW(lanes_[0]->lane->wait(now() + 20s));
    EXPECT_EQ(told_.size(), 1u);
}

// In a process of its own that ends without destructors, as the runner does: XRT's would wait for
// the call that hangs.
TEST_F(XrtFaults, TellsThatAUnitHangsAndLetsItsLaneEnd) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");

    EXPECT_EXIT(
        {
            call_a_hanging_unit();
            std::filesystem::remove_all(emulation::card_folder());
            std::_Exit(HasFailure() ? 1 : 0);
        },
        testing::ExitedWithCode(0), "");
}

TEST_F(XrtFaults, EndsACallThatTheCardFailedAndRunsTheNext) {
    ASSERT_NO_FATAL_FAILURE(open_with_one_model());
    faults().failing_runs = 1;

    const Status failed = run(1);

    EXPECT_EQ(failed.code(), StatusCode::internal);
    EXPECT_THAT(failed.message(), HasSubstr("in the state ERROR"));
    ASSERT_EQ(told_.size(), 1u);
    EXPECT_EQ(told_[0].kind, FaultKind::call_failed);
    EXPECT_FALSE(told_[0].ends_runner);
    EXPECT_TRUE(run(1).ok());
}

TEST_F(XrtFaults, GivesTheCardUpAfterManyFailedCallsInARow) {
    ASSERT_NO_FATAL_FAILURE(open_with_one_model());
    faults().failing_runs = 5;

    for (int i = 0; i < 4; ++i) EXPECT_EQ(run(1).code(), StatusCode::internal);
    EXPECT_ANY_THROW(static_cast<void>(run(1)));

    EXPECT_TRUE(told_.back().ends_runner);
    EXPECT_THAT(told_.back().message, HasSubstr("as the 4 calls before it"));
}

// So the daemon finds the one row that fails: in a half of what failed, and a half of that.
TEST_F(XrtFaults, KeepsTheCardWhileEverSmallerPartsOfABatchFail) {
    ASSERT_NO_FATAL_FAILURE(open_with_one_model());
    faults().failing_runs = 12;

    for (int search = 0; search < 2; ++search) {
        for (const std::int64_t rows : {32, 16, 8, 4, 2, 1})
            EXPECT_EQ(run(1, rows).code(), StatusCode::internal) << rows;
        EXPECT_FALSE(told_.back().ends_runner);
    }
    EXPECT_TRUE(run(1).ok());
}

TEST_F(XrtFaults, GivesTheCardUpInTheMiddleOfSuchASearchIfAllOfItFails) {
    ASSERT_NO_FATAL_FAILURE(open_with_one_model());
    faults().failing_runs = 100;

    for (const std::int64_t rows : {16, 8, 4, 2, 1, 1, 2, 1, 1})
        EXPECT_EQ(run(1, rows).code(), StatusCode::internal) << rows;
    EXPECT_ANY_THROW(static_cast<void>(run(1, 4)));

    EXPECT_TRUE(told_.back().ends_runner);
}

TEST_F(XrtFaults, TellsWhenTheDriverRefusesAllWork) {
    ASSERT_NO_FATAL_FAILURE(open_with_one_model());
    faults().board = Board::dead;

    EXPECT_TRUE(lanes_[0]->submit(0, ModelId{1}).ok());
    EXPECT_ANY_THROW(lanes_[0]->lane->wait(now() + 20s));
    ASSERT_EQ(told_.size(), 1u);
    EXPECT_EQ(told_[0].kind, FaultKind::dead);

    faults().board = Board::gone;
    const auto loaded = load(2, copying_model("two"));
    EXPECT_FALSE(loaded.ok());
    EXPECT_EQ(told_.back().kind, FaultKind::gone);
}

TEST_F(XrtFaults, WaitsForACardThatAnotherProcessUses) {
    ASSERT_NO_FATAL_FAILURE(open());
    faults().busy_loads = 2;

    EXPECT_TRUE(load(1, copying_model("patient")).ok());
    EXPECT_THAT(told_, IsEmpty());
}

TEST_F(XrtFaults, TellsThatACardStaysInUse) {
    ASSERT_NO_FATAL_FAILURE(open({{"busy_timeout", "60ms"}}));
    faults().busy_loads = 1000;

    EXPECT_EQ(load(1, copying_model("impatient")).status().code(), StatusCode::unavailable);
    ASSERT_EQ(told_.size(), 1u);
    EXPECT_EQ(told_[0].kind, FaultKind::busy);
}

TEST_F(XrtFaults, RefusesAModelThatDoesNotFitTheCardsMemory) {
    ASSERT_NO_FATAL_FAILURE(open());
    ASSERT_TRUE(load(1, copying_model("small")).ok());
    faults().taken_bytes = std::uint64_t{1} << 40;

    const auto loaded = load(2, copying_model("large"));

    EXPECT_EQ(loaded.status().code(), StatusCode::resource_exhausted);
    EXPECT_THAT(loaded.status().message(), HasSubstr("lower max_rows"));
    ASSERT_EQ(told_.size(), 1u);
    EXPECT_EQ(told_[0].kind, FaultKind::memory_full);
    EXPECT_FALSE(told_[0].ends_runner);
    EXPECT_TRUE(run(1).ok());
}

TEST_F(XrtFaults, LetsASecondRunnerOffTheCard) {
    ASSERT_NO_FATAL_FAILURE(open());
    auto second = make_xrt_backend({});
    ASSERT_TRUE(second.ok());
    std::vector<DeviceFault> told;
    (*second)->on_fault([&told](const DeviceFault& fault) { told.push_back(fault); });
    const TestLane lane;

    EXPECT_THAT((*second)->open_lane(0, lane.arena()).status().message(),
                HasSubstr("the card is in use by process"));
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].kind, FaultKind::busy);
}

TEST_F(XrtFaults, KeepsModelsOfOneDesignAndChangesDesignsOnlyWhenTold) {
    ASSERT_NO_FATAL_FAILURE(open({{"lanes", "3"}}));  // more than there are units
    const std::uint64_t before = faults().loads;
    emulation::FpgaFolder other = copying_model("other");
    other.uuid = 2;
    const auto first = load(1, copying_model("first"));
    const auto sibling = load(2, copying_model("sibling"));
    const auto second = load(3, other);
    ASSERT_TRUE(first.ok() && sibling.ok() && second.ok());

    EXPECT_TRUE(first->resident && sibling->resident);
    EXPECT_FALSE(second->resident);
    EXPECT_EQ(first->image, sibling->image);
    EXPECT_NE(first->image, second->image);
    EXPECT_TRUE(run(1).ok() && run(2).ok());
    EXPECT_THAT(run(3).message(), HasSubstr("is not on the card"));
    ASSERT_TRUE(backend_->activate(ModelId{3}).ok());
    EXPECT_TRUE(run(3).ok());
    EXPECT_EQ(run(1).code(), StatusCode::not_found);
    ASSERT_TRUE(backend_->activate(ModelId{2}).ok());
    EXPECT_TRUE(run(1).ok() && run(2).ok());
    EXPECT_EQ(faults().loads - before, 3u);
    EXPECT_FALSE(backend_->activate(ModelId{9}).ok());
    backend_->unload(ModelId{1});
    EXPECT_EQ(run(1).code(), StatusCode::not_found);
    EXPECT_TRUE(run(2).ok());
}

TEST_F(XrtFaults, TellsWhatADesignThatCannotBeLoadedLeavesBehind) {
    ASSERT_NO_FATAL_FAILURE(open());
    emulation::FpgaFolder other = copying_model("broken");
    other.uuid = 3;
    ASSERT_TRUE(load(1, copying_model("whole")).ok());
    ASSERT_TRUE(load(2, other).ok());
    faults().failing_loads = 1;

    EXPECT_EQ(backend_->activate(ModelId{2}).code(), StatusCode::unavailable);
    ASSERT_EQ(told_.size(), 1u);
    EXPECT_EQ(told_[0].kind, FaultKind::load_failed);
    EXPECT_EQ(run(1).code(), StatusCode::not_found);
}

TEST_F(XrtFaults, ReadsTheClockOfTheCard) {
    ASSERT_NO_FATAL_FAILURE(open());

    const DeviceReadings readings = backend_->readings();

    EXPECT_EQ(readings.hertz, 300e6);
    EXPECT_FALSE(readings.celsius);  // an emulated card has no sensors
    EXPECT_FALSE(readings.watts);
}

TEST_F(XrtFaults, RefusesWhatAnFpgaModelCannotBe) {
    ASSERT_NO_FATAL_FAILURE(open());
    ModelSpec spec =
        fpga_spec("m", emulation::write_model(copying_model("m"), emulation::card_folder()), 8);
    spec.precision = Precision::int8;
    EXPECT_THAT(backend_->load(ModelId{1}, spec).status().message(),
                HasSubstr("that of an FPGA model is in its manifest"));
    spec.precision = Precision::f32;
    spec.signature.batched = false;
    EXPECT_THAT(backend_->load(ModelId{1}, spec).status().message(), HasSubstr("batched = false"));
}

TEST_F(XrtFaults, CanBeOrderedFromTheCommandLine) {
    std::ostringstream out;
    const auto order = [&](std::vector<std::string> words) {
        return emulation::card_command(card(), words, out);
    };

    EXPECT_TRUE(order({"hang", "3"}).ok());
    EXPECT_EQ(faults().hanging_units, 8u);
    EXPECT_TRUE(order({"fail-runs", "2"}).ok());
    EXPECT_EQ(faults().failing_runs, 2u);
    EXPECT_TRUE(order({"dead"}).ok());
    EXPECT_TRUE(order({}).ok());
    EXPECT_THAT(out.str(), HasSubstr("dead, waiting for a reset"));
    EXPECT_TRUE(order({"back"}).ok());
    EXPECT_TRUE(order({"gone"}).ok());
    EXPECT_TRUE(order({"reset"}).ok());
    EXPECT_EQ(card().health(), 0);
    EXPECT_EQ(faults().hanging_units, 0u);
    for (const auto& words : std::vector<std::vector<std::string>>{
             {"hang"}, {"hang", "x"}, {"dead", "1"}, {"explode"}, {"status", "1"}})
        EXPECT_FALSE(order(words).ok()) << words[0];
}

}  // namespace
}  // namespace bunch::test
