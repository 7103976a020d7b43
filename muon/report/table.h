/// What the tables of the report are made of: figures of several seeds, cells.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "muon/report/study.h"

namespace bunch::muon {

struct Spread {
    double mean = 0;
    double deviation = 0;  ///< between seeds, of a sample (n - 1)
};

template <typename Value>
Spread spread_of(const std::vector<Judged>& seeds, const Value& value) {
    Spread spread;
    const auto count = static_cast<double>(seeds.size());
    for (const Judged& judged : seeds) spread.mean += value(judged.score) / count;
    for (const Judged& judged : seeds)
        spread.deviation += std::pow(value(judged.score) - spread.mean, 2);
    spread.deviation = seeds.size() < 2 ? 0 : std::sqrt(spread.deviation / (count - 1));
    return spread;
}

/// One of Score::figures.
Spread figure_of(const Variant& variant, std::size_t figure);

/// Of all weights.
Spread bits_of(const Variant& variant);

/// What Score::figures are.
std::vector<std::string> figure_names(Task task);

/// The first two lines of a Markdown table.
std::string heading(const std::vector<std::string>& cells);

}  // namespace bunch::muon
