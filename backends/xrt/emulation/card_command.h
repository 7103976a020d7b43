/// What `bunch-emulated-card STATE WORD [NUMBER]` does: breaks and repairs an emulated card while
/// others use it, and says how it is. For demonstrations, and for trying what an operator will see.
#pragma once

#include <ostream>
#include <span>
#include <string>

#include "backends/xrt/emulation/card_state.h"
#include "core/status.h"

namespace bunch::emulation {

/// One line per word, for --help.
extern const char* const kCardCommands;

/// `words` is one of kCardCommands, with its number where it has one.
Status card_command(const CardState& card, std::span<const std::string> words, std::ostream& out);

}  // namespace bunch::emulation
