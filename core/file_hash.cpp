#include "core/file_hash.h"

#include <cstdint>

namespace bunch {

std::string file_hash(std::span<const std::byte> content) {
    std::uint64_t hash = 14695981039346656037U;
    for (const std::byte byte : content)
        hash = (hash ^ std::to_integer<std::uint64_t>(byte)) * 1099511628211U;
    std::string text;
    for (int shift = 60; shift >= 0; shift -= 4) text += "0123456789abcdef"[hash >> shift & 15];
    return text;
}

}  // namespace bunch
