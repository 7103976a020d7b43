/// What bounds on resident memory must allow in sanitized builds: not a bound by itself.
#pragma once

#include <cstdint>

namespace bunch {

/// AddressSanitizer keeps 256 MiB of freed memory for a while, and has tables besides.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr std::uint64_t kKeptBySanitizers = std::uint64_t{312} << 20;
#else
inline constexpr std::uint64_t kKeptBySanitizers = 0;
#endif

}  // namespace bunch
