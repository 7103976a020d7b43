/// An emulated card under the real XRT, for tests. The environment decides at XRT's first use, so
/// a test program has one arrangement of cards for all of its life; CTest runs each test in its
/// own.
#pragma once

#include <string>

#include "backends/xrt/emulation/card_settings.h"
#include "backends/xrt/emulation/card_state.h"

namespace bunch::test {

/// Points XRT to the shim, with cards as the TOML text describes them (their state files lie in a
/// folder of this process). Call it once, before anything of XRT.
void arrange_cards(const std::string& toml);

/// The folder that arrange_cards() made.
const std::string& card_folder();

/// The state of the card whose settings say state = `name`.
emulation::CardState& card_state(const std::string& name);

}  // namespace bunch::test
