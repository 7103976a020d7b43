/// Figures of merit: how wide errors are, and how well scores tell real from fake.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/result.h"
#include "muon/fields.h"

namespace bunch::muon {

/// Of a set of errors. FWHM is of a smoothed histogram and noisy: compare by the others.
struct Width {
    double q68 = 0;  ///< 68 % of the errors are at most this large
    double rms = 0;  ///< around 0
    double fwhm = 0;
    double bias = 0;  ///< their median
};

/// All zero for no errors.
Width width_of(std::span<const float> errors);

/// Errors of the three outputs, in the hardware's units and relative: (found - true) / true.
struct Errors {
    std::vector<float> phi, eta, pt;

    void add(const OfflineMuon& found, const OfflineMuon& right);
};

struct ErrorFigures {
    Width phi, eta, pt;
};
ErrorFigures figures_of(const Errors& errors);

/// A point of a receiver operating characteristic.
struct RocPoint {
    double efficiency = 0;  ///< part of the real ones above the threshold
    double fake_part = 0;   ///< part of the fakes above it
};

struct Separation {
    double roc_auc = 0;
    double pr_auc = 0;          ///< area under precision against recall
    double rejection_95 = 0;    ///< fakes per fake that is left at 95 % efficiency
    std::vector<RocPoint> roc;  ///< about 200 points, by falling threshold
};

/// Equal scores count half, as in the rank statistic. invalid_argument if there are not both kinds,
/// or if a score is no number.
Result<Separation> separation_of(std::span<const float> scores, std::span<const std::uint8_t> real);

}  // namespace bunch::muon
