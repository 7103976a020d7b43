/// What the scheduler learnt of run times, as the text of a file that the next daemon reads. Pure;
/// where the file lies and who writes it is curve_store.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "scheduler/events.h"

namespace bunch {

/// A curve under the names that outlive a daemon; its ModelId does not count.
struct KeptCurve {
    std::string model;
    std::string version;
    std::uint64_t fingerprint = 0;  ///< of the model's file
    LearntCurve curve;

    friend bool operator==(const KeptCurve&, const KeptCurve&) = default;
};

/// More than any installation has.
inline constexpr std::size_t kMostKeptCurves = 4096;

/// Curves with numbers that no file may have, or beyond kMostKeptCurves, are left out.
std::string text_of_curves(const std::vector<KeptCurve>& curves);

/// Reads what text_of_curves() wrote, to the last bit. invalid_argument with "name:line: what is
/// wrong" for anything else; `name` is how that calls the text.
Result<std::vector<KeptCurve>> parse_curves(std::string_view text, const std::string& name);

}  // namespace bunch
