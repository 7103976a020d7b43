#include <linux/futex.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>

#include "bench/farm/executor.h"
#include "bench/farm/shared_memory.h"

namespace bunch::farm {
namespace {

/// In shared memory: who is served next, and which number the next one draws.
struct Counter {
    std::atomic<std::uint32_t> next_number;
    std::atomic<std::uint32_t> now_serving;
};

/// Sleeps while `value` is `seen`, or until a wake-up for one of `bits`; also of other processes.
void futex_wait(std::atomic<std::uint32_t>& value, std::uint32_t seen, std::uint32_t bits) {
    syscall(SYS_futex, &value, FUTEX_WAIT_BITSET, seen, nullptr, nullptr, bits);
}

void futex_wake(std::atomic<std::uint32_t>& value, std::uint32_t bits) {
    syscall(SYS_futex, &value, FUTEX_WAKE_BITSET, INT32_MAX, nullptr, nullptr, bits);
}

/// Processes draw numbers, as at a counter: strictly first come, first served. A pipe or a mutex
/// would let a worker that has just been served overtake those that are still waking up.
class SimulatedAccelerator : public ExecutorSource {
  public:
    explicit SimulatedAccelerator(Duration service_time)
        : service_time_(service_time), counter_(1) {}

    Result<std::unique_ptr<Executor>> open() override;

    void take() {
        const std::uint32_t number = counter_[0].next_number.fetch_add(1);
        for (;;) {
            const std::uint32_t serving = counter_[0].now_serving;
            if (serving == number) return;
            futex_wait(counter_[0].now_serving, serving, bit_of(number));
        }
    }

    void pass_on() {
        const std::uint32_t next = counter_[0].now_serving.fetch_add(1) + 1;
        futex_wake(counter_[0].now_serving, bit_of(next));
    }

    Duration service_time() const { return service_time_; }

  private:
    /// Wakes only those whose turn it may be.
    static std::uint32_t bit_of(std::uint32_t number) { return std::uint32_t{1} << number % 32; }

    Duration service_time_;
    SharedArray<Counter> counter_;
};

void wait_until(TimePoint time) {
    const auto since_boot = time.time_since_epoch().count();
    const timespec until = {since_boot / 1'000'000'000, since_boot % 1'000'000'000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
    }
}

class SimulatedExecutor : public Executor {
  public:
    explicit SimulatedExecutor(SimulatedAccelerator& device) : device_(device) {
        prctl(PR_SET_TIMERSLACK, 1);  // the device is as punctual as the kernel allows
    }

    Status run(std::span<const float> input, std::span<float> output) override {
        device_.take();
        wait_until(now() + device_.service_time());
        std::copy(input.begin(), input.end(), output.begin());
        device_.pass_on();
        return ok_status();
    }

  private:
    SimulatedAccelerator& device_;
};

Result<std::unique_ptr<Executor>> SimulatedAccelerator::open() {
    return std::unique_ptr<Executor>(std::make_unique<SimulatedExecutor>(*this));
}

}  // namespace

Result<std::unique_ptr<ExecutorSource>> simulated_accelerator(Duration fixed, Duration per_row,
                                                              std::uint32_t rows) {
    return std::unique_ptr<ExecutorSource>(
        std::make_unique<SimulatedAccelerator>(fixed + per_row * rows));
}

}  // namespace bunch::farm
