/// What can break about a device: a small closed set, since it is a label of metrics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace bunch {

enum class FaultKind : std::uint8_t {
    hang,         ///< a batch does not end
    call_failed,  ///< the device reported an error of its own for a batch
    dead,         ///< nothing works until somebody resets it
    gone,         ///< it cannot be found any more
    load_failed,  ///< it cannot be configured
    memory_full,  ///< a model does not fit
    busy,         ///< somebody else uses it
};
inline constexpr std::size_t kFaultKinds = 7;
std::string_view name_of(FaultKind kind);  ///< "hang", ...

}  // namespace bunch
