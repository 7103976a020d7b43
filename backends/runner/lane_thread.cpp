#include "backends/runner/lane_thread.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "backends/runner/batch_check.h"
#include "backends/runner/guard.h"
#include "core/check.h"
#include "core/time.h"

namespace bunch {
namespace {

using namespace std::chrono_literals;

// A Lane has no descriptor, so while an asynchronous one is busy and could take more, its thread
// looks at both sides in turn. A finished batch ends a wait at once; what can be late is only the
// hand-over of a batch that would have waited behind the running one anyway.
constexpr Duration kFirstLook = 50us;
constexpr Duration kLongestLook = 400us;
// With every slot in use no batch can come; this is how soon the end of the daemon is seen.
constexpr Duration kFullLook = 100ms;

}  // namespace

LaneThread::LaneThread(std::unique_ptr<Lane> lane, Channel channel, Arena arena,
                       std::uint32_t slots, const LoadedModels& models)
    : arena_(std::move(arena)),
      channel_(std::move(channel)),
      lane_(std::move(lane)),
      models_(models),
      slots_(slots),
      thread_([this] { run(); }) {}

LaneThread::~LaneThread() {
    channel_.shut_down();
    thread_.join();
}

void LaneThread::run() {
    Duration look = kFirstLook;
    for (;;) {
        const auto received =
            in_flight_ == 0 ? channel_.receive_blocking(incoming_) : channel_.receive(incoming_);
        if (!received.ok() || *received == Received::closed) break;
        const bool arrived = *received == Received::message;
        if (arrived && !accept()) break;
        look = arrived ? kFirstLook : std::min(look * 2, kLongestLook);
        if (in_flight_ == 0) continue;
        const Duration patience = in_flight_ == slots_.size() ? kFullLook : look;
        if (!collect(arrived ? TimePoint{} : now() + patience)) break;
    }
    // The daemon sees the lane as lost, whoever ended it.
    channel_.shut_down();
}

/// False when the connection is of no use any more.
bool LaneThread::accept() {
    if (!decode(incoming_.bytes(), incoming_batch_).ok()) return false;
    if (incoming_batch_.slot.value >= slots_.size()) return false;
    Slot& slot = slots_[incoming_batch_.slot.value];
    if (slot.in_use) return false;
    std::swap(slot.batch, incoming_batch_);
    const TimePoint begun = now();
    const Status status = guarded("running a batch", [&] { return begin(slot.batch); });
    if (status.ok()) {
        slot.in_use = true;
        ++in_flight_;
        return true;
    }
    const TimePoint ended = now();
    return finish(slot.batch, {slot.batch.slot, status, {}, {begun, begun, ended, ended}});
}

Status LaneThread::begin(const wire::RunBatch& batch) {
    const auto model = models_.find(batch.model);
    if (model == nullptr) {
        return not_found("model number " + std::to_string(batch.model.value) +
                         " is not loaded by this runner");
    }
    BUNCH_RETURN_IF_ERROR(check_batch(batch, *model, arena_.bytes().size()));
    inputs_.clear();
    for (const Segment& segment : batch.inputs) {
        inputs_.emplace_back(segment.type, segment.shape,
                             arena_.bytes().subspan(segment.offset, segment.bytes));
    }
    outputs_.clear();
    for (const Segment& segment : batch.outputs) {
        outputs_.push_back(
            {segment.type, segment.shape, arena_.bytes().subspan(segment.offset, segment.bytes)});
    }
    return lane_->submit(batch.slot, batch.model, inputs_, outputs_);
}

/// Sends all that is through, having waited for the first until `until`. False when the connection
/// is of no use any more, or the driver threw while it was waited for: nobody can then know which
/// batches are through, so the lane ends.
bool LaneThread::collect(TimePoint until) {
    try {
        while (in_flight_ > 0) {
            std::optional<Completion> completion = lane_->wait(until);
            if (!completion) return true;
            BUNCH_CHECK(completion->slot.value < slots_.size());
            Slot& slot = slots_[completion->slot.value];
            BUNCH_CHECK(slot.in_use);
            slot.in_use = false;
            --in_flight_;
            if (!finish(slot.batch, std::move(*completion))) return false;
            until = TimePoint{};
        }
        return true;
    } catch (...) {
        return false;
    }
}

bool LaneThread::finish(const wire::RunBatch& batch, Completion&& completion) {
    done_.batch = batch.batch;
    done_.slot = batch.slot;
    done_.status = check_completion(batch, completion);
    done_.output_shapes.clear();
    if (done_.status.ok()) std::swap(done_.output_shapes, completion.output_shapes);
    done_.times = completion.times;
    encode(done_, outgoing_);
    return channel_.send(outgoing_).ok();
}

}  // namespace bunch
