/// A compute unit of an emulated card, seen from its pins: registers on an AXI4-Lite slave, memory
/// through an AXI4 master. C++ models and Verilated RTL stand behind the same interface. The shim
/// (shim.h) is the card around it: it moves buffers, starts units and keeps time.
///
/// Threads: one object is used by one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "core/result.h"

namespace bunch::emulation {

/// The memory of the card as a unit's master port reaches it. Addresses are physical.
class Bus {
  public:
    virtual ~Bus() = default;

    /// False: a decode error, some of the bytes are in no buffer. Nothing was copied then.
    virtual bool read(std::uint64_t address, void* to, std::size_t bytes) = 0;
    virtual bool write(std::uint64_t address, const void* from, std::size_t bytes) = 0;
};

/// Registers of every unit, as Vitis lays them out for ap_ctrl_hs.
inline constexpr std::uint32_t kControlRegister = 0x00;
inline constexpr std::uint32_t kStartBit = 1u << 0;  ///< written 1: start; reads 1 until accepted
inline constexpr std::uint32_t kDoneBit = 1u << 1;   ///< cleared by reading the register
inline constexpr std::uint32_t kIdleBit = 1u << 2;
inline constexpr std::uint32_t kReadyBit = 1u << 3;
inline constexpr std::uint32_t kFirstArgument = 0x10;

/// Registers of the kernels of dense layer stacks, C++ and RTL alike: kernel(rows, in, out). A row
/// of `in` and of `out` is its elements, each stored in the whole bytes of its format, the
/// row padded with zeros to kDenseRowAlign bytes.
inline constexpr std::uint32_t kDenseRows = 0x10;  ///< 32 bits
inline constexpr std::uint32_t kDenseIn = 0x18;    ///< 64 bits, the lower half first
inline constexpr std::uint32_t kDenseOut = 0x24;   ///< 64 bits
inline constexpr std::uint32_t kDenseRowAlign = 8;

class KernelModel {
  public:
    virtual ~KernelModel() = default;

    /// One 32-bit write, `offset` a multiple of 4. An unknown register swallows it.
    virtual void axil_write(std::uint32_t offset, std::uint32_t value) = 0;

    /// One 32-bit read; reading kControlRegister clears kDoneBit. Unknown registers read 0.
    virtual std::uint32_t axil_read(std::uint32_t offset) = 0;

    /// Goes on by a bounded amount of work: a clock cycle or a number of them, or a whole run.
    /// False: the bus refused an access, and the run will not end before reset().
    virtual bool step(Bus& bus) = 0;

    /// As the reset pin: idle, arguments forgotten, parameters kept.
    virtual void reset() = 0;
};

/// Makes one unit of a kernel from what the xclbin holds for it (bitstream.h): for dense stacks,
/// the weight file. invalid_argument where that is no such thing.
using KernelModelFactory =
    Result<std::unique_ptr<KernelModel>> (*)(std::span<const std::byte> parameters);

/// The factory of that name ("dense_stack", ...); null where this build has none. kernel_models.cpp
/// is the list of them all.
KernelModelFactory kernel_model_named(const std::string& name);

}  // namespace bunch::emulation
