/// FPGA designs for tests, and damage done to their files.
#pragma once

#include <cstddef>
#include <cstring>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "backends/xrt/emulation/bitstream.h"
#include "backends/xrt/xclbin.h"

namespace bunch::test {

/// Two kernels, "dense" with two units and "other" with one, on two banks of memory.
inline fpga::Xclbin sample_design() {
    fpga::Xclbin design;
    design.uuid = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    design.platform = "bunch:emulated:card:1.0";
    design.timestamp = 1700000000;
    design.memories = {{2, true, 0x4000000000, 1 << 20, "bank0"},
                       {6, true, 0x5000000000, 1 << 20, "HBM[1]"}};
    const std::vector<fpga::KernelArgument> arguments = {{"rows", false, 0x10, 4, "uint"},
                                                         {"in", true, 0x18, 8, "void*"},
                                                         {"out", true, 0x24, 8, "void*"}};
    design.kernels = {{"dense", arguments}, {"other", arguments}};
    design.units = {{1, 0, 0x1800000, "dense:dense_1"},
                    {1, 0, 0x1810000, "dense:dense_2"},
                    {1, 0, 0x1820000, "other:other_1"}};
    for (std::uint32_t unit = 0; unit < 3; ++unit)
        for (std::uint32_t argument : {1u, 2u})
            design.connections.push_back({argument, unit, unit % 2});
    return design;
}

/// The file of the sample design for an emulated card: "dense" and "other" copy rows of 64 bytes.
/// `uuid` is its first byte.
inline std::vector<std::byte> copying_file(std::uint8_t uuid = 1) {
    fpga::Xclbin design = sample_design();
    design.uuid[0] = uuid;
    const std::string parameters = "64 64";
    const auto bytes = std::as_bytes(std::span(parameters));
    const emulation::KernelImage images[] = {{"dense", "copy", {bytes.begin(), bytes.end()}},
                                             {"other", "copy", {bytes.begin(), bytes.end()}}};
    return *fpga::write_xclbin(design, emulation::write_bitstream(images));
}

/// `file` with some of its bytes changed, cut off or repeated; numbers in it more often than
/// chance would.
inline std::vector<std::byte> damaged(std::vector<std::byte> file, std::mt19937& random) {
    const auto below = [&random](std::size_t bound) { return random() % bound; };
    const std::size_t changes = 1 + below(4);
    for (std::size_t i = 0; i < changes && !file.empty(); ++i) {
        const std::size_t at = below(file.size());
        constexpr std::uint64_t kNumbers[] = {0,          1,          0x7fffffff, 0x80000000,
                                              0xffffffff, UINT64_MAX, 1u << 20,   0x100000001};
        switch (below(5)) {
            case 0:
                file[at] = static_cast<std::byte>(random());
                break;
            case 1:
                file[at] ^= static_cast<std::byte>(1u << below(8));
                break;
            case 2: {  // a number, where numbers lie
                const std::uint64_t number = kNumbers[below(std::size(kNumbers))];
                const std::size_t place = at / 4 * 4;
                std::memcpy(file.data() + place, &number,
                            std::min<std::size_t>(8, file.size() - place));
                break;
            }
            case 3: {  // one of the header and the list of sections
                const std::size_t place = std::min(file.size() - 1, 304 + below(352) / 4 * 4);
                const auto number = static_cast<std::uint32_t>(
                    below(2) == 0 ? kNumbers[below(std::size(kNumbers))] : below(2 * file.size()));
                std::memcpy(file.data() + place, &number,
                            std::min<std::size_t>(4, file.size() - place));
                break;
            }
            default:
                if (below(4) == 0) file.resize(at);
        }
    }
    return file;
}

}  // namespace bunch::test
