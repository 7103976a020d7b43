#include "cli/bench_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace bunch {
namespace {

using nlohmann::json;

const v1::Model* model_of(const v1::StatusResponse& status, const std::string& name) {
    const v1::Model* found = nullptr;  // the last one: versions are in ascending order
    for (const v1::Model& model : status.models())
        if (model.name() == name) found = &model;
    return found;
}

struct Busy {
    double lane = 0;
    double compute = 0;
    double useful = 0;
    bool has_useful = true;
};

/// Sums over the devices on which the model is loaded, all if the daemon names none.
Busy busy_of(const v1::StatusResponse& status, const v1::Model& model) {
    Busy sum;
    for (const v1::Device& device : status.devices()) {
        const auto& names = model.devices();
        if (!names.empty() && std::find(names.begin(), names.end(), device.name()) == names.end())
            continue;
        sum.lane += device.lane_seconds();
        sum.compute += device.compute_seconds();
        sum.useful += device.useful_seconds();
        sum.has_useful = sum.has_useful && device.has_useful_seconds();
    }
    return sum;
}

double per_second(std::uint64_t count, Duration span) {
    return span > Duration::zero() ? static_cast<double>(count) / to_seconds(span) : 0;
}

json or_null(const std::optional<double>& value) {
    return value ? json(*value) : json(nullptr);
}

std::string or_dash(const std::optional<double>& value, const char* format) {
    return value ? fmt::format(fmt::runtime(format), *value) : "-";
}

std::string errors_text(const BenchCounts& counts) {
    std::string text = std::to_string(counts.errors());
    for (std::size_t code = 1; code < counts.by_status.size(); ++code) {
        if (counts.by_status[code] == 0) continue;
        text +=
            fmt::format("  {} {}", counts.by_status[code], name_of(static_cast<StatusCode>(code)));
    }
    return text;
}

}  // namespace

DaemonView daemon_view(const std::optional<v1::StatusResponse>& before,
                       const std::optional<v1::StatusResponse>& after, const std::string& model) {
    DaemonView view;
    if (!before || !after) return view;
    const v1::Model* first = model_of(*before, model);
    const v1::Model* last = model_of(*after, model);
    if (first == nullptr || last == nullptr) return view;
    if (last->batches() > first->batches()) {
        view.mean_batch_rows = static_cast<double>(last->rows() - first->rows()) /
                               static_cast<double>(last->batches() - first->batches());
    }
    const Busy from = busy_of(*before, *last);
    const Busy to = busy_of(*after, *last);
    if (to.lane <= from.lane) return view;
    view.duty_cycle = (to.compute - from.compute) / (to.lane - from.lane);
    if (to.has_useful) view.useful_duty = (to.useful - from.useful) / (to.lane - from.lane);
    return view;
}

void write_bench_json(const BenchPlan& plan, const BenchResult& result, const DaemonView& daemon,
                      std::ostream& out) {
    const LatencyHistogram& latencies = result.counts.latencies;
    const json object = {
        {"requests_per_second", per_second(latencies.count(), result.measured)},
        {"rows_per_second", per_second(latencies.count() * plan.rows, result.measured)},
        {"latency_seconds",
         {{"p50", to_seconds(latencies.quantile(0.5))},
          {"p90", to_seconds(latencies.quantile(0.9))},
          {"p99", to_seconds(latencies.quantile(0.99))},
          {"max", to_seconds(latencies.max())}}},
        {"errors", result.counts.errors()},
        {"mismatches", result.counts.mismatches},
        {"mean_batch_rows", or_null(daemon.mean_batch_rows)},
        {"duty_cycle", or_null(daemon.duty_cycle)},
        {"useful_duty", or_null(daemon.useful_duty)}};
    out << object.dump(2) << '\n';
}

void write_bench_text(const BenchPlan& plan, const BenchResult& result, const DaemonView& daemon,
                      std::ostream& out) {
    const LatencyHistogram& latencies = result.counts.latencies;
    const auto us = [&](double fraction) { return to_seconds(latencies.quantile(fraction)) * 1e6; };
    out << fmt::format("{}: {} processes x {} in flight, {} rows, seed {}, {:.2f} s\n", plan.model,
                       plan.processes, plan.concurrency, plan.rows, plan.seed,
                       to_seconds(result.measured));
    out << fmt::format("requests/s       {:.0f}\n", per_second(latencies.count(), result.measured));
    out << fmt::format("rows/s           {:.0f}\n",
                       per_second(latencies.count() * plan.rows, result.measured));
    out << fmt::format(
        "latency          p50 {:.0f} us  p90 {:.0f} us  p99 {:.0f} us  max {:.0f} us\n", us(0.5),
        us(0.9), us(0.99), to_seconds(latencies.max()) * 1e6);
    out << "errors           " << errors_text(result.counts) << '\n';
    out << "mismatches       "
        << (plan.check ? std::to_string(result.counts.mismatches) : "not checked (use --check)")
        << '\n';
    out << "mean batch rows  " << or_dash(daemon.mean_batch_rows, "{:.1f}") << '\n';
    out << "duty cycle       " << or_dash(daemon.duty_cycle, "{:.3f}") << '\n';
    out << "useful duty      " << or_dash(daemon.useful_duty, "{:.3f}") << '\n';
}

}  // namespace bunch
