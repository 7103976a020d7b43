/// Times and sizes as people write them: "500us", "5ms", "64MiB".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"
#include "core/time.h"

namespace bunch {

/// A whole number and one of ns, us, ms, s, m, h. Errors are the end of a sentence that begins
/// with the value: "has no unit (write "5us", "5ms" or "5s")".
Result<Duration> parse_duration(std::string_view text);

/// A whole number and one of B, KiB, MiB, GiB, TiB; errors as above.
Result<std::uint64_t> parse_bytes(std::string_view text);

/// The shortest exact text that the parsers above read back: "5ms", "64MiB". At most 2^63 bytes.
std::string to_text(Duration span);
std::string bytes_to_text(std::uint64_t bytes);

}  // namespace bunch
