/// Emulated cards for this process and those that it starts, under the real XRT: for tests and
/// benchmarks. The environment decides at XRT's first use, so a process has one arrangement of
/// cards for all of its life. docs/FPGA.md has the same for the command line.
#pragma once

#include <string>

#include "backends/xrt/emulation/card_settings.h"
#include "backends/xrt/emulation/card_state.h"

namespace bunch::emulation {

/// Points XRT to the shim, with cards as the TOML text describes them (their state files lie in a
/// folder of this process). Call it once, before anything of XRT.
void arrange_cards(const std::string& toml);

/// The folder that arrange_cards() made.
const std::string& card_folder();

/// The state of the card whose settings say state = `name`.
CardState& card_state(const std::string& name);

}  // namespace bunch::emulation
