#include "bench/simulation/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/simulation/policies.h"

namespace bunch::simulation {
namespace {

/// As many digits as the figure deserves: milliseconds, or parts of one.
std::string figure_text(const Scenario& scenario, double figure) {
    return scenario.measure == Measure::latency ? fmt::format("{:.1f}ms", figure)
                                                : fmt::format("{:.3f}", figure);
}

std::string beat_text(const Scenario& scenario) {
    if (!scenario.beat) return "";
    return (scenario.measure == Measure::latency ? "<= " : ">= ") +
           figure_text(scenario, *scenario.beat);
}

std::string cell_text(const Study& study, const StudyRow& row, const StudyCell& cell) {
    std::string text = figure_text(row.scenario, cell.mean_figure());
    if (row.scenario.measure == Measure::tenants) text += fmt::format(" J{:.3f}", cell.mean_jain());
    if (row.scenario.swaps) text += fmt::format(" {:.3g} swaps", cell.mean_swaps());
    return text + (is_beaten(study, row, cell).value_or(false) ? "*" : " ");
}

double milliseconds(Duration span) {
    return to_seconds(span) * 1e3;
}

/// "limit 40 %, queue 60 %"
std::string closings(const ModelResult& model) {
    std::uint64_t all = 0;
    for (const std::uint64_t count : model.closed_by) all += count;
    std::string text;
    for (std::size_t i = 0; i < model.closed_by.size(); ++i)
        if (model.closed_by[i] > 0)
            text += fmt::format(
                "{}{} {:.0f}%", text.empty() ? "" : ", ", name_of(static_cast<CloseReason>(i)),
                100. * static_cast<double>(model.closed_by[i]) / static_cast<double>(all));
    return text;
}

/// "expired 12, shed 3"
std::string rejections(const Ends& ends) {
    std::string text;
    for (std::size_t i = 0; i < ends.rejected.size(); ++i)
        if (ends.rejected[i] > 0)
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ",
                                name_of(static_cast<RejectReason>(i)), ends.rejected[i]);
    if (ends.unfinished > 0)
        text += fmt::format("{}unfinished {}", text.empty() ? "" : ", ", ends.unfinished);
    return text;
}

std::string run_details(const Finding& finding) {
    const RunResult& run = finding.run;
    std::string text = fmt::format("    {:<10} {:>9} {:>7} {:>7} {:>8} {:>8} {:>8} {:>7}  {}\n",
                                   "model", "offered/s", "kept", "late", "p50 ms", "p99 ms",
                                   "max ms", "rows/b", "closed by; rejected");
    for (const ModelResult& model : run.models)
        text += fmt::format(
            "    {:<10} {:>9.0f} {:>7.4f} {:>7} {:>8.3f} {:>8.3f} {:>8.3f} {:>7.1f}  {}; {}\n",
            model.name, static_cast<double>(model.ends.offered) / run.seconds,
            model.ends.part_in_objective(), model.ends.late,
            milliseconds(model.latencies.quantile(.5)), milliseconds(model.latencies.quantile(.99)),
            milliseconds(model.latencies.longest()),
            static_cast<double>(model.rows) /
                static_cast<double>(std::max<std::uint64_t>(1, model.batches)),
            closings(model), rejections(model.ends));
    for (const TenantResult& tenant : run.tenants)
        text += fmt::format("    tenant {:<10} {:>9.0f}/s, kept {:.4f}; {}\n", tenant.name,
                            static_cast<double>(tenant.ends.offered) / run.seconds,
                            tenant.ends.part_in_objective(), rejections(tenant.ends));
    for (const ClassResult& one : run.classes)
        text += fmt::format(
            "    class {:<10} duty {:.3f}, useful {:.3f}, {:.1f} rows/batch, {} "
            "swaps\n",
            one.name, one.duty, one.useful_duty,
            static_cast<double>(one.rows) /
                static_cast<double>(std::max<std::uint64_t>(1, one.batches)),
            one.swaps);
    if (run.events_per_second > 0)
        text += fmt::format("    {:.1f} rounds per second\n", run.events_per_second);
    return text + fmt::format(
                      "    {} requests and {} decisions in {:.2f} s of this machine, "
                      "fingerprint {:016x}\n",
                      run.requests, run.decisions, run.wall_seconds, run.fingerprint);
}

}  // namespace

std::string to_table(const Study& study) {
    std::size_t longest = 0;
    for (const StudyRow& row : study.rows) longest = std::max(longest, row.scenario.title.size());
    std::string text =
        fmt::format("{:<12} {:<{}} {:>9} {:>9}", "scenario", "", longest, "bound/s", "beat");
    std::vector<std::size_t> widths;
    for (const PolicyChoice& choice : study.options.policies) {
        widths.push_back(to_text(choice).size() + 1);
        for (std::size_t i = widths.size() - 1; const StudyRow& row : study.rows)
            widths.back() = std::max(widths.back(), cell_text(study, row, row.cells[i]).size());
        text += fmt::format("  {:>{}}", to_text(choice) + ' ', widths.back());
    }
    text += '\n';
    for (const StudyRow& row : study.rows) {
        text += fmt::format("{:<12} {:<{}} {:>9.0f} {:>9}", row.scenario.name, row.scenario.title,
                            longest, row.bound, beat_text(row.scenario));
        for (std::size_t i = 0; i < row.cells.size(); ++i)
            text += fmt::format("  {:>{}}", cell_text(study, row, row.cells[i]), widths[i]);
        text += '\n';
    }
    return text;
}

std::string to_details(const Study& study) {
    std::string text;
    for (const StudyRow& row : study.rows)
        for (std::size_t i = 0; i < row.cells.size(); ++i) {
            const Finding& finding = row.cells[i].findings.front();
            text += fmt::format("\n{} under {}, seed {}: {}", row.scenario.name,
                                to_text(study.options.policies[i]), study.options.first_seed,
                                figure_text(row.scenario, finding.figure));
            if (finding.load > 0) text += fmt::format(", at {:.3f} of the bound", finding.load);
            text += '\n' + run_details(finding);
        }
    return text;
}

}  // namespace bunch::simulation
