#include "backends/xrt/emulation/rows_design.h"

#include <span>
#include <string>

#include "backends/xrt/emulation/kernel_model.h"
#include "backends/xrt/xclbin.h"

namespace bunch::emulation {
namespace {

constexpr std::uint64_t kBankBase = 0x4000000000;
constexpr std::uint64_t kBankBytes = std::uint64_t{1} << 30;
constexpr std::uint64_t kUnitBase = 0x1800000;
constexpr std::uint64_t kUnitBytes = 0x10000;

/// FNV-1a, twice.
fpga::Uuid uuid_of(std::span<const std::byte> bytes) {
    fpga::Uuid uuid{};
    for (std::size_t half = 0; half < 2; ++half) {
        std::uint64_t hash = 14695981039346656037U + half;
        for (const std::byte byte : bytes)
            hash = (hash ^ std::to_integer<std::uint64_t>(byte)) * 1099511628211U;
        for (std::size_t i = 0; i < 8; ++i)
            uuid[8 * half + i] = static_cast<std::uint8_t>(hash >> (8 * i));
    }
    return uuid;
}

fpga::Xclbin design(const std::string& kernel, std::uint32_t units) {
    fpga::Xclbin made;
    made.platform = "bunch:emulated:card:1.0";
    made.memories = {{2, true, kBankBase, kBankBytes, "bank0"}};
    made.kernels = {{kernel,
                     {{"rows", false, kDenseRows, 4, "uint"},
                      {"in", true, kDenseIn, 8, "void*"},
                      {"out", true, kDenseOut, 8, "void*"}}}};
    for (std::uint32_t unit = 0; unit < units; ++unit) {
        made.units.push_back({1, 0, kUnitBase + unit * kUnitBytes,
                              kernel + ":" + kernel + "_" + std::to_string(unit + 1)});
        made.connections.push_back({1, unit, 0});
        made.connections.push_back({2, unit, 0});
    }
    return made;
}

}  // namespace

Status check_units(std::uint32_t units) {
    if (units > 0 && units <= kMaxUnits) return ok_status();
    return invalid_argument(std::to_string(units) + " compute units are not possible; write 1 to " +
                            std::to_string(kMaxUnits));
}

Result<std::vector<std::byte>> write_rows_design(const KernelImage& image, std::uint32_t units) {
    BUNCH_RETURN_IF_ERROR(check_units(units));
    const auto bitstream = write_bitstream(std::span(&image, 1));
    fpga::Xclbin made = design(image.kernel, units);
    made.uuid = uuid_of(bitstream);
    made.uuid[0] = static_cast<std::uint8_t>(made.uuid[0] ^ units);
    return fpga::write_xclbin(made, bitstream);
}

}  // namespace bunch::emulation
