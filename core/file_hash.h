/// The hash by which files name each other: whether a file is the one that another was written for.
/// Tells files apart that were mixed up; no protection against intent.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace bunch {

/// Of a file's content: FNV-1a of 64 bits, as 16 hexadecimal digits.
std::string file_hash(std::span<const std::byte> content);

}  // namespace bunch
