/// Temperatures and power from the JSON that XRT makes of a card's sensors (xrt::info::device::
/// thermal and electrical). The texts come from the driver; whatever is not there or no number is
/// left out.
#pragma once

#include <optional>
#include <string>

namespace bunch::fpga {

/// The highest of the FPGA's own temperatures that are present.
std::optional<double> celsius_in(const std::string& thermal);

/// What the whole card draws.
std::optional<double> watts_in(const std::string& electrical);

}  // namespace bunch::fpga
