#include "bench/plot/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bench/plot/axis.h"

namespace bunch::plot {
namespace {

constexpr double kPanelWidth = 620, kPanelHeight = 470;
constexpr double kLeft = 80, kRight = 20, kTop = 50, kBottom = 60, kTitleHeight = 40;
constexpr double kLegendWidth = 150;  // beside the frame, where it would hide too much inside
constexpr double kCategoryWidth = 48;
constexpr std::size_t kMostInside = 4;

bool has_categories(const PlotPanel& panel) {
    return panel.x_scale == Scale::categories;
}

bool has_legend_beside(const PlotPanel& panel) {
    return panel.series.size() > kMostInside;
}

double width_of(const PlotPanel& panel) {
    double width = kPanelWidth;
    if (has_categories(panel))
        width = std::max(
            width, kLeft + kRight + kCategoryWidth * static_cast<double>(panel.categories.size()));
    return has_legend_beside(panel) ? width + kLegendWidth : width;
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

std::string turned(double x, double y, double degrees) {
    return fmt::format(" transform=\"rotate({} {:.1f} {:.1f})\"", degrees, x, y);
}

std::string line_from(double x1, double y1, double x2, double y2, const std::string& style) {
    return fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" {}/>\n", x1,
                       y1, x2, y2, style);
}

std::string x_ticks(const PlotPanel& panel, const Axis& x, const Axis& y) {
    std::string svg;
    for (const Tick& tick : x.ticks(panel.categories)) {
        const double at = x.pixel(tick.value);
        if (!has_categories(panel)) {
            svg += line_from(at, y.from, at, y.to, "stroke=\"#ddd\"");
            svg += text_at(at, y.from + 18, "middle", tick.text);
            continue;
        }
        const double edge = x.pixel(tick.value + 0.5);
        svg += line_from(edge, y.from, edge, y.to, "stroke=\"#ddd\"");
        svg += text_at(at + 4, y.from + 14, "end", tick.text, turned(at + 4, y.from + 14, -35));
    }
    return svg;
}

std::string frame(const PlotPanel& panel, const Axis& x, const Axis& y) {
    std::string svg = x_ticks(panel, x, y);
    for (const Tick& tick : y.ticks({})) {
        svg += line_from(x.from, y.pixel(tick.value), x.to, y.pixel(tick.value), "stroke=\"#ddd\"");
        svg += text_at(x.from - 8, y.pixel(tick.value) + 4, "end", tick.text);
    }
    svg += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"none\" "
        "stroke=\"#444\"/>\n",
        x.from, y.to, x.to - x.from, y.from - y.to);
    const double middle = (x.from + x.to) / 2, height = (y.from + y.to) / 2;
    svg += text_at(middle, y.to - 14, "middle", panel.title, " font-weight=\"bold\"");
    svg += text_at(middle, y.from + 42, "middle", panel.x_label);
    return svg +
           text_at(x.from - 54, height, "middle", panel.y_label, turned(x.from - 54, height, -90));
}

/// `shift`: pixels to the right.
std::string curve(const PlotSeries& series, const Axis& x, const Axis& y, double shift) {
    std::string path, marks;
    for (const PlotPoint& point : series.points) {
        const double px = x.pixel(point.x) + shift, py = y.pixel(point.y);
        path += fmt::format("{:.1f},{:.1f} ", px, py);
        if (series.radius > 0)
            marks += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\" fill=\"{}\"/>\n", px,
                                 py, series.radius, series.color);
        if (!point.label.empty())
            marks += text_at(px + 6, py - 6, "start", point.label,
                             " font-size=\"11\" fill=\"" + series.color + "\"");
    }
    if (x.scale == Scale::categories) return marks;
    return fmt::format(
               "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"{}/>\n", path,
               series.color, series.dashed ? " stroke-dasharray=\"6 4\" opacity=\"0.7\"" : "") +
           marks;
}

std::string legend(const PlotPanel& panel, const Axis& x, const Axis& y) {
    std::string svg;
    const double left = (has_legend_beside(panel) ? x.to : x.from) + 10;
    double row = y.to + 18;
    for (const PlotSeries& series : panel.series) {
        if (has_categories(panel))
            svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\" fill=\"{}\"/>\n",
                               left + 24, row - 4, series.radius, series.color);
        else
            svg += line_from(left, row - 4, left + 30, row - 4,
                             "stroke=\"" + series.color + "\" stroke-width=\"2\"" +
                                 (series.dashed ? " stroke-dasharray=\"6 4\"" : ""));
        svg += text_at(left + 38, row, "start", series.name);
        row += 18;
    }
    return svg;
}

std::string panel_at(const PlotPanel& panel, double left) {
    Axis x = axis_over(panel, panel.x_scale, &PlotPoint::x);
    Axis y = axis_over(panel, panel.y_scale, &PlotPoint::y);
    x.from = left + kLeft;
    x.to = left + width_of(panel) - kRight - (has_legend_beside(panel) ? kLegendWidth : 0);
    y.from = kTitleHeight + kPanelHeight - kBottom;
    y.to = kTitleHeight + kTop;
    // Room for the legend above the highest point.
    if (!has_legend_beside(panel) && y.scale == Scale::logarithmic)
        y.high *= std::pow(y.high / y.low, 0.25);
    std::string svg = frame(panel, x, y);
    // Series side by side within a category.
    const double place = (x.to - x.from) / std::max(1.0, x.high - x.low);
    const double step = place * 0.8 / std::max<double>(1, static_cast<double>(panel.series.size()));
    double shift = -step * (static_cast<double>(panel.series.size()) - 1) / 2;
    for (const PlotSeries& series : panel.series) {
        svg += curve(series, x, y, has_categories(panel) ? shift : 0);
        shift += step;
    }
    return svg + legend(panel, x, y);
}

}  // namespace

std::string to_svg(const std::string& title, const std::vector<PlotPanel>& panels) {
    double width = 0;
    for (const PlotPanel& panel : panels) width += width_of(panel);
    const double height = kTitleHeight + kPanelHeight;
    std::string svg = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
        "viewBox=\"0 0 {0} {1}\" font-family=\"sans-serif\" font-size=\"13\">\n"
        "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        width, height);
    svg += text_at(width / 2, 28, "middle", title, " font-size=\"18\"");
    double left = 0;
    for (const PlotPanel& panel : panels) {
        svg += panel_at(panel, left);
        left += width_of(panel);
    }
    return svg + "</svg>\n";
}

}  // namespace bunch::plot
