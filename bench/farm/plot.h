/// Curves as an SVG file: several panels side by side, both axes logarithmic. Only what the
/// demonstration needs, no charting library.
#pragma once

#include <string>
#include <vector>

#include "core/status.h"

namespace bunch::farm {

struct PlotPoint {
    double x = 0, y = 0;  ///< above 0
    std::string label;    ///< beside the point; may be empty
};

struct PlotSeries {
    std::string name;   ///< in the legend
    std::string color;  ///< as CSS has it
    bool dashed = false;
    std::vector<PlotPoint> points;
};

struct PlotPanel {
    std::string title;
    std::string x_label, y_label;
    std::vector<PlotSeries> series;
};

/// The text of the SVG file. A panel without any point stays an empty frame.
std::string to_svg(const std::string& title, const std::vector<PlotPanel>& panels);

}  // namespace bunch::farm
