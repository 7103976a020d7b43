#include "bench/farm/daemon_metrics.h"

#include <algorithm>
#include <cstdlib>

namespace bunch::farm {
namespace {

/// The difference of two scrapes.
class Change {
  public:
    Change(const MetricsPage& before, const MetricsPage& after) : before_(before), after_(after) {}

    double of(const std::string& name, const std::vector<std::string>& labels) const {
        return after_.sum(name, labels) - before_.sum(name, labels);
    }

    /// Change of the sum of a histogram per change of its count; 0 if it has not changed.
    double mean(const std::string& histogram, const std::vector<std::string>& labels) const {
        const double count = of(histogram + "_count", labels);
        return count > 0 ? of(histogram + "_sum", labels) / count : 0;
    }

  private:
    const MetricsPage& before_;
    const MetricsPage& after_;
};

std::string label(const std::string& key, const std::string& value) {
    return key + "=\"" + value + "\"";
}

}  // namespace

MetricsPage MetricsPage::parse(std::string_view text) {
    MetricsPage page;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (line.empty() || line.front() == '#') continue;
        // A label's value may hold spaces, what follows the labels may not.
        const std::size_t brace = line.rfind('}');
        const std::size_t space = line.find(' ', brace == std::string_view::npos ? 0 : brace);
        if (space == std::string_view::npos) continue;
        const std::string_view series = line.substr(0, space);
        const std::string_view name = series.substr(0, series.find('{'));
        const std::string value(line.substr(space + 1));
        page.samples_.emplace(std::string(name),
                              std::pair(std::string(series), std::strtod(value.c_str(), nullptr)));
    }
    return page;
}

double MetricsPage::sum(const std::string& name, const std::vector<std::string>& labels) const {
    double total = 0;
    const auto [first, last] = samples_.equal_range(name);
    for (auto sample = first; sample != last; ++sample) {
        const auto& [series, value] = sample->second;
        const auto holds = [&text = series](const std::string& label) {
            return text.find(label) != std::string::npos;
        };
        if (std::all_of(labels.begin(), labels.end(), holds)) total += value;
    }
    return total;
}

ServiceFigures figures_between(const MetricsPage& before, const MetricsPage& after,
                               const std::string& model, const std::string& device) {
    const Change change(before, after);
    const std::string of_model = label("model", model), of_device = label("device", device);
    ServiceFigures figures;
    figures.mean_batch_rows = change.mean("bunch_batch_rows", {of_model, of_device});
    const double lane_time = change.of("bunch_device_state_seconds_total", {of_device});
    if (lane_time > 0) {
        figures.duty_cycle =
            change.of("bunch_device_state_seconds_total", {of_device, label("state", "compute")}) /
            lane_time;
        figures.useful_duty =
            change.of("bunch_device_useful_seconds_total", {of_device}) / lane_time;
    }
    for (const char* stage : kStageNames)
        figures.stage_seconds[stage] =
            change.mean("bunch_request_stage_seconds", {of_model, label("stage", stage)});
    return figures;
}

}  // namespace bunch::farm
