/// What the configuration says about an FPGA card, read from the texts of its options.
#pragma once

#include <cstdint>
#include <string>

#include "backends/wire/device.h"
#include "core/result.h"
#include "core/time.h"

namespace bunch::fpga {

struct XrtOptions {
    std::string card = "0";    ///< index, or address on the PCI bus: "0000:65:00.1"
    std::uint32_t lanes = 1;   ///< compute units of a kernel that run at the same time
    std::uint32_t slots = 2;   ///< batches per lane; with 2, the next one lies ready on the card
    std::string device_class;  ///< empty: "fpga-" and what XRT calls the card
    /// How long a card that another process uses is waited for before it counts as broken.
    Duration busy_timeout = std::chrono::seconds(30);

    /// Fails with the option's name, its value and what would have been right.
    static Result<XrtOptions> from(const BackendOptions& options);
};

}  // namespace bunch::fpga
