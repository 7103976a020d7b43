/// One emulated card as this process sees it: its memory, the units of the design that it holds,
/// and the handles that are open. shim.cpp makes XRT's C interface of it; everything that returns
/// an int returns 0 or a negative errno, as the driver does.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "backends/xrt/emulation/card_memory.h"
#include "backends/xrt/emulation/card_settings.h"
#include "backends/xrt/emulation/card_state.h"
#include "backends/xrt/emulation/compute_unit.h"
#include "backends/xrt/xclbin.h"

namespace bunch::emulation {

class Card;

/// What xclOpen returns. Counts calls that are done, for xclExecWait.
class CardHandle {
  public:
    explicit CardHandle(Card& card) : card_(card) {}

    Card& card() { return card_; }

    /// From any thread: a call of this handle is done.
    void signal();

    /// Takes one signal: 1, or 0 if there was none within `milliseconds`.
    int wait(int milliseconds);

    std::shared_ptr<void> xrt_device;  ///< kept for XRT, which only holds it weakly
    std::set<std::uint32_t> contexts;  ///< units; guarded by the card

  private:
    Card& card_;
    std::mutex mutex_;
    std::condition_variable signalled_;
    std::uint64_t signals_ = 0;  // guarded by mutex_
    std::uint32_t waiting_ = 0;
};

class Card {
  public:
    /// Card number `index` of the settings file; null if there is none or it is gone. Any thread.
    static Card* at(unsigned index);

    Card(CardSettings settings, std::unique_ptr<CardState> state);

    const CardSettings& settings() const { return settings_; }
    CardMemory& memory() { return memory_; }
    int health() const { return state_->health(); }

    /// Checks the file and puts the design on the card, which takes its time.
    int load(std::span<const std::byte> file);

    /// `unit` in the order of the units' indexes, or beyond them: no unit in particular.
    int open_context(CardHandle& handle, const fpga::Uuid& uuid, std::uint32_t unit, bool shared);
    int close_context(CardHandle& handle, std::uint32_t unit);

    std::int64_t allocate(std::size_t bytes, std::uint32_t flags, void* user);

    void free(std::uint32_t buffer);

    /// Starts the command in the buffer of that number (layout: ert.h).
    int execute(CardHandle& handle, std::uint32_t command);

    /// The handle is closed: its contexts, too. One whose call hangs takes the board with it.
    void leave(CardHandle& handle);

  private:
    struct Command {
        Card* card;
        CardHandle* handle;
        std::uint32_t number;
        std::uint32_t* packet;  ///< null once its buffer was freed
    };
    static void finish(void* context, CallEnd end);
    int start(CardHandle& handle, std::uint32_t number, std::uint32_t* packet, std::size_t words);
    int abort(std::uint32_t number);
    int build(const fpga::Xclbin& design, std::span<const std::byte> file);
    void note_contexts();

    const CardSettings settings_;
    const std::unique_ptr<CardState> state_;
    CardMemory memory_;

    std::mutex mutex_;  // guards all below
    fpga::Uuid uuid_{};
    std::vector<std::shared_ptr<ComputeUnit>> units_;  // shared: a call may be on its way to one
    std::multiset<std::uint32_t> open_;                // contexts of all handles
    std::set<std::uint32_t> exclusive_;
    std::set<CardHandle*> handles_;
    std::map<std::uint32_t, Command> running_;  // by the number of the command buffer
};

}  // namespace bunch::emulation
