#include "monitoring/batch_metrics.h"

#include <algorithm>

#include "monitoring/metrics.h"

namespace bunch {
namespace {

constexpr std::array<std::uint64_t, 17> kRowBounds = {
    1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536};

// In thousandths, around 1000, which is what was predicted.
constexpr std::array<std::uint64_t, 11> kErrorBounds = {250,  500,  750,  900,  1000, 1050,
                                                        1100, 1250, 1500, 2000, 4000};

/// What the rows take at the best rate so far, which they may raise.
std::uint64_t useful_of(const BatchRun& run, double& best_per_row) {
    if (run.rows == 0 || run.compute <= Duration::zero()) return 0;
    const double per_row = static_cast<double>(run.compute.count()) / run.rows;
    best_per_row = best_per_row == 0 ? per_row : std::min(best_per_row, per_row);
    return static_cast<std::uint64_t>(best_per_row * run.rows);
}

}  // namespace

std::string_view name_of(Closing closing) {
    static constexpr std::array<std::string_view, kClosings> kNames = {
        "limit", "deadline", "share", "queue", "waited", "alone"};
    return kNames[static_cast<std::size_t>(closing)];
}

BatchMetrics::BatchMetrics(DeviceMetrics& on) : rows(kRowBounds), device_(on) {}

void BatchMetrics::record(const BatchRun& run) {
    rows.observe(run.rows);
    closed_batches[static_cast<std::size_t>(run.closing)].add();
    closed_rows[static_cast<std::size_t>(run.closing)].add(run.rows);
    device_.useful.add(useful_of(run, best_per_row_));
}

ClassMetrics::ClassMetrics() : error(kErrorBounds) {}

void ClassMetrics::record(const BatchRun& run) {
    rows.add(run.rows);
    compute.add(static_cast<std::uint64_t>(std::max(run.compute, Duration::zero()).count()));
    useful.add(useful_of(run, best_per_row_));
    if (run.predicted <= Duration::zero()) return;
    const double ratio =
        static_cast<double>(run.compute.count()) / static_cast<double>(run.predicted.count());
    error.observe(static_cast<std::uint64_t>(std::clamp(ratio, 0.0, 1e6) * 1000));
}

}  // namespace bunch
