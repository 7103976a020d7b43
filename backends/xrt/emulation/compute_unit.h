/// One compute unit of an emulated card: a queue of calls, and a thread that has a kernel model
/// compute them one after the other and keeps the time that a card would take.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "backends/xrt/emulation/card_settings.h"
#include "backends/xrt/emulation/card_state.h"
#include "backends/xrt/emulation/kernel_model.h"

namespace bunch::emulation {

/// How a call ended; the numbers are those of ert_cmd_state.
enum class CallEnd : std::uint32_t { completed = 4, error = 5, aborted = 6 };

/// One start of a kernel, as XRT sends it.
struct KernelCall {
    std::uint32_t number = 0;              ///< of the command buffer, to find it again
    std::vector<std::uint32_t> registers;  ///< from kControlRegister on
    void (*done)(void* context, CallEnd end) = nullptr;  ///< on the unit's thread, once
    void* context = nullptr;
};

class ComputeUnit {
  public:
    /// `bus` and `state` must outlive the unit. `index` is its bit in CardFaults.
    ComputeUnit(std::unique_ptr<KernelModel> model, Bus& bus, const CardState& state,
                std::uint32_t index, KernelTiming timing, std::uint32_t rows_register);

    /// Waits for the call that is being computed; the others end as aborted. Calls that a hanging
    /// unit swallowed end never.
    ~ComputeUnit();

    void start(KernelCall call);

    /// Calls that are not done.
    std::size_t load() const { return load_.load(std::memory_order_relaxed); }

    /// Takes a call out of the queue. False: it is running or hanging and cannot be stopped.
    bool abort(std::uint32_t number);

  private:
    struct Pending {
        KernelCall call;
        TimePoint arrived;
    };
    void run();
    CallEnd compute(const KernelCall& call);
    void keep_time(const Pending& pending);

    std::unique_ptr<KernelModel> model_;
    Bus& bus_;
    const CardState& state_;
    const std::uint32_t index_;
    const KernelTiming timing_;
    const std::uint32_t rows_register_;
    std::atomic<std::size_t> load_{0};
    TimePoint free_at_;  // the unit's thread only

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Pending> queue_;  // guarded by mutex_, as is
    bool stopped_ = false;
    std::thread thread_;
};

}  // namespace bunch::emulation
