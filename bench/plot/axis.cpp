#include "bench/plot/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace bunch::plot {
namespace {

constexpr double kLinearTicks = 6;

/// The largest of 1, 2, 5 times a power of ten that is not above `value`.
double tick_below(double value) {
    const double decade = std::pow(10.0, std::floor(std::log10(value)));
    const double step = value / decade;
    return decade * (step >= 5 ? 5 : step >= 2 ? 2 : 1);
}

double tick_above(double value) {
    const double below = tick_below(value);
    if (below >= value) return value;
    const double decade = std::pow(10.0, std::floor(std::log10(value)));
    const double step = std::round(below / decade);
    return decade * (step >= 5 ? 10 : step >= 2 ? 5 : 2);
}

/// Between ticks of an axis from 0 to `high`.
double linear_step(double high) {
    return tick_above(high / kLinearTicks * 0.999);
}

std::vector<Tick> logarithmic_ticks(double low, double high) {
    std::vector<Tick> found;
    for (double decade = std::pow(10.0, std::floor(std::log10(low))); decade <= high * 1.001;
         decade *= 10)
        for (const double step : {1.0, 2.0, 5.0})
            if (step * decade >= low * 0.999 && step * decade <= high * 1.001)
                found.push_back({step * decade, fmt::format("{:g}", step * decade)});
    return found;
}

}  // namespace

double Axis::pixel(double value) const {
    const double part = scale == Scale::logarithmic ? std::log(value / low) / std::log(high / low)
                                                    : (value - low) / (high - low);
    return from + (to - from) * part;
}

std::vector<Tick> Axis::ticks(const std::vector<std::string>& categories) const {
    if (scale == Scale::logarithmic) return logarithmic_ticks(low, high);
    std::vector<Tick> found;
    if (scale == Scale::categories) {
        for (std::size_t i = 0; i < categories.size(); ++i)
            found.push_back({static_cast<double>(i), categories[i]});
        return found;
    }
    const double step = linear_step(high - low);
    for (double i = std::ceil(low / step - 0.001); i * step <= high + 0.001 * step; ++i)
        found.push_back({i * step, fmt::format("{:g}", i * step + 0.0)});  // never "-0"
    return found;
}

namespace {

/// From the lowest to the highest point, the ends on ticks.
Axis fitted_axis(const PlotPanel& panel, double PlotPoint::*coordinate) {
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (const PlotSeries& series : panel.series)
        for (const PlotPoint& point : series.points) {
            low = std::min(low, point.*coordinate);
            high = std::max(high, point.*coordinate);
        }
    if (!(low < high))
        return {Scale::fitted, std::isfinite(low) ? low - 1 : 0, std::isfinite(low) ? low + 1 : 1,
                0, 1};
    const double step = linear_step(high - low);
    return {Scale::fitted, step * std::floor(low / step + 0.001),
            step * std::ceil(high / step - 0.001), 0, 1};
}

}  // namespace

Axis axis_over(const PlotPanel& panel, Scale scale, double PlotPoint::*coordinate) {
    if (scale == Scale::fitted) return fitted_axis(panel, coordinate);
    if (scale == Scale::categories) {
        const double count = std::max(1.0, static_cast<double>(panel.categories.size()));
        return {scale, -0.5, count - 0.5, 0, 1};
    }
    double low = 0, high = 0;
    for (const PlotSeries& series : panel.series)
        for (const PlotPoint& point : series.points) {
            const double value = point.*coordinate;
            low = low == 0 ? value : std::min(low, value);
            high = std::max(high, value);
        }
    if (scale == Scale::linear) {
        if (high == 0) return {scale, 0, 1, 0, 1};
        const double step = linear_step(high);
        return {scale, 0, step * std::ceil(high / step * 0.999), 0, 1};
    }
    if (low == 0) return {scale, 1, 10, 0, 1};
    return {scale, tick_below(low * 0.9), tick_above(high * 1.1), 0, 1};
}

}  // namespace bunch::plot
