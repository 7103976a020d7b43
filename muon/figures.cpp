#include "muon/figures.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/check.h"

namespace bunch::muon {
namespace {

double quantile(std::vector<float>& values, double part) {
    const auto at = std::min(values.size() - 1,
                             static_cast<std::size_t>(part * static_cast<double>(values.size())));
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at),
                     values.end());
    return static_cast<double>(values[at]);
}

/// Where a line between the middles of two bins crosses `height`, in bins from the first one's.
double crossing(double from, double to, double height) {
    return (from - height) / (from - to);
}

/// Of a histogram with bins of an eighth of q68, smoothed over three; between bins it is a line.
double full_width_at_half_maximum(std::span<const float> errors, double q68) {
    if (q68 <= 0) return 0;
    constexpr std::size_t kHalf = 60;
    const double width = q68 / 8;
    std::vector<double> counts(2 * kHalf, 0), smooth(2 * kHalf, 0);
    for (const float error : errors) {
        const double bin = std::floor(static_cast<double>(error) / width) + kHalf;
        if (bin >= 0 && bin < 2 * kHalf) ++counts[static_cast<std::size_t>(bin)];
    }
    for (std::size_t i = 1; i + 1 < counts.size(); ++i)
        smooth[i] = counts[i - 1] + counts[i] + counts[i + 1];
    const auto peak =
        static_cast<std::size_t>(std::max_element(smooth.begin(), smooth.end()) - smooth.begin());
    const double half = smooth[peak] / 2;  // the first and the last bin are 0: both ends are found
    if (half == 0) return 0;
    std::size_t low = peak, high = peak;
    while (smooth[low] > half) --low;
    while (smooth[high] > half) ++high;
    const double left = static_cast<double>(low + 1) - crossing(smooth[low + 1], smooth[low], half);
    const double right =
        static_cast<double>(high - 1) + crossing(smooth[high - 1], smooth[high], half);
    return (right - left) * width;
}

}  // namespace

void Errors::add(const OfflineMuon& found, const OfflineMuon& right) {
    phi.push_back(wrapped_phi(found.phi - right.phi));
    eta.push_back(found.eta - right.eta);
    pt.push_back(found.pt / right.pt - 1);
}

Width width_of(std::span<const float> errors) {
    Width width;
    if (errors.empty()) return width;
    std::vector<float> values(errors.begin(), errors.end());
    width.bias = quantile(values, 0.5);
    double squares = 0;
    for (float& value : values) {
        squares += static_cast<double>(value) * static_cast<double>(value);
        value = std::abs(value);
    }
    width.rms = std::sqrt(squares / static_cast<double>(values.size()));
    width.q68 = quantile(values, 0.68);
    width.fwhm = full_width_at_half_maximum(errors, width.q68);
    return width;
}

ErrorFigures figures_of(const Errors& errors) {
    return {width_of(errors.phi), width_of(errors.eta), width_of(errors.pt)};
}

Result<Separation> separation_of(std::span<const float> scores,
                                 std::span<const std::uint8_t> real) {
    BUNCH_CHECK(scores.size() == real.size());
    if (!std::all_of(scores.begin(), scores.end(),
                     [](float score) { return std::isfinite(score); }))
        return invalid_argument("a score is no number: the network's weights are too large");
    std::vector<std::size_t> order(scores.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
    const auto reals = static_cast<double>(std::count(real.begin(), real.end(), 1));
    const double fakes = static_cast<double>(real.size()) - reals;
    if (reals == 0 || fakes == 0)
        return invalid_argument(
            "all pairs are of one kind: nothing can be separated; take a sample with real and fake "
            "ones");

    Separation result;
    double above_real = 0, above_fake = 0;
    const double step = static_cast<double>(scores.size()) / 200;
    double next_point = 0;
    for (std::size_t i = 0; i < order.size();) {
        const double real_before = above_real, fake_before = above_fake;
        const float score = scores[order[i]];
        for (; i < order.size() && scores[order[i]] == score; ++i)
            (real[order[i]] == 1 ? above_real : above_fake) += 1;
        result.roc_auc += (above_fake - fake_before) * (above_real + real_before) / 2;
        result.pr_auc += (above_real - real_before) * above_real / (above_real + above_fake);
        if (result.rejection_95 == 0 && above_real >= 0.95 * reals)
            result.rejection_95 = fakes / std::max(above_fake, 1.0);
        if (static_cast<double>(i) >= next_point || i == order.size()) {
            result.roc.push_back({above_real / reals, above_fake / fakes});
            next_point = static_cast<double>(i) + step;
        }
    }
    result.roc_auc /= reals * fakes;
    result.pr_auc /= reals;
    return result;
}

}  // namespace bunch::muon
