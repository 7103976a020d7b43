#include "muon/report/table.h"

namespace bunch::muon {

Spread figure_of(const Variant& variant, std::size_t figure) {
    return spread_of(variant.seeds, [&](const Score& score) { return score.figures[figure]; });
}

Spread bits_of(const Variant& variant) {
    return spread_of(variant.seeds,
                     [](const Score& score) { return static_cast<double>(score.size.bits); });
}

std::vector<std::string> figure_names(Task task) {
    if (task == Task::recalibration) return {"phi 68 %", "phi RMS", "eta 68 %", "pt 68 %"};
    return {"ROC AUC", "PR AUC", "fakes rejected at 95 %"};
}

std::string heading(const std::vector<std::string>& cells) {
    std::string row = "|", line = "|";
    for (const std::string& cell : cells) {
        row += " " + cell + " |";
        line += "---|";
    }
    return row + "\n" + line + "\n";
}

}  // namespace bunch::muon
