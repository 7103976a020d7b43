/// The memory behind the AXI4 master of a kernel that is simulated clock by clock: answers its
/// bursts from a Bus, and checks that they are what AXI4 allows. Not a model of time: a beat per
/// clock, unless stalls are asked for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <random>

#include "backends/xrt/emulation/kernel_model.h"

namespace bunch::emulation {

inline constexpr std::size_t kBeatBytes = 64;

/// How often, and in which order, the memory makes a kernel wait.
struct Stalls {
    std::uint64_t seed = 0;
    std::uint32_t percent = 0;  ///< of the clocks, for each channel by itself
};

class AxiMemory {
  public:
    using Beat = std::array<std::byte, kBeatBytes>;

    /// What the kernel drives.
    struct Master {
        std::uint64_t araddr = 0;
        std::uint8_t arlen = 0;
        bool arvalid = false;
        bool rready = false;
        std::uint64_t awaddr = 0;
        std::uint8_t awlen = 0;
        bool awvalid = false;
        Beat wdata{};
        std::uint64_t wstrb = 0;
        bool wlast = false;
        bool wvalid = false;
        bool bready = false;
    };

    /// What the memory drives.
    struct Slave {
        bool arready = false;
        Beat rdata{};
        std::uint8_t rresp = 0;
        bool rlast = false;
        bool rvalid = false;
        bool awready = false;
        bool wready = false;
        std::uint8_t bresp = 0;
        bool bvalid = false;
    };

    explicit AxiMemory(const Stalls& stalls) : stalls_(stalls), random_(stalls.seed) {}

    /// What stands on the wires in this clock. Without a bus no beat is read or written.
    const Slave& drive(Bus* bus);

    /// The edge at the end of the clock: what was valid and ready has happened. A broken rule of
    /// AXI is a bug of the kernel and ends the process.
    void clock(const Master& master, Bus* bus);

    /// Whether the bus refused an access since the last reset(). The kernel is told so, too.
    bool faulted() const { return faulted_; }

    void reset();

  private:
    struct Burst {
        std::uint64_t address;
        std::uint32_t beats;
    };

    bool stalls();
    void read_beat(Bus& bus);
    void write_beat(const Master& master, Bus& bus);
    void check(const Master& master) const;

    Stalls stalls_;
    std::mt19937_64 random_;
    Slave slave_;
    Master waiting_;  ///< what was offered in the last clock and not taken
    std::deque<Burst> reads_;
    std::deque<Burst> writes_;
    std::deque<std::uint8_t> answers_;
    std::uint8_t write_response_ = 0;
    bool faulted_ = false;
};

}  // namespace bunch::emulation
