#include "backends/xrt/unit_lane.h"

#include <sys/prctl.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "backends/xrt/driver_error.h"
#include "core/check.h"

namespace bunch::fpga {
namespace {

using namespace std::chrono_literals;

// XRT's own wait counts in milliseconds. Shorter ones, which the lane's thread asks for while it
// could take another batch, look at the run's state instead: first without a pause, for calls of a
// few microseconds, then every kLook.
constexpr Duration kShortestWait = 1ms;
constexpr Duration kLongestWait = 100ms;
constexpr Duration kSpin = 20us;
constexpr Duration kLook = 20us;
// A single call may fail for its own reasons. So many in a row are the card's, not counting those
// of fewer rows than the one before: so the daemon searches for the row that is to blame.
constexpr std::uint32_t kFailuresOfABrokenCard = 5;

std::string seconds(Duration span) {
    std::string text = std::to_string(to_seconds(span));
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text + " s";
}

std::string name_of(ert_cmd_state state) {
    switch (state) {
        case ERT_CMD_STATE_ERROR:
            return "ERROR";
        case ERT_CMD_STATE_ABORT:
            return "ABORT";
        case ERT_CMD_STATE_TIMEOUT:
            return "TIMEOUT";
        default:
            return "state " + std::to_string(static_cast<int>(state));
    }
}

}  // namespace

UnitLane::UnitLane(::xrt::device handle, CardName card, LaneArena arena, const FaultHandler& tell)
    : handle_(std::move(handle)), card_(std::move(card)), arena_(arena), tell_(tell) {}

UnitLane::~UnitLane() {
    // The driver holds on to what a call works with.
    static_cast<void>(tried([this] {
        while (!broken_ && started_ > 0 && now() < due()) {
            if (flights_.front().placement->state(flights_.front().slot) <
                ERT_CMD_STATE_COMPLETED) {
                pause(kLook);
                continue;
            }
            flights_.pop_front();
            --started_;
            unit_free_at_ = now();
        }
    }));
}

// ---- for the control thread ----

void UnitLane::place(ModelId id, std::unique_ptr<Placement> placement) {
    const std::lock_guard lock(mutex_);
    placements_[id] = std::move(placement);
}

void UnitLane::remove(ModelId id) {
    std::shared_ptr<Placement> gone;  // closed after the lock
    const std::lock_guard lock(mutex_);
    if (const auto found = placements_.find(id); found != placements_.end()) {
        gone = std::move(found->second);
        placements_.erase(found);
    }
}

void UnitLane::clear() {
    std::map<ModelId, std::shared_ptr<Placement>> gone;
    const std::lock_guard lock(mutex_);
    gone.swap(placements_);
}

// ---- for the lane's thread ----

std::shared_ptr<Placement> UnitLane::find(ModelId model) const {
    const std::lock_guard lock(mutex_);
    const auto found = placements_.find(model);
    return found == placements_.end() ? nullptr : found->second;
}

Status UnitLane::submit(SlotId slot, ModelId model, std::span<const ConstTensorView> inputs,
                        std::span<const TensorView> outputs) {
    if (broken_) return ok_status();  // it ends with the lane, and may run elsewhere
    const std::shared_ptr<Placement> placement = find(model);
    if (!placement)
        return not_found("model " + std::to_string(model.value) +
                         " is not on the card: its design is not the one that the card holds");
    BUNCH_CHECK(slot.value < arena_.slots);
    Flight flight;
    flight.transfer_begin = now();
    flight.slot = slot.value;
    flight.placement = placement;
    flight.rows = static_cast<std::size_t>(inputs[0].shape[0]);
    flight.outputs.assign(outputs.begin(), outputs.end());
    bool lies_right = false;
    const auto error =
        tried([&] { lies_right = placement->stage(flight.slot, flight.rows, inputs, outputs); });
    if (error) {
        break_down(fault_of_errno(error->error, FaultKind::call_failed),
                   "inputs cannot be brought to the card: " + error->text);
        return ok_status();
    }
    if (!lies_right) return internal_error("a batch does not lie in its slot of the arena");
    flights_.push_back(std::move(flight));
    start_next();
    return ok_status();
}

/// Starts what may be with the units already.
void UnitLane::start_next() {
    while (!broken_ && started_ < flights_.size()) {
        Flight& flight = flights_[started_];
        if (started_ >= flight.placement->model().manifest.slots) return;
        const auto error = tried([&] { flight.placement->start(flight.slot); });
        if (error) {
            break_down(fault_of_errno(error->error, FaultKind::call_failed),
                       "unit '" + flight.placement->unit() + "' cannot be started: " + error->text);
            return;
        }
        flight.started_at = now();
        flight.started = true;
        ++started_;
    }
}

/// When the call that runs is past its time limit.
TimePoint UnitLane::due() const {
    const Flight& front = flights_.front();
    return std::max(front.started_at, unit_free_at_) + front.placement->model().manifest.time_limit;
}

std::optional<Completion> UnitLane::wait(TimePoint until) {
    if (!precise_) {
        // The kernel may otherwise wake this thread 50 us late, to save power.
        ::prctl(PR_SET_TIMERSLACK, 1UL);
        precise_ = true;
    }
    while (!broken_ && !flights_.empty()) {
        const Flight& front = flights_.front();
        const ert_cmd_state state = front.placement->state(front.slot);
        if (state >= ERT_CMD_STATE_COMPLETED && state != ERT_CMD_STATE_SUBMITTED) {
            Completion completion = finish(state);
            if (broken_) break;
            return completion;
        }
        const TimePoint at = now();
        if (at >= due()) {
            const Duration limit = front.placement->model().manifest.time_limit;
            break_down(FaultKind::hang,
                       "unit '" + front.placement->unit() + "' of kernel '" +
                           front.placement->model().manifest.kernel + "' did not end a call of " +
                           std::to_string(front.rows) + " rows within " + seconds(limit));
            break;
        }
        if (at >= until) return std::nullopt;
        pause(std::min(until, due()) - at);
    }
    if (broken_) throw std::runtime_error("the lane of a card that broke");
    return std::nullopt;
}

/// Until the front call may have ended, at most `span`.
void UnitLane::pause(Duration span) {
    const Flight& front = flights_.front();
    if (span >= kShortestWait) {
        const auto limit =
            std::chrono::floor<std::chrono::milliseconds>(std::min(span, kLongestWait));
        // An error here is one of the driver; the state, or the next start, will tell.
        if (!tried([&] { front.placement->wait(front.slot, limit); })) return;
    }
    const TimePoint begun = now();
    const TimePoint end = begun + std::min(span, kSpin);
    while (now() < end)
        if (front.placement->state(front.slot) >= ERT_CMD_STATE_COMPLETED) return;
    const Duration left = span - kSpin;
    if (left > Duration{}) std::this_thread::sleep_for(std::min(left, kLook));
}

Completion UnitLane::finish(ert_cmd_state state) {
    const Flight flight = std::move(flights_.front());
    flights_.pop_front();
    --started_;
    Completion completion{SlotId{flight.slot}, {}, {}, {}};
    completion.times.transfer_begin = flight.transfer_begin;
    completion.times.compute_begin = std::max(flight.started_at, unit_free_at_);
    completion.times.compute_end = unit_free_at_ = now();
    start_next();
    if (state == ERT_CMD_STATE_COMPLETED) {
        failed_in_a_row_ = blamed_on_card_ = 0;
        const auto error =
            tried([&] { flight.placement->fetch(flight.slot, flight.rows, flight.outputs); });
        if (error)
            break_down(fault_of_errno(error->error, FaultKind::call_failed),
                       "outputs cannot be fetched from the card: " + error->text);
        for (const TensorView& output : flight.outputs)
            completion.output_shapes.push_back(output.shape);
    } else {
        completion.status = fail_call(flight, state);
    }
    completion.times.transfer_end = now();
    return completion;
}

Status UnitLane::fail_call(const Flight& flight, ert_cmd_state state) {
    const std::string seen = "unit '" + flight.placement->unit() + "' ended a call of " +
                             std::to_string(flight.rows) + " rows in the state " + name_of(state);
    if (failed_in_a_row_++ == 0 || flight.rows >= rows_of_last_failure_) ++blamed_on_card_;
    rows_of_last_failure_ = flight.rows;
    if (blamed_on_card_ >= kFailuresOfABrokenCard) {
        break_down(FaultKind::call_failed,
                   seen + ", as the " + std::to_string(failed_in_a_row_ - 1) + " calls before it");
        return ok_status();
    }
    const DeviceFault fault = describe_fault(FaultKind::call_failed, card_, seen);
    tell_(fault);
    if (const auto error = tried([&] { flight.placement->renew(flight.slot); }))
        break_down(fault_of_errno(error->error, FaultKind::call_failed),
                   seen + ", and no new run can be made: " + error->text);
    return internal_error("the FPGA reported an error: " + seen);
}

/// The batches that are here end with the lane; the daemon runs them again elsewhere.
void UnitLane::break_down(FaultKind kind, const std::string& seen) {
    broken_ = true;
    DeviceFault fault = describe_fault(kind, card_, seen);
    fault.ends_runner = true;
    tell_(fault);
}

}  // namespace bunch::fpga
