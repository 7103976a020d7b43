#include "bench/replay/check.h"

#include <fmt/format.h>

#include <vector>

#include "scheduler/scheduler.h"

namespace bunch::replay {
namespace {

std::string text_of(const Dispatch& dispatch) {
    const Batch& batch = dispatch.batch;
    return fmt::format("batch {} of {} rows ({} slices) of model {} to lane {}, closed by {}",
                       batch.id.value, batch.rows, batch.slices.size(), batch.model.value,
                       batch.lane.value, name_of(dispatch.closed_by));
}
std::string text_of(const Reject& reject) {
    return fmt::format("call {:#x} rejected ({}): {}", reject.call.value, name_of(reject.reason),
                       reject.status.to_string());
}
std::string text_of(const Load& load) {
    return fmt::format("model {} loaded on device {}", load.model.value, load.device.value);
}

/// Tells a scheduler what it was told then.
class Player {
  public:
    explicit Player(std::uint64_t seed) : scheduler_(seed) {}

    void play(TimePoint at, const trace::Configure& event) {
        scheduler_.configure(at, event.config);
    }
    void play(TimePoint at, const trace::Submit& event) { scheduler_.submit(at, event.ticket); }
    void play(TimePoint at, const trace::Cancel& event) { scheduler_.cancel(at, event.call); }
    void play(TimePoint at, const trace::DeviceUp& event) {
        scheduler_.device_up(at, event.device);
    }
    void play(TimePoint at, const trace::DeviceLost& event) {
        scheduler_.device_lost(at, event.device);
    }
    void play(TimePoint at, const trace::DeviceGone& event) {
        scheduler_.device_gone(at, event.device);
    }
    void play(TimePoint at, const trace::InstanceUp& event) {
        scheduler_.instance_up(at, event.instance);
    }
    void play(TimePoint at, const trace::InstanceDown& event) {
        scheduler_.instance_down(at, event.instance);
    }
    void play(TimePoint at, const trace::BatchStarted& event) {
        scheduler_.batch_started(at, event.batch);
    }
    void play(TimePoint at, const trace::BatchDone& event) {
        scheduler_.batch_done(at, event.batch, event.report);
    }
    void play(TimePoint at, const trace::LaneLost& event) { scheduler_.lane_lost(at, event.lane); }
    void play(TimePoint at, const trace::Drain&) { scheduler_.drain(at); }
    void play(TimePoint at, const trace::Recall& event) { scheduler_.recall(at, event.curves); }
    void play(TimePoint at, const trace::Decide& recorded) {
        decisions_.clear();
        scheduler_.decide(at, decisions_);
        ++check_.decides;
        check_.decisions += recorded.decisions;
        const trace::Decide replayed{static_cast<std::uint32_t>(decisions_.size()),
                                     trace::fingerprint_of(decisions_)};
        if (replayed.decisions == recorded.decisions &&
            replayed.fingerprint == recorded.fingerprint)
            return;
        std::string text;
        for (const Decision& decision : decisions_)
            text +=
                "  " + std::visit([](const auto& one) { return text_of(one); }, decision) + '\n';
        check_.difference = {check_.events, at, recorded, replayed, std::move(text)};
    }
    // A snapshot repeats what was told already.
    void play(TimePoint, const trace::Snapshot&) { is_live_ = false; }
    void play(TimePoint, const trace::Live&) { is_live_ = true; }

    void play(const trace::Event& event) {
        const bool is_mark = std::holds_alternative<trace::Live>(event.what);
        if (!is_live_ && !is_mark) return;
        std::visit([&](const auto& what) { play(event.at, what); }, event.what);
        if (!is_mark && is_live_) ++check_.events;
    }

    const Check& check() const { return check_; }

  private:
    Scheduler scheduler_;
    Check check_;
    bool is_live_ = true;
    std::vector<Decision> decisions_;
};

}  // namespace

Result<Check> check_decisions(const trace::File& file) {
    if (file.header.events_before > 0)
        return Status(
            StatusCode::failed_precondition,
            fmt::format("the trace begins {} events after the daemon's start, and what the "
                        "scheduler had learnt by then is not in it: take it earlier, or raise "
                        "trace.events of the daemon; --policy works",
                        file.header.events_before));
    Player player(file.header.seed);
    trace::Reader reader(file.slots);
    while (!player.check().difference) {
        BUNCH_ASSIGN_OR_RETURN(const std::optional<trace::Event> event, reader.next());
        if (!event) break;
        player.play(*event);
    }
    return player.check();
}

}  // namespace bunch::replay
