#include "muon/rtl/adder_graph.h"

#include <algorithm>
#include <compare>
#include <map>

namespace bunch::muon {
namespace {

/// A pair of digits but for a common shift and sign.
struct Pattern {
    std::size_t first = 0, second = 0;
    int shift = 0;  ///< of the second against the first
    int sign = 1;

    friend auto operator<=>(const Pattern&, const Pattern&) = default;
};

/// `a` and `b` in the order that makes equal patterns equal.
Pattern pattern_of(Digit& a, Digit& b) {
    if (b.variable < a.variable || (b.variable == a.variable && b.shift < a.shift)) std::swap(a, b);
    return {a.variable, b.variable, b.shift - a.shift, a.sign * b.sign};
}

/// How many pairs without common digits a sum has of each pattern, over all sums.
std::map<Pattern, std::size_t> count_patterns(const AdderGraph& graph) {
    std::map<Pattern, std::size_t> counts;
    for (const auto& sum : graph.sums)
        for (std::size_t i = 0; i < sum.size(); ++i)
            for (std::size_t j = i + 1; j < sum.size(); ++j) {
                Digit a = sum[i], b = sum[j];
                ++counts[pattern_of(a, b)];
            }
    return counts;
}

/// Puts `variable` in the place of every pair of the pattern; says how many there were.
std::size_t replace(const Pattern& pattern, std::size_t variable, std::vector<Digit>& sum) {
    std::size_t found = 0;
    for (std::size_t i = 0; i < sum.size(); ++i)
        for (std::size_t j = i + 1; j < sum.size(); ++j) {
            Digit a = sum[i], b = sum[j];
            if (pattern_of(a, b) != pattern) continue;
            // The shared sum begins at the smaller of the two shifts.
            const Digit made = {variable, std::min(a.shift, b.shift), a.sign};
            sum.erase(sum.begin() + static_cast<std::ptrdiff_t>(j));
            sum[i] = made;
            ++found;
            break;
        }
    return found;
}

}  // namespace

std::size_t AdderGraph::adders() const {
    std::size_t count = shared.size();
    for (const auto& sum : sums) count += sum.empty() ? 0 : sum.size() - 1;
    return count;
}

std::vector<Digit> signed_digits(std::size_t variable, std::int32_t weight, int shift) {
    std::vector<Digit> digits;
    for (; weight != 0; ++shift) {
        if (weight % 2 != 0) {
            const int sign = (weight & 3) == 3 ? -1 : 1;
            digits.push_back({variable, shift, sign});
            weight -= sign;
        }
        weight /= 2;
    }
    return digits;
}

void share(AdderGraph& graph) {
    while (true) {
        const auto counts = count_patterns(graph);
        const auto most =
            std::max_element(counts.begin(), counts.end(),
                             [](const auto& a, const auto& b) { return a.second < b.second; });
        if (most == counts.end() || most->second < 2) return;
        const Pattern pattern = most->first;
        const std::size_t variable = graph.inputs + graph.shared.size();
        AdderGraph changed = graph;
        std::size_t found = 0;
        for (auto& sum : changed.sums) found += replace(pattern, variable, sum);
        if (found < 2) return;  // the pairs overlapped: nothing would be saved
        const int lower = std::min(0, pattern.shift);
        changed.shared.push_back(
            {{pattern.first, -lower, 1}, {pattern.second, pattern.shift - lower, pattern.sign}});
        graph = std::move(changed);
    }
}

}  // namespace bunch::muon
