/// What an emulated card is like: how long it takes, what it is called. Read by the shim from the
/// TOML file that BUNCH_XRT_EMULATION names; a real card has no such thing.
///
///     [[card]]                      # the first one has index 0
///     name = "emulated_u200"        # as XRT will call it; two cards should not have one name
///     state = "card0.state"         # shared by all processes that use the card: card_state.h
///     load_time = "800ms"           # of a reconfiguration
///     latency = "100us"             # of any call, beside what computing takes
///     per_row = "1us"               # and of each row of it
///     rows_register = 16            # where a kernel is told the rows
///     clock_mhz = 300
///     [[card.kernel]]               # for one kernel, instead of the above
///     name = "facile"
///     latency = "1500us"
///     per_row = "0ns"
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"

namespace bunch::emulation {

/// A call is done `latency` + rows * `per_row` after it began, or when it has been computed, if
/// that takes longer.
struct KernelTiming {
    std::string name;
    Duration latency{};
    Duration per_row{};
};

struct CardSettings {
    std::string name;   ///< empty: "bunch_emulated_" and what differs from card to card
    std::string state;  ///< absolute; empty: of this process alone
    Duration load_time{};
    KernelTiming timing;  ///< of kernels that are not below
    std::vector<KernelTiming> kernels;
    std::uint32_t rows_register = 0x10;
    std::uint32_t clock_mhz = 300;

    const KernelTiming& timing_of(std::string_view kernel) const;
};

/// One card, of this process alone, that takes no time.
std::vector<CardSettings> default_card();

/// At least one card. invalid_argument lists every problem with its line.
Result<std::vector<CardSettings>> read_card_settings(const std::string& path);
Result<std::vector<CardSettings>> parse_card_settings(std::string_view text,
                                                      const std::string& name,
                                                      const std::string& folder);

}  // namespace bunch::emulation
