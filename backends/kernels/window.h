/// Windows that slide over 1, 2 or 3 dimensions: what convolutions and pools share.
#pragma once

#include <cstdint>
#include <string>

#include "backends/kernels/dims.h"
#include "backends/kernels/kernel.h"

namespace bunch::kernels {

/// The attributes of a Conv, ConvTranspose or pool as its file has them.
struct WindowAttributes {
    Integers kernel, strides, dilations, pads, output_padding, output_shape;
    std::string auto_pad;
    bool ceil = false;
};

/// One window over extents that are known: `rank` numbers each.
struct Window {
    std::int64_t rank = 0;
    Dims input, output, kernel, strides, dilations, pads_begin, pads_end;
};

Result<WindowAttributes> window_attributes(Node& node);

/// Settles what was left to the extents. `kernel` is used where the attributes name none.
Result<Window> settle_window(const Run& run, const WindowAttributes& given, const Dims& input,
                             const Dims& kernel);
/// The same for ConvTranspose, which makes the larger out of the smaller.
Result<Window> settle_transposed(const Run& run, const WindowAttributes& given, const Dims& input,
                                 const Dims& kernel);

}  // namespace bunch::kernels
