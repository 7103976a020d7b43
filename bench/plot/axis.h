/// One axis of a plot: values to pixels, and where its ticks are.
#pragma once

#include <string>
#include <vector>

#include "bench/plot/plot.h"

namespace bunch::plot {

struct Tick {
    double value = 0;
    std::string text;
};

struct Axis {
    Scale scale = Scale::logarithmic;
    double low = 1, high = 10;  ///< values at the ends
    double from = 0, to = 1;    ///< pixels there

    double pixel(double value) const;

    /// Logarithmic: 1, 2 and 5 times every power of ten. Linear, fitted: a handful of even ones.
    std::vector<Tick> ticks(const std::vector<std::string>& categories) const;
};

/// An axis that holds all points of the panel, its ends on ticks. Without points, a short one.
Axis axis_over(const PlotPanel& panel, Scale scale, double PlotPoint::*coordinate);

}  // namespace bunch::plot
