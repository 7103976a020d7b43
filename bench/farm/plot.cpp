#include "bench/farm/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace bunch::farm {
namespace {

constexpr double kPanelWidth = 620, kPanelHeight = 470;
constexpr double kLeft = 80, kRight = 20, kTop = 50, kBottom = 60, kTitleHeight = 40;

/// One logarithmic axis: values to pixels, whole decades at its ends or fractions 1, 2, 5 of them.
struct Axis {
    double low = 1, high = 10;  ///< values at the ends
    double from = 0, to = 1;    ///< pixels there

    double pixel(double value) const {
        return from + (to - from) * std::log(value / low) / std::log(high / low);
    }

    /// 1, 2 and 5 times every power of ten between the ends.
    std::vector<double> ticks() const {
        std::vector<double> found;
        for (double decade = std::pow(10.0, std::floor(std::log10(low))); decade <= high * 1.001;
             decade *= 10)
            for (const double step : {1.0, 2.0, 5.0})
                if (step * decade >= low * 0.999 && step * decade <= high * 1.001)
                    found.push_back(step * decade);
        return found;
    }
};

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

Axis axis_over(const PlotPanel& panel, double PlotPoint::*coordinate) {
    double low = 0, high = 0;
    for (const PlotSeries& series : panel.series)
        for (const PlotPoint& point : series.points) {
            const double value = point.*coordinate;
            low = low == 0 ? value : std::min(low, value);
            high = std::max(high, value);
        }
    if (low == 0) return {};
    return {tick_below(low * 0.9), tick_above(high * 1.1), 0, 1};
}

std::string escaped(const std::string& text) {
    std::string safe;
    for (const char c : text) {
        if (c == '<')
            safe += "&lt;";
        else if (c == '&')
            safe += "&amp;";
        else
            safe += c;
    }
    return safe;
}

std::string text_at(double x, double y, const std::string& anchor, const std::string& text,
                    const std::string& more = "") {
    return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\"{}>{}</text>\n", x, y,
                       anchor, more, escaped(text));
}

std::string line_from(double x1, double y1, double x2, double y2, const std::string& style) {
    return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>\n", x1,
                       y1, x2, y2, style);
}

std::string frame(const PlotPanel& panel, const Axis& x, const Axis& y) {
    const std::string grid = "stroke=\"#ddd\"";
    std::string svg;
    for (const double tick : x.ticks()) {
        svg += line_from(x.pixel(tick), y.from, x.pixel(tick), y.to, grid);
        svg += text_at(x.pixel(tick), y.from + 18, "middle", fmt::format("{:g}", tick));
    }
    for (const double tick : y.ticks()) {
        svg += line_from(x.from, y.pixel(tick), x.to, y.pixel(tick), grid);
        svg += text_at(x.from - 8, y.pixel(tick) + 4, "end", fmt::format("{:g}", tick));
    }
    svg += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"none\" "
        "stroke=\"#444\"/>\n",
        x.from, y.to, x.to - x.from, y.from - y.to);
    const double middle = (x.from + x.to) / 2, height = (y.from + y.to) / 2;
    svg += text_at(middle, y.to - 14, "middle", panel.title, " font-weight=\"bold\"");
    svg += text_at(middle, y.from + 42, "middle", panel.x_label);
    svg += text_at(x.from - 54, height, "middle", panel.y_label,
                   fmt::format(" transform=\"rotate(-90 {:.1f} {:.1f})\"", x.from - 54, height));
    return svg;
}

std::string curve(const PlotSeries& series, const Axis& x, const Axis& y) {
    std::string path, marks;
    for (const PlotPoint& point : series.points) {
        const double px = x.pixel(point.x), py = y.pixel(point.y);
        path += fmt::format("{:.1f},{:.1f} ", px, py);
        marks += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\" fill=\"{}\"/>\n", px,
                             py, series.color);
        if (!point.label.empty())
            marks += text_at(px + 6, py - 6, "start", point.label,
                             " font-size=\"11\" fill=\"" + series.color + "\"");
    }
    return fmt::format(
               "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"{}/>\n", path,
               series.color, series.dashed ? " stroke-dasharray=\"6 4\" opacity=\"0.7\"" : "") +
           marks;
}

std::string legend(const PlotPanel& panel, const Axis& x, const Axis& y) {
    std::string svg;
    double row = y.to + 18;
    for (const PlotSeries& series : panel.series) {
        svg += line_from(x.from + 10, row - 4, x.from + 40, row - 4,
                         "stroke=\"" + series.color + "\" stroke-width=\"2\"" +
                             (series.dashed ? " stroke-dasharray=\"6 4\"" : ""));
        svg += text_at(x.from + 48, row, "start", series.name);
        row += 18;
    }
    return svg;
}

std::string panel_at(const PlotPanel& panel, double left) {
    Axis x = axis_over(panel, &PlotPoint::x), y = axis_over(panel, &PlotPoint::y);
    x.from = left + kLeft;
    x.to = left + kPanelWidth - kRight;
    y.from = kTitleHeight + kPanelHeight - kBottom;
    y.to = kTitleHeight + kTop;
    // Room for the legend above the highest point.
    y.high *= std::pow(y.high / y.low, 0.25);
    std::string svg = frame(panel, x, y);
    for (const PlotSeries& series : panel.series) svg += curve(series, x, y);
    return svg + legend(panel, x, y);
}

}  // namespace

std::string to_svg(const std::string& title, const std::vector<PlotPanel>& panels) {
    const double width = kPanelWidth * static_cast<double>(panels.size());
    const double height = kTitleHeight + kPanelHeight;
    std::string svg = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
        "viewBox=\"0 0 {0} {1}\" font-family=\"sans-serif\" font-size=\"13\">\n"
        "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        width, height);
    svg += text_at(width / 2, 28, "middle", title, " font-size=\"18\"");
    for (std::size_t i = 0; i < panels.size(); ++i)
        svg += panel_at(panels[i], kPanelWidth * static_cast<double>(i));
    return svg + "</svg>\n";
}

}  // namespace bunch::farm
