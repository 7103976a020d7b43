// Reconfigurable devices: one image at a time, and another one when that pays.
#include "tests/scheduler/scenario.h"

namespace bunch {
namespace {

using namespace scenario;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr ModelId kOther{2};

InstanceInfo in_image(ModelId model, ImageNumber image, bool is_loaded, DeviceId on = kDevice) {
    InstanceInfo made = instance(8, on, model);
    made.image = image;
    made.state = is_loaded ? InstanceState::ready : InstanceState::loadable;
    made.load_time = 100ms;
    return made;
}

/// A device that holds kModel's image and could load kOther's in 100 ms; 1 ms + 1 ms per row.
struct Fpga {
    Fpga() {
        ModelPolicy other = policy(8);
        other.model = kOther;
        scheduler.configure(at(0ms), {{policy(8), other}, 5s});
        scheduler.device_up(at(0ms), device(1, 1, kDevice, "fpga"));
        scheduler.instance_up(at(0ms), in_image(kModel, 1, true));
        scheduler.instance_up(at(0ms), in_image(kOther, 2, false));
        scheduler.recall(at(0ms),
                         {exact_curve(1ms, 1ms, "fpga"), exact_curve(1ms, 1ms, "fpga", kOther)});
    }
    void submit(TimePoint when, ModelId model, std::uint32_t rows) {
        Ticket one = ticket(++next, rows);
        one.model = model;
        scheduler.submit(when, one);
    }
    /// Looks whenever it is told to until `end`; the loads that were decided.
    std::vector<Load> loads_until(TimePoint end) {
        std::vector<Load> loads;
        for (TimePoint now = begin; now < end;) {
            for (const Decision& decision : decide(scheduler, now)) {
                if (const auto* load = std::get_if<Load>(&decision)) loads.push_back(*load);
                if (const auto* dispatch = std::get_if<Dispatch>(&decision)) {
                    dispatched.push_back(dispatch->batch.model);
                    scheduler.batch_done(now, dispatch->batch.id,
                                         report(run_time(dispatch->batch.rows)));
                }
            }
            const TimePoint wake = scheduler.next_wakeup().value_or(end);
            now = std::max(now + 1us, std::min(wake, end));
            begin = now;
        }
        return loads;
    }
    void finish_load(TimePoint when) {
        scheduler.instance_up(when, in_image(kOther, 2, true));
        scheduler.instance_up(when, in_image(kModel, 1, false));
    }

    Scheduler scheduler{1};
    TimePoint begin = at(0ms);
    std::vector<ModelId> dispatched;
    std::uint64_t next = 0;
};

TEST(Swap, IsTakenOnceForWorkThatNoOtherDeviceCanDo) {
    Fpga fpga;
    fpga.submit(at(0ms), kOther, 8);

    const std::vector<Load> loads = fpga.loads_until(at(90ms));

    ASSERT_EQ(loads.size(), 1u);
    EXPECT_EQ(loads[0].model, kOther);
    EXPECT_EQ(loads[0].device, kDevice);
    fpga.finish_load(at(100ms));
    EXPECT_THAT(fpga.loads_until(at(1s)), IsEmpty());
    EXPECT_THAT(fpga.dispatched, ElementsAre(kOther));
}

TEST(Swap, SendsNothingUntilTheImageIsThere) {
    Fpga fpga;
    fpga.submit(at(0ms), kOther, 8);
    ASSERT_EQ(fpga.loads_until(at(50ms)).size(), 1u);

    fpga.submit(at(50ms), kModel, 8);

    EXPECT_THAT(fpga.loads_until(at(90ms)), IsEmpty());
    EXPECT_THAT(fpga.dispatched, IsEmpty());
}

TEST(Swap, WaitsUntilTheLanesAreEmpty) {
    Fpga fpga;
    fpga.submit(at(0ms), kModel, 8);
    const Batch running = batches_of(decide(fpga.scheduler, at(0ms))).at(0);
    fpga.scheduler.batch_started(at(0ms), running.id);
    fpga.submit(at(0ms), kOther, 64);
    EXPECT_THAT(fpga.loads_until(at(100ms)), IsEmpty());

    fpga.scheduler.batch_done(at(100ms), running.id, report(100ms));

    EXPECT_EQ(fpga.loads_until(at(150ms)).size(), 1u);
}

TEST(Swap, IsNotTakenWhileMoreWorkIsThereForThePresentImage) {
    Fpga fpga;
    fpga.submit(at(0ms), kModel, 8);
    fpga.scheduler.batch_started(at(0ms), batches_of(decide(fpga.scheduler, at(0ms))).at(0).id);
    fpga.submit(at(0ms), kModel, 64);
    fpga.submit(at(0ms), kOther, 8);

    EXPECT_THAT(fpga.loads_until(at(500ms)), IsEmpty());
}

TEST(Swap, IsNotTakenForWorkThatAnotherDeviceGetsDoneSooner) {
    Fpga fpga;
    fpga.scheduler.device_up(at(0ms), device(1, 1, DeviceId{2}, "gpu"));
    fpga.scheduler.instance_up(at(0ms), instance(8, DeviceId{2}, kOther));
    fpga.scheduler.recall(at(0ms), {exact_curve(1ms, 1ms, "gpu", kOther)});

    for (int i = 0; i < 100; ++i) {
        fpga.submit(at(i * 10ms), kOther, 4);
        EXPECT_THAT(fpga.loads_until(at((i + 1) * 10ms)), IsEmpty());
    }

    EXPECT_EQ(fpga.dispatched.size(), 100u);
}

TEST(Swap, IsNotTakenBackBeforeItHasPaid) {
    Fpga fpga;
    fpga.submit(at(0ms), kOther, 8);
    ASSERT_EQ(fpga.loads_until(at(90ms)).size(), 1u);
    fpga.finish_load(at(100ms));
    fpga.begin = at(100ms);

    fpga.submit(at(110ms), kModel, 8);

    EXPECT_THAT(fpga.loads_until(at(490ms)), IsEmpty()) << "four loads' time";
    EXPECT_EQ(fpga.loads_until(at(600ms)).size(), 1u);
}

TEST(Swap, ThatFailsLeavesTheFormerImageInUse) {
    Fpga fpga;
    fpga.submit(at(0ms), kOther, 8);
    ASSERT_EQ(fpga.loads_until(at(90ms)).size(), 1u);
    fpga.submit(at(90ms), kModel, 8);

    fpga.scheduler.instance_down(at(100ms), in_image(kOther, 2, false).instance);
    const std::vector<Decision> decisions = decide(fpga.scheduler, at(100ms));

    EXPECT_EQ(batches_of(decisions).size(), 1u) << "at once";
    EXPECT_THAT(rejects_of(decisions), ElementsAre(RejectOf(1, StatusCode::unavailable)));
}

TEST(Swap, IsForgottenIfTheImageGoesBeforeItIsLoaded) {
    Fpga fpga;
    fpga.submit(at(0ms), kModel, 8);
    const Batch running = batches_of(decide(fpga.scheduler, at(0ms))).at(0);
    fpga.scheduler.batch_started(at(0ms), running.id);
    fpga.submit(at(0ms), kOther, 64);
    EXPECT_THAT(fpga.loads_until(at(50ms)), IsEmpty());

    fpga.scheduler.instance_down(at(50ms), in_image(kOther, 2, false).instance);
    fpga.scheduler.batch_done(at(60ms), running.id, report(60ms));
    fpga.submit(at(60ms), kModel, 1);

    EXPECT_THAT(fpga.loads_until(at(200ms)), IsEmpty());
    EXPECT_THAT(fpga.dispatched, ElementsAre(kModel));
}

TEST(Swap, IsForgottenWhenTheDeviceIsLost) {
    Fpga fpga;
    fpga.submit(at(0ms), kOther, 8);
    ASSERT_EQ(fpga.loads_until(at(90ms)).size(), 1u);

    fpga.scheduler.device_lost(at(90ms), kDevice);
    fpga.scheduler.device_up(at(95ms), {kDevice, "fpga", {LaneId{500}}, 1});
    fpga.scheduler.instance_up(at(95ms), in_image(kOther, 2, true));
    fpga.scheduler.instance_up(at(95ms), in_image(kModel, 1, false));

    EXPECT_THAT(fpga.loads_until(at(200ms)), IsEmpty());
    EXPECT_THAT(fpga.dispatched, ElementsAre(kOther));
}

}  // namespace
}  // namespace bunch
