#include "backends/xrt/emulation/compute_unit.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace bunch::emulation {

ComputeUnit::ComputeUnit(std::unique_ptr<KernelModel> model, Bus& bus, const CardState& state,
                         std::uint32_t index, KernelTiming timing, std::uint32_t rows_register)
    : model_(std::move(model)),
      bus_(bus),
      state_(state),
      index_(index),
      timing_(std::move(timing)),
      rows_register_(rows_register),
      thread_([this] { run(); }) {}

ComputeUnit::~ComputeUnit() {
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

void ComputeUnit::start(KernelCall call) {
    load_.fetch_add(1, std::memory_order_relaxed);
    bool was_idle = false;
    {
        const std::lock_guard lock(mutex_);
        was_idle = queue_.empty();
        queue_.push_back({std::move(call), now()});
    }
    if (was_idle) changed_.notify_one();
}

bool ComputeUnit::abort(std::uint32_t number) {
    Pending taken;
    {
        const std::lock_guard lock(mutex_);
        // The first one may be running.
        const auto found = std::find_if(
            queue_.begin(), queue_.end(),
            [number](const Pending& pending) { return pending.call.number == number; });
        if (found == queue_.end() || found == queue_.begin()) return false;
        taken = std::move(*found);
        queue_.erase(found);
    }
    load_.fetch_sub(1, std::memory_order_relaxed);
    taken.call.done(taken.call.context, CallEnd::aborted);
    return true;
}

void ComputeUnit::run() {
    // The kernel may otherwise wake this thread 50 us late, to save power.
    ::prctl(PR_SET_TIMERSLACK, 1UL);
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return stopped_ || !queue_.empty(); });
        if (stopped_) break;
        const Pending& pending = queue_.front();  // others are added and taken behind it
        lock.unlock();
        CardFaults& faults = state_.faults();
        if ((faults.hanging_units.load(std::memory_order_relaxed) >> index_ & 1) != 0) {
            faults.hung_process = ::getpid();
            lock.lock();
            // Swallowed, with all behind it: only the end of the process gets it out.
            changed_.wait(lock, [this] { return stopped_; });
            return;
        }
        const CallEnd end = compute(pending.call);
        keep_time(pending);
        load_.fetch_sub(1, std::memory_order_relaxed);
        faults.runs.fetch_add(1, std::memory_order_relaxed);
        pending.call.done(pending.call.context, end);
        lock.lock();
        queue_.pop_front();
    }
    for (const Pending& pending : std::exchange(queue_, {}))
        pending.call.done(pending.call.context, CallEnd::aborted);
}

CallEnd ComputeUnit::compute(const KernelCall& call) {
    std::atomic<std::uint32_t>& failing = state_.faults().failing_runs;
    if (failing.load(std::memory_order_relaxed) > 0) {
        failing.fetch_sub(1);
        return CallEnd::error;
    }
    for (std::size_t i = kFirstArgument / 4; i < call.registers.size(); ++i)
        model_->axil_write(static_cast<std::uint32_t>(4 * i), call.registers[i]);
    model_->axil_write(kControlRegister, kStartBit);
    do {
        if (!model_->step(bus_)) {
            model_->reset();
            return CallEnd::error;
        }
    } while ((model_->axil_read(kControlRegister) & kDoneBit) == 0);
    return CallEnd::completed;
}

void ComputeUnit::keep_time(const Pending& pending) {
    const std::size_t rows_at = rows_register_ / 4;
    const auto& registers = pending.call.registers;
    const std::uint32_t rows = rows_at < registers.size() ? registers[rows_at] : 0;
    // From the end of the call before, not from now: what this thread sleeps too long is not added
    // up.
    free_at_ = std::max(free_at_, pending.arrived) + timing_.latency +
               timing_.per_row * std::int64_t{rows};
    if (free_at_ > now()) std::this_thread::sleep_until(free_at_);
}

}  // namespace bunch::emulation
