/// A device that does what a test orders: holds batches back, fails them, lies about them, crashes.
/// Answers are echoes: output i is a copy of input i, so both must be of one type and shape.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "backends/runner/backend.h"

namespace bunch::test {

enum class Fault : std::uint8_t {
    none,
    error,        ///< the batch fails with `internal`
    exception,    ///< the driver throws on submit
    wrong_shape,  ///< the completion has one row too many
    crash,        ///< the runner is gone before the batch is through
};

/// The orders, shared by a test and the backends that it had made. Any thread.
class FakeDevice {
  public:
    /// What the device says it is. To be set before a runner starts.
    DeviceDescription description{"fake", 1, 2, 0};

    /// Not empty: no runner of the device comes up, for this reason.
    std::string refusal;

    /// Loading the model of that name fails so from now on; ok() lets it load again.
    void order_load(const std::string& model, Status status);

    /// Loading the model of that name crashes the runner.
    void order_load_crash(const std::string& model);

    /// What becomes of the next batch; one order per batch, in turn, then Fault::none.
    void order_batch(Fault fault);

    /// Batches are taken but do not end until release().
    void hold();
    void release();

    /// The runner's backend says that its device broke.
    void tell(const DeviceFault& fault);

    /// What its sensors say.
    DeviceReadings readings;

    /// Batches that were submitted, ever.
    std::size_t batches() const;

    /// Makes a backend of this device, which lives as long as the backend. `crash` is called when a
    /// crash was ordered: it ends the process, or cuts its connections.
    static Result<std::unique_ptr<Backend>> make(const std::shared_ptr<FakeDevice>& device,
                                                 std::function<void()> crash);

  private:
    friend class FakeBackend;
    friend class FakeLane;

    bool crashes_on(const std::string& model) const;
    Status load_outcome(const std::string& model) const;
    Fault next_fault();
    bool wait_until_released(TimePoint until);

    mutable std::mutex mutex_;  // guards all below
    std::condition_variable released_;
    std::map<std::string, Status> load_orders_;
    std::set<std::string> load_crashes_;
    std::deque<Fault> faults_;
    FaultHandler fault_handler_;
    std::size_t batches_ = 0;
    bool held_ = false;
};

}  // namespace bunch::test
