#include "bench/farm/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bench/plot/plot.h"

namespace bunch::farm {
namespace {

/// Three significant digits of a number in [1, 1000).
std::string three_digits(double value) {
    return fmt::format("{:.{}f}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

std::string with_thousands(long long value) {
    std::string digits = fmt::format("{}", value);
    for (std::ptrdiff_t at = std::ssize(digits) - 3; at > 0; at -= 3)
        digits.insert(static_cast<std::size_t>(at), ",");
    return digits;
}

/// A row of the table: what it is, without and with the service.
std::string row(const std::string& what, const std::string& alone, const std::string& service) {
    return fmt::format("  {:<25} {:>16} {:>16}\n", what, alone, service);
}

template <typename Text>
std::string row_of(const PhaseResult& phase, const std::string& what, Text text) {
    return row(what, phase.alone ? text(*phase.alone) : "-",
               phase.service ? text(*phase.service) : "-");
}

std::string service_rows(const ServiceFigures& figures) {
    std::string table = row("mean batch rows", "-", rate_text(figures.mean_batch_rows));
    table += row("duty cycle", "-", fmt::format("{:.3f}", figures.duty_cycle));
    table += row("useful duty", "-", fmt::format("{:.3f}", figures.useful_duty));
    for (const char* stage : kStageNames)
        table += row(fmt::format("mean time in {}", stage), "-",
                     time_text(figures.stage_seconds.at(stage)));
    return table;
}

std::string check_row(const PhaseResult& phase) {
    const auto text = [](const Measurement& run) {
        return fmt::format("{}/{}/{}", run.crowd.mismatches, run.crowd.swapped, run.crowd.errors);
    };
    std::string rows = row_of(phase, "wrong/swapped/failed", text);
    const auto deviation = [](const Measurement& run) {
        return fmt::format("{:.1e}", run.crowd.max_deviation);
    };
    rows += row_of(phase, "largest deviation", deviation);
    rows +=
        fmt::format("  {:<25} tolerance {:.0e}, answers of different workers are {:.1e} apart\n",
                    "", phase.tolerance, phase.separation);
    for (const auto* run : {&phase.alone, &phase.service})
        if (*run && !(*run)->crowd.first_error.empty())
            rows += "  first failure: " + (*run)->crowd.first_error + "\n";
    return rows;
}

std::string phase_table(const PhaseResult& phase) {
    const std::size_t workers = phase.alone     ? phase.alone->crowd.workers
                                : phase.service ? phase.service->crowd.workers
                                                : 0;
    std::string table = fmt::format("\n{}, {} worker processes\n", phase.title, workers);
    table += row("", phase.simulated ? "taking turns" : "each for itself", "with bunchd");
    table += row_of(phase, phase.unit + " per second",
                    [](const Measurement& run) { return rate_text(run.rows_per_second()); });
    for (const double q : {0.5, 0.9, 0.99})
        table += row_of(phase, fmt::format("latency p{:.0f}", 100 * q), [q](const auto& run) {
            return time_text(run.crowd.latencies.quantile(q));
        });
    if (phase.service && phase.service->service) table += service_rows(*phase.service->service);
    return table + check_row(phase);
}

const PhaseResult* find(const std::vector<PhaseResult>& results, const std::string& name) {
    for (const PhaseResult& result : results)
        if (result.name == name && result.alone && result.service) return &result;
    return nullptr;
}

double gain(const PhaseResult& phase) {
    return phase.service->rows_per_second() / phase.alone->rows_per_second();
}

/// Over all runs, those of the curves too; warm-up included where an answer was wrong.
std::string verdict(const std::vector<PhaseResult>& results) {
    std::uint64_t answers = 0, mismatches = 0, swapped = 0, errors = 0;
    const auto add = [&](const Measurement& run) {
        answers += run.crowd.requests;
        mismatches += run.crowd.mismatches;
        swapped += run.crowd.swapped;
        errors += run.crowd.errors;
    };
    for (const PhaseResult& phase : results) {
        for (const auto* curve : {&phase.alone_curve, &phase.service_curve})
            std::for_each(curve->begin(), curve->end(), add);
        // The last point of a curve is the whole crowd.
        if (phase.alone && phase.alone_curve.empty()) add(*phase.alone);
        if (phase.service && phase.service_curve.empty()) add(*phase.service);
    }
    return fmt::format(
        "\n{} answers were compared with the expected ones: {} wrong, {} of another worker, {} "
        "requests failed.\n",
        with_thousands(static_cast<long long>(answers)), mismatches, swapped, errors);
}

/// What the numbers say, whether or not it flatters the service.
std::string lessons(const std::vector<PhaseResult>& results) {
    std::string text;
    if (const PhaseResult* resnet = find(results, "resnet50"))
        text += fmt::format(
            "On CPU cores batching gains ResNet-50 little, since one image already fills a core: "
            "x{:.2f} with the service here. Far from 1, other programs compete for the cores.\n",
            gain(*resnet));
    for (const char* name : {"muon", "facile"})
        if (const PhaseResult* tiny = find(results, name); tiny && gain(*tiny) < 1)
            text += fmt::format(
                "For {} a network this small is faster inside the job ({} {} per second): on CPU "
                "cores the call costs more than the answer.\n",
                name, rate_text(tiny->alone->rows_per_second()), tiny->unit);
    if (const PhaseResult* device = find(results, "accelerator"))
        text += fmt::format(
            "What pooling gains on a device that likes batches shows the SIMULATED accelerator: "
            "x{:.1f} the rows per second, and p50 latency {} instead of {}.\n",
            gain(*device), time_text(device->service->crowd.latencies.quantile(0.5)),
            time_text(device->alone->crowd.latencies.quantile(0.5)));
    return text;
}

plot::PlotSeries series(const std::string& name, const std::string& color, bool dashed,
                        double quantile, const std::vector<Measurement>& curve) {
    plot::PlotSeries made = {name, color, dashed, {}};
    for (const Measurement& run : curve) {
        const double latency = 1e3 * run.crowd.latencies.quantile(quantile);
        const double rate = run.rows_per_second();
        if (latency <= 0 || rate <= 0) continue;
        made.points.push_back({rate, latency, dashed ? "" : fmt::format("{}", run.crowd.workers)});
    }
    return made;
}

}  // namespace

std::string time_text(double seconds) {
    if (seconds <= 0) return "0";
    if (seconds < 0.9995e-3) return three_digits(seconds * 1e6) + " us";
    if (seconds < 0.9995) return three_digits(seconds * 1e3) + " ms";
    return three_digits(seconds) + " s";
}

std::string rate_text(double per_second) {
    if (per_second < 999.5) return three_digits(per_second);
    const double unit = std::pow(10.0, std::floor(std::log10(per_second)) - 2);
    return with_thousands(std::llround(std::round(per_second / unit) * unit));
}

std::string to_table(const std::vector<PhaseResult>& results) {
    std::string text;
    for (const PhaseResult& phase : results) text += phase_table(phase);
    return text + verdict(results) + lessons(results);
}

std::string to_plot(const std::vector<PhaseResult>& results) {
    std::vector<plot::PlotPanel> panels;
    for (const PhaseResult& phase : results) {
        if (phase.alone_curve.empty() && phase.service_curve.empty()) continue;
        const std::string without = phase.simulated ? "workers take turns" : "each for itself";
        panels.push_back({phase.title,
                          phase.unit + " per second",
                          "latency, ms",
                          {series("with bunchd, p50", "#1f77b4", false, 0.5, phase.service_curve),
                           series("with bunchd, p99", "#1f77b4", true, 0.99, phase.service_curve),
                           series(without + ", p50", "#d62728", false, 0.5, phase.alone_curve),
                           series(without + ", p99", "#d62728", true, 0.99, phase.alone_curve)}});
    }
    return plot::to_svg("Latency against throughput; numbers are worker processes", panels);
}

}  // namespace bunch::farm
