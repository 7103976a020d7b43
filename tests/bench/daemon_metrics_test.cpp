#include "bench/farm/daemon_metrics.h"

#include <gtest/gtest.h>

#include <string>

namespace bunch::farm {
namespace {

/// A page as the daemon serves it, after `seconds` of work at half load in batches of four.
std::string page_after(double seconds) {
    const auto number = [](double value) { return std::to_string(value); };
    return "# HELP bunch_batch_rows Rows per batch.\n"
           "# TYPE bunch_batch_rows histogram\n"
           "bunch_batch_rows_bucket{model=\"muon\",device=\"cpu\",le=\"+Inf\"} 7\n"
           "bunch_batch_rows_sum{model=\"muon\",device=\"cpu\"} " +
           number(40 * seconds) +
           "\n"
           "bunch_batch_rows_count{model=\"muon\",device=\"cpu\"} " +
           number(10 * seconds) +
           "\n"
           "bunch_batch_rows_sum{model=\"other\",device=\"cpu\"} " +
           number(999 * seconds) +
           "\n"
           "bunch_batch_rows_count{model=\"other\",device=\"cpu\"} " +
           number(seconds) +
           "\n"
           "bunch_device_state_seconds_total{device=\"cpu\",backend=\"cpu\",state=\"compute\"} " +
           number(seconds) +
           "\n"
           "bunch_device_state_seconds_total{device=\"cpu\",backend=\"cpu\",state=\"idle\"} " +
           number(seconds) +
           "\n"
           "bunch_device_useful_seconds_total{device=\"cpu\",backend=\"cpu\"} " +
           number(0.8 * seconds) +
           "\n"
           "bunch_request_stage_seconds_sum{model=\"muon\",version=\"1\",stage=\"queue\"} " +
           number(2 * seconds) +
           "\n"
           "bunch_request_stage_seconds_count{model=\"muon\",version=\"1\",stage=\"queue\"} " +
           number(1000 * seconds) + "\n";
}

TEST(DaemonMetrics, TakesTheDifferencesOfTwoScrapes) {
    const auto before = MetricsPage::parse(page_after(100));
    const auto after = MetricsPage::parse(page_after(110));

    const ServiceFigures figures = figures_between(before, after, "muon", "cpu");

    EXPECT_NEAR(figures.mean_batch_rows, 4, 1e-6);
    EXPECT_NEAR(figures.duty_cycle, 0.5, 1e-6);
    EXPECT_NEAR(figures.useful_duty, 0.4, 1e-6);
    EXPECT_NEAR(figures.stage_seconds.at("queue"), 0.002, 1e-9);
    EXPECT_EQ(figures.stage_seconds.at("compute"), 0);
}

TEST(DaemonMetrics, AreZeroWhereNothingHappened) {
    const auto page = MetricsPage::parse(page_after(100));

    const ServiceFigures figures = figures_between(page, page, "muon", "cpu");

    EXPECT_EQ(figures.mean_batch_rows, 0);
    EXPECT_EQ(figures.duty_cycle, 0);
}

TEST(MetricsPage, SkipsWhatIsNoSample) {
    const auto page = MetricsPage::parse("\n# x 1\nnonsense\na 2\na{b=\"c d\"} 3e0\nlast 1");

    EXPECT_EQ(page.sum("a", {}), 5);
    EXPECT_EQ(page.sum("a", {"b=\"c d\""}), 3);
    EXPECT_EQ(page.sum("last", {}), 1);
    EXPECT_EQ(page.sum("x", {}), 0);
}

}  // namespace
}  // namespace bunch::farm
