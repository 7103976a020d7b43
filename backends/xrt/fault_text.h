/// What is told when a card breaks: what happened, and the exact remedy. One place for all of it,
/// so that each fault has one sentence, and a test. docs/FPGA.md has the same in a table.
#pragma once

#include <string>

#include "backends/wire/device.h"

namespace bunch::fpga {

/// Which card, as a person finds it.
struct CardName {
    std::string option = "0";  ///< as the configuration calls it
    std::string bdf;           ///< "0000:65:00.1"; empty: not known
};

/// Of `kind`, with what was seen: "unit 'a' did not end a call within 1 s".
DeviceFault describe_fault(FaultKind kind, const CardName& card, const std::string& seen);

/// What an errno of the driver means: EDEADLK dead, ENODEV gone, EBUSY and EPERM busy, ENOMEM
/// memory_full; `otherwise` for all others.
FaultKind fault_of_errno(int error, FaultKind otherwise);

}  // namespace bunch::fpga
