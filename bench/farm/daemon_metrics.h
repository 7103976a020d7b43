/// What the daemon says of itself between two moments: its /metrics page is read twice and the
/// differences are taken. So the figures shown are those that an operator's dashboard shows.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bunch::farm {

/// The steps of a request as the daemon names them, in their order.
inline constexpr std::array<const char*, 7> kStageNames = {
    "receive", "queue", "gather", "transfer_in", "compute", "transfer_out", "respond"};

/// Samples of one scrape by series, e.g. `bunch_rows_total{model="muon",version="1"}`.
class MetricsPage {
  public:
    /// Reads the Prometheus text format; lines that are no samples are skipped.
    static MetricsPage parse(std::string_view text);

    /// Sum over all series of that name whose labels contain every text of `labels`, each as
    /// `key="value"`. 0 without any.
    double sum(const std::string& name, const std::vector<std::string>& labels) const;

  private:
    std::multimap<std::string, std::pair<std::string, double>> samples_;  // name to labels, value
};

/// The service's own account of a time span, for one model on one device.
struct ServiceFigures {
    double mean_batch_rows = 0;
    double duty_cycle = 0;   ///< part of the device's lane time in which it computed
    double useful_duty = 0;  ///< part that the rows would have taken at the best rate seen
    std::map<std::string, double> stage_seconds;  ///< mean per request, by kStageNames
};

ServiceFigures figures_between(const MetricsPage& before, const MetricsPage& after,
                               const std::string& model, const std::string& device);

}  // namespace bunch::farm
