#include "bench/farm/crowd.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <set>
#include <vector>

#include "bench/farm/shared_memory.h"

namespace bunch::farm {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

/// Begin and end of a request that is answered `after` the opening of the window.
void answer(Worker& worker, const Window& window, Duration after, const Verdict& verdict = {}) {
    worker.answered(window.begin + after - milliseconds(1), window.begin + after, 2, verdict);
}

TEST(Crowd, AddsUpWhatItsWorkersCount) {
    const auto body = [](Worker& worker) {
        const Window window = worker.wait_for_start();
        for (std::size_t i = 0; i <= worker.index(); ++i) answer(worker, window, Duration(0));
        return ok_status();
    };

    const auto result = run_crowd({4, {}, milliseconds(1)}, body, {});

    ASSERT_TRUE(result.ok()) << result.status().to_string();
    EXPECT_EQ(result->workers, 4U);
    EXPECT_EQ(result->requests, 1U + 2 + 3 + 4);
    EXPECT_EQ(result->rows, 20U);
    EXPECT_NEAR(result->latencies.quantile(0.5), 1e-3, 1e-5);
}

TEST(Crowd, CountsWorkersOfDifferentKindsApart) {
    const auto body = [](Worker& worker) {
        const Window window = worker.wait_for_start();
        for (std::size_t i = 0; i <= worker.index(); ++i) answer(worker, window, Duration(0));
        return ok_status();
    };

    const auto result = run_mixed_crowd({5, {}, milliseconds(1)}, 2, body, {});

    ASSERT_TRUE(result.ok()) << result.status().to_string();
    ASSERT_EQ(result->size(), 2U);
    EXPECT_EQ((*result)[0].workers, 3U);
    EXPECT_EQ((*result)[0].requests, 1U + 3 + 5);
    EXPECT_EQ((*result)[1].workers, 2U);
    EXPECT_EQ((*result)[1].requests, 2U + 4);
}

TEST(Crowd, CountsRatesInsideTheWindowOnlyButWrongAnswersAlways) {
    const auto body = [](Worker& worker) {
        const Window window = worker.wait_for_start();
        answer(worker, window, -milliseconds(5), {0.5, true, true});
        answer(worker, window, milliseconds(5), {0.1, false, false});
        answer(worker, window, window.end - window.begin, {0.2, true, false});
        return ok_status();
    };

    const auto result = run_crowd({1, milliseconds(1), milliseconds(10)}, body, {});

    ASSERT_TRUE(result.ok()) << result.status().to_string();
    EXPECT_EQ(result->requests, 1U);
    EXPECT_EQ(result->mismatches, 2U);
    EXPECT_EQ(result->swapped, 1U);
    EXPECT_DOUBLE_EQ(result->max_deviation, 0.5);
}

TEST(Crowd, RunsEveryWorkerAsAProcessOfItsOwn) {
    const SharedArray<pid_t> pids(3);
    const auto body = [&](Worker& worker) {
        worker.wait_for_start();
        pids[worker.index()] = getpid();
        return ok_status();
    };

    ASSERT_TRUE(run_crowd({3, {}, {}}, body, {}).ok());

    const std::set<pid_t> distinct(pids.all().begin(), pids.all().end());
    EXPECT_EQ(distinct.size(), 3U);
    EXPECT_FALSE(distinct.contains(getpid()));
}

TEST(Crowd, ReportsFailedRequestsWithTheFirstReason) {
    const auto body = [](Worker& worker) {
        worker.wait_for_start();
        worker.failed("the first");
        worker.failed("the second");
        return ok_status();
    };

    const auto result = run_crowd({1, {}, {}}, body, {});

    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->errors, 2U);
    EXPECT_EQ(result->first_error, "the first");
}

TEST(Crowd, CallsItsEventsOnceEachAndInOrder) {
    std::vector<std::string> seen;
    CrowdEvents events;
    events.on_begin = [&] { seen.push_back("begin"); };
    events.on_end = [&] { seen.push_back("end"); };
    const auto body = [](Worker& worker) {
        const Window window = worker.wait_for_start();
        // As a real worker: busy until the window has closed.
        while (now() < window.end) answer(worker, window, Duration(0));
        return ok_status();
    };

    ASSERT_TRUE(run_crowd({2, milliseconds(5), milliseconds(20)}, body, events).ok());

    EXPECT_THAT(seen, testing::ElementsAre("begin", "end"));
}

TEST(Crowd, FailsWithTheReasonOfAWorkerThatGivesUpAndEndsTheOthers) {
    const SharedArray<pid_t> pids(2);
    const auto body = [&](Worker& worker) -> Status {
        pids[worker.index()] = getpid();
        if (worker.index() == 1) return unavailable("no service at x");
        worker.wait_for_start();
        pause();
        return ok_status();
    };

    const auto result = run_crowd({2, {}, seconds(3600)}, body, {});

    ASSERT_FALSE(result.ok());
    EXPECT_THAT(result.status().message(), HasSubstr("worker 1"));
    EXPECT_THAT(result.status().message(), HasSubstr("no service at x"));
    // Reaped: neither running nor a zombie.
    EXPECT_EQ(waitpid(pids[0], nullptr, WNOHANG), -1);
}

TEST(Crowd, NoticesAWorkerThatIsKilled) {
    const auto body = [](Worker& worker) {
        worker.wait_for_start();
        kill(getpid(), SIGKILL);
        return ok_status();
    };

    const auto result = run_crowd({1, {}, seconds(3600)}, body, {});

    ASSERT_FALSE(result.ok());
    EXPECT_THAT(result.status().message(), HasSubstr("signal 9"));
}

}  // namespace
}  // namespace bunch::farm
