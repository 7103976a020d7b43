#include "bench/farm/executor.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>

#include "bench/farm/crowd.h"

namespace bunch::farm {
namespace {

using std::chrono::milliseconds;

TEST(SimulatedAccelerator, EchoesItsInputAfterItsServiceTime) {
    auto source = simulated_accelerator(milliseconds(2), milliseconds(1), 3);
    ASSERT_TRUE(source.ok()) << source.status().to_string();
    auto executor = (*source)->open();
    ASSERT_TRUE(executor.ok()) << executor.status().to_string();
    const std::array<float, 3> input = {1, 2, 3};
    std::array<float, 3> output = {};

    const TimePoint begin = now();
    const Status status = (*executor)->run(input, output);
    const Duration took = now() - begin;

    EXPECT_EQ(status, ok_status());
    EXPECT_EQ(output, input);
    EXPECT_GE(took, milliseconds(5));
}

TEST(SimulatedAccelerator, ServesOneProcessAtATime) {
    constexpr std::size_t kWorkers = 4;
    constexpr int kRequests = 3;
    auto source = simulated_accelerator(milliseconds(3), {}, 1);
    ASSERT_TRUE(source.ok()) << source.status().to_string();
    const auto body = [&](Worker& worker) -> Status {
        BUNCH_ASSIGN_OR_RETURN(const auto executor, (*source)->open());
        worker.wait_for_start();
        for (int i = 0; i < kRequests; ++i) {
            std::array<float, 1> value = {};
            BUNCH_RETURN_IF_ERROR(executor->run(value, value));
        }
        return ok_status();
    };

    const TimePoint begin = now();
    ASSERT_TRUE(run_crowd({kWorkers, {}, {}}, body, {}).ok());

    EXPECT_GE(now() - begin, milliseconds(3) * kWorkers * kRequests);
}

}  // namespace
}  // namespace bunch::farm
