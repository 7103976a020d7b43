/// What all processes that use an emulated card share: which design it holds, who uses it, what is
/// broken. The shim obeys it; tests, demonstrations and `bunch-emulated-card` break and repair the
/// card through it, while it runs. It is a mapped file, so that it outlives a process that dies.
///
/// Faults are those of a real card and its driver:
/// - a unit that hangs swallows calls; once its process gives up, the driver declares the board
/// dead
///   and everything fails with -EDEADLK until an operator resets it;
/// - a card that fell off the bus: -ENODEV, and it cannot be opened.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "backends/xrt/xclbin.h"
#include "core/result.h"

namespace bunch::emulation {

enum class Board : std::uint32_t { well, dead, gone };

/// The layout of the file. Zeros are a card that is well and empty.
struct CardFaults {
    std::atomic<Board> board;
    std::atomic<std::uint64_t> hanging_units;  ///< bit i: unit i swallows every call
    std::atomic<std::int32_t> hung_process;    ///< that had a call swallowed; 0: none
    std::atomic<std::uint32_t> failing_runs;   ///< so many calls end in the state ERROR
    std::atomic<std::uint32_t> failing_loads;  ///< so many loads fail
    std::atomic<std::uint32_t> busy_loads;     ///< so many loads find the card in use
    std::atomic<std::uint64_t> taken_bytes;    ///< of each bank, held by somebody else
    // What happened, for tests.
    std::atomic<std::uint64_t> loads;
    std::atomic<std::uint64_t> runs;
};

/// Any thread and process may use what is in faults(); the rest, one thread of a process at a time.
class CardState {
  public:
    /// Maps the file, which is made if need be; an empty path: a state of this process alone.
    static Result<std::unique_ptr<CardState>> open(const std::string& path);
    ~CardState();
    CardState(const CardState&) = delete;
    CardState& operator=(const CardState&) = delete;

    CardFaults& faults() const;

    /// 0, or the negative errno that every call gets. A process that died on a hung unit has
    /// killed the board.
    int health() const;

    /// As `xbutil reset`: well and empty again, faults forgotten.
    void reset() const;

    /// The design on the card; zero: none.
    fpga::Uuid design() const;

    /// Puts a design on the card: 1 if it was another one, 0 if it was there already, -EBUSY while
    /// another process (or this one: `own_contexts`) uses a different one.
    int set_design(const fpga::Uuid& uuid, bool own_contexts) const;

    /// Says that this process has contexts open, or no longer.
    int use(const fpga::Uuid& uuid) const;
    void leave() const;

  private:
    struct Shared;
    CardState(int fd, Shared* shared) : fd_(fd), shared_(shared) {}
    bool is_used_by_others() const;

    int fd_;
    Shared* shared_;
};

}  // namespace bunch::emulation
