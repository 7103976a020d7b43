/// Curves and dots as an SVG file: several panels side by side. Only what the benchmarks and the
/// muon reports need, no charting library.
#pragma once

#include <string>
#include <vector>

namespace bunch::plot {

struct PlotPoint {
    double x = 0, y = 0;  ///< above 0 on a logarithmic axis; on one of categories their number
    std::string label;    ///< beside the point; may be empty
};

struct PlotSeries {
    std::string name;   ///< in the legend
    std::string color;  ///< as CSS has it
    bool dashed = false;
    std::vector<PlotPoint> points;
    double radius = 3.5;  ///< of a point; 0 draws the line alone
};

enum class Scale : unsigned char {
    logarithmic,
    linear,      ///< from 0
    fitted,      ///< linear too, from the lowest to the highest point
    categories,  ///< named places side by side; only for x, and points are not joined
};

struct PlotPanel {
    std::string title;
    std::string x_label, y_label;
    std::vector<PlotSeries> series;
    Scale x_scale = Scale::logarithmic;
    Scale y_scale = Scale::logarithmic;
    std::vector<std::string> categories{};
};

/// The text of the SVG file. A panel without any point stays an empty frame.
std::string to_svg(const std::string& title, const std::vector<PlotPanel>& panels);

}  // namespace bunch::plot
