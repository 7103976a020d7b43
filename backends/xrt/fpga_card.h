/// One card through XRT: opened, described, configured. Units and calls are placement.h.
///
/// A handle of XRT is opened once and kept (XRT 2.13 leaks a thread with each), and not shared
/// between lanes: XRT serialises waits on one handle.
#pragma once

#include <xrt/xrt_device.h>

#include <optional>
#include <string>

#include "backends/wire/device.h"
#include "backends/xrt/fault_text.h"
#include "backends/xrt/fpga_model.h"
#include "backends/xrt/xrt_options.h"
#include "core/result.h"

namespace bunch::fpga {

class FpgaCard {
  public:
    /// `unavailable` says why there is no such card: no runtime, no driver, no card.
    static Result<FpgaCard> open(const XrtOptions& options);

    const CardName& name() const { return name_; }

    /// What XRT calls the card, as a part of a class: "xilinx_u200_gen3x16_xdma_base_2".
    const std::string& model() const { return model_; }

    /// What tells it from all other cards of this host.
    std::string identity() const { return name_.bdf + "/" + model_; }

    /// One more handle of the card. Throws what XRT throws.
    ::xrt::device open_handle() const;

    /// Puts the model's design on the card, or finds it there. Waits for a card that others use, as
    /// long as the options say. Nothing, if it is there then; else what broke.
    std::optional<DeviceFault> configure(::xrt::device& handle, const FpgaModel& model) const;

    DeviceReadings readings() const;

  private:
    FpgaCard(XrtOptions options, ::xrt::device handle)
        : options_(std::move(options)), handle_(std::move(handle)) {}

    XrtOptions options_;
    ::xrt::device handle_;  ///< for questions only
    CardName name_;
    std::string model_;
};

}  // namespace bunch::fpga
