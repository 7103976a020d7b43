/// The layout of an xclbin on disk: where each field lies, and bounds-checked little-endian access.
/// For the reader and the writer only.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/xrt/xclbin.h"

namespace bunch::fpga::format {

static_assert(std::endian::native == std::endian::little, "fields are copied as they lie");

inline constexpr std::string_view kMagic{"xclbin2\0", 8};
inline constexpr std::size_t kUniqueId = 296;
inline constexpr std::size_t kLength = 304;
inline constexpr std::size_t kTimestamp = 312;
inline constexpr std::size_t kMajor = 330;
inline constexpr std::size_t kPlatform = 352;
inline constexpr std::size_t kPlatformBytes = 64;
inline constexpr std::size_t kUuid = 416;
inline constexpr std::size_t kSectionCount = 448;
inline constexpr std::size_t kSectionHeaders = 456;
inline constexpr std::size_t kSectionHeaderBytes = 40;
inline constexpr std::size_t kSectionNameBytes = 16;

inline constexpr std::size_t kMemoryBytes = 40;
inline constexpr std::size_t kMemoryTagBytes = 16;
inline constexpr std::size_t kUnitBytes = 80;
inline constexpr std::size_t kUnitNameBytes = 64;
inline constexpr std::size_t kConnectionBytes = 12;
/// Where the entries of a table begin, after its count.
inline constexpr std::size_t kWideTable = 8;
inline constexpr std::size_t kConnectionTable = 4;

/// The number at `offset`, which the caller has checked to lie in `bytes`.
template <typename T>
T load(std::span<const std::byte> bytes, std::size_t offset) {
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

template <typename T>
void store(std::span<std::byte> bytes, std::size_t offset, T value) {
    std::memcpy(bytes.data() + offset, &value, sizeof value);
}

/// The text in a field of fixed size; nothing if no zero ends it or it is not printable ASCII.
inline std::optional<std::string> load_text(std::span<const std::byte> bytes, std::size_t offset,
                                            std::size_t field) {
    std::string text;
    for (std::size_t i = 0; i < field; ++i) {
        const char c = static_cast<char>(bytes[offset + i]);
        if (c == '\0') return text;
        if (c < ' ' || c > '~') return std::nullopt;
        text += c;
    }
    return std::nullopt;
}

inline void store_text(std::span<std::byte> bytes, std::size_t offset, std::size_t field,
                       std::string_view text) {
    std::memcpy(bytes.data() + offset, text.data(), std::min(text.size(), field - 1));
}

/// A name as C and Vitis have it. Others are refused: XRT makes regular expressions of them.
bool is_identifier(std::string_view text);

/// The XML of the metadata section, and back. Kernels only; what else is in it is left alone.
Result<std::vector<Kernel>> parse_metadata(std::span<const std::byte> xml);
std::string write_metadata(const Xclbin& design);

/// Whether the parts of a design fit each other and the limits. Used on both ways.
Status check_design(const Xclbin& design);

}  // namespace bunch::fpga::format
